# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail server's map of lists, put back when a list is not made after all.

Mailman writes the whole map anew from the database when a list is made, before
that is committed.  After a rollback it is written again.  Where that fails as
well, because the database has gone away, the files are put back as they were.

A thousand lists in a row would write it a thousand times, each time a longer one.
Within `gathered()` it is written once in a while and at the end.  A file says that it
is due meanwhile, so that it is written by the next process if this one is killed, and
by the task runner if none comes.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from flufl.lock import Lock
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.utilities.modules import call_name
from zope.component import getUtility

FILES = 'postfix_*'
"""The map files that Mailman's own MTA modules write into its data folder."""

DUE = 'qnet-map-due'
"""Says, in Mailman's data folder, that lists were made that are not in the map."""
PAUSE = 'qnet-map-pause'
"""A file there, changed at the time at which the map may be written again."""
LONGEST_PAUSE = 3600.0
"""Seconds."""
EVERY = 10.0
"""Seconds between two times that the map is written, while lists are made."""
ABANDONED = 60.0
"""Seconds after which nobody is waited for who was to write it."""
SHARE = 10
"""Writing it takes at most one part in so many of the time."""

log = logging.getLogger('mailman.error')


@contextmanager
def restored_on_failure() -> Iterator[None]:
    """Put the map back if the work inside fails, its rollback included."""
    before = _files()
    try:
        yield
    except BaseException:
        if _files() != before:
            _restore(before)
        raise


def _files() -> dict[Path, bytes]:
    return {
        path: path.read_bytes()
        for path in sorted(Path(config.DATA_DIR).glob(FILES))
        if path.is_file()
    }


def _restore(before: dict[Path, bytes]) -> None:
    try:
        if before or any(getUtility(IListManager).names):
            call_name(config.mta.incoming).regenerate()
            return
    except Exception:
        log.exception('The map of the mail server could not be written again')
    # Mailman's own lock for these files.
    with Lock(os.path.join(config.LOCK_DIR, 'mta')):
        for path in _files():
            if path not in before:
                path.unlink()
        for path, content in before.items():
            path.write_bytes(content)


class Gathering:
    """Lists that are made in a row.

    :ivar problem: Why the map could not be written at the end; may be empty.
    """

    def __init__(self, *, continued: bool) -> None:
        self._continued = continued
        self.problem = ''

    def made(self, write: Callable[[], None]) -> None:
        """Write the map if it was not written for a while; else note that it is due.

        :param write: What writes it.
        """
        if self._continued and _pauses():
            _file(DUE).touch()
            return
        self._continued = True
        began = time.monotonic()
        write()
        _pause(max(EVERY, SHARE * (time.monotonic() - began)))

    def finish(self) -> None:
        """Write the map if it is due."""
        try:
            _write_if_due()
        except Exception as error:
            log.exception('The map of the mail server could not be written')
            self.problem = f'the map of the mail server could not be written: {error}'


_gathering: ContextVar[Gathering | None] = ContextVar('gathering', default=None)


def gathering() -> Gathering | None:
    """The row of lists that is being made here; None for a list by itself."""
    return _gathering.get()


@contextmanager
def gathered(*, continued: bool = False) -> Iterator[Gathering]:
    """Within this, not each list has the map written; the caller calls `finish()`.

    It is our :class:`.postfix.LMTP` that knows of it.

    :param continued: Whether these lists are in a row with those before them.
    """
    row = Gathering(continued=continued)
    token = _gathering.set(row)
    try:
        yield row
    finally:
        _gathering.reset(token)


def settle() -> None:
    """Write the map that a process which was killed has left undone."""
    if gathering() is None:
        _write_if_due()


def put_off() -> None:
    """Let the map be taken for abandoned only after a while."""
    _pause(ABANDONED)


def abandon() -> None:
    """Note that the map lacks something, and nobody is about to write it."""
    path = _file(DUE)
    path.touch()
    os.utime(path, (0, 0))
    _file(PAUSE).unlink(missing_ok=True)


def is_abandoned() -> bool:
    """Whether the map is due, and has been for long."""
    if _pauses():
        return False
    try:
        return time.time() - _file(DUE).stat().st_mtime > ABANDONED
    except FileNotFoundError:
        return False


def _file(name: str) -> Path:
    return Path(config.DATA_DIR, name)


def _pause(seconds: float) -> None:
    """Note for all processes of this host when the map may be written again."""
    path = _file(PAUSE)
    path.touch()
    until = time.time() + seconds
    os.utime(path, (until, until))


def _pauses() -> bool:
    try:
        left = _file(PAUSE).stat().st_mtime - time.time()
    except FileNotFoundError:
        return False
    # A longer one was noted when the clock was wrong.
    return 0 < left <= LONGEST_PAUSE


def _write_if_due() -> None:
    if _file(DUE).exists():
        call_name(config.mta.incoming).regenerate()
        _file(DUE).unlink(missing_ok=True)
