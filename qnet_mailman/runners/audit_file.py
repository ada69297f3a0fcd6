# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit log as a file of JSON Lines, for a log server on another host (R31).

A row is there once it gets its seal, in the order of these; who sent a masked post is
left out.  What could not be written, or was and its seal was not committed, is written
again: each row is there at least once, and `id` tells whether it is there twice.  While
the file cannot be written, rows get no seal, and `mailman qnet check` says so.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from qnet_mailman import site
from qnet_mailman.model import seals

MODE = 0o640
"""Of a new file: the log server's program reads it with the group's rights."""


def seal_due(moment: datetime) -> None:
    """See `seals.seal_due`."""
    seals.seal_due(moment, tell)


def log_end(_moment: datetime) -> None:
    """See `seals.log_end`."""
    seals.log_end(tell)


def tell(rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows to the site's file, if it has one.

    :raises OSError: if not all of them are on the disk.
    """
    path = site.settings().audit_file
    if path is not None:
        append(path, (json.dumps(row) for row in rows))


def append(path: Path, lines: Iterable[str]) -> None:
    """Write lines behind what a file has; it may have been moved (logrotate).

    :raises OSError: if not all of them are on the disk.
    """
    with open(path, 'ab+', opener=_open) as file:
        end = file.seek(0, os.SEEK_END)
        if end:
            file.seek(end - 1)
            if file.read(1) != b'\n':
                # Half a line, of before the disk was full or the power went.
                file.write(b'\n')
        file.writelines(f'{line}\n'.encode() for line in lines)
        file.flush()
        os.fsync(file.fileno())


def _open(path: str, flags: int) -> int:
    return os.open(path, flags, MODE)
