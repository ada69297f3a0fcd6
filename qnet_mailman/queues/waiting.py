# SPDX-License-Identifier: GPL-3.0-or-later
"""How many entries wait in a queue, and since when."""

from __future__ import annotations

import os
from dataclasses import dataclass

RESTING = frozenset({'bad', 'shunt', 'digest'})
"""Queues whose entries wait for somebody, or for their day."""


@dataclass(frozen=True)
class Waiting:
    """What waits in a queue.

    :ivar number: Of entries.
    :ivar since: When the oldest of them was put there, in seconds since 1970.
    """

    number: int
    since: float | None


def of(folder: str) -> Waiting:
    """What waits in a queue's folder.

    The time in an entry's name is that of its first queue; that of its file is the one
    when it came into this.
    """
    times = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith('.pck'):
                    try:
                        times.append(entry.stat().st_mtime)
                    except FileNotFoundError:
                        # A runner has just taken it.
                        continue
    except FileNotFoundError:
        return Waiting(0, None)
    return Waiting(len(times), min(times, default=None))
