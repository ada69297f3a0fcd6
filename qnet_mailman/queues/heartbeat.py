# SPDX-License-Identifier: GPL-3.0-or-later
"""When each runner of this host was last seen at work.

A runner that hangs is there all the same: the file that it touches gets old.
"""

from __future__ import annotations

import time
from pathlib import Path

from mailman.config import config

EVERY = 60.0
"""Seconds between two beats."""

_last: dict[str, float] = {}


def _folder() -> Path:
    return Path(config.VAR_DIR, 'heartbeats')


def beat(runner: str) -> None:
    """Say that a runner is at work.

    :param runner: Its name, a colon, and the number of its slice.
    """
    moment = time.monotonic()
    if moment - _last.get(runner, -EVERY) < EVERY:
        return
    _last[runner] = moment
    try:
        _folder().mkdir(mode=0o770, exist_ok=True)
        (_folder() / runner).touch(mode=0o660)
    except OSError:
        # The disk is full, say: work goes on, and the file tells that it is old.
        return


def beats() -> dict[str, float]:
    """When each was last seen, in seconds since 1970."""
    found = {}
    for path in sorted(_folder().glob('*')):
        found[path.name] = path.stat().st_mtime
    return found
