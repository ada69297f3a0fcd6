# SPDX-License-Identifier: GPL-3.0-or-later
"""A moment in which nothing is worked on, so that a backup is of one piece (R33).

Queues and database belong together: an entry that was worked off between the copies of
the two would be lost, or done twice, by whoever restores them.  So runners ask here
before each round, end a round early where a standstill is wanted, and leave their
queue alone while it lasts; REST keeps requests that change something waiting.  LMTP
goes on: what it takes is in a queue, and nowhere else.

The locks are flock(2)'s, which go with the process that holds them: a backup that is
killed keeps nobody waiting.  There are two, because new readers may overtake a writer
for ever: whoever wants a standstill takes the first, which nobody keeps, and so stops
newcomers; then it waits for the second, which is held while something is worked on.

They are of one host.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mailman.config import config

WANTED = 'qnet-standstill-wanted.lck'
WORK = 'qnet-standstill-work.lck'
LOOK_EVERY = 0.02
"""Seconds between looks of whoever waits."""


class StillAtWork(Exception):
    """Somebody has worked for longer than was to be waited for."""


@contextmanager
def working(*, wait: float = 0) -> Iterator[bool]:
    """Within this there is no standstill, unless it says False.

    :param wait: Seconds for which to wait for the end of one.
    """
    until = time.monotonic() + wait
    while True:
        with _opened(WORK) as work:
            if not is_wanted() and _taken(work, fcntl.LOCK_SH):
                yield True
                return
        if time.monotonic() >= until:
            break
        time.sleep(LOOK_EVERY)
    yield False


def is_wanted() -> bool:
    """Whether somebody waits for a standstill, or there is one."""
    with _opened(WANTED) as wanted:
        return not _taken(wanted, fcntl.LOCK_SH)


@contextmanager
def standing_still(wait: float) -> Iterator[None]:
    """Within this, nobody works who asks :func:`working`.

    :param wait: Seconds for which to wait until what is at work is done.
    :raises StillAtWork: if it was not.
    """
    until = time.monotonic() + wait
    with _opened(WANTED) as wanted, _opened(WORK) as work:
        for lock in (wanted, work):
            while not _taken(lock, fcntl.LOCK_EX):
                if time.monotonic() >= until:
                    raise StillAtWork
                time.sleep(LOOK_EVERY)
        yield


@contextmanager
def _opened(name: str) -> Iterator[int]:
    """A lock's file; closing it gives the lock back."""
    path = os.path.join(config.LOCK_DIR, name)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
    try:
        yield file
    finally:
        os.close(file)


def _taken(file: int, how: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(file, how | fcntl.LOCK_NB)
        return True
    return False
