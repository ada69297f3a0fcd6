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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flufl.lock import Lock
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.utilities.modules import call_name
from zope.component import getUtility

FILES = 'postfix_*'
"""The map files that Mailman's own MTA modules write into its data folder."""

DUE = 'qnet-map-due'
"""Says, in Mailman's data folder, that lists were made that are not in the map."""
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

    def __init__(self, incoming: str, start: float) -> None:
        self._incoming = incoming
        self._next = start
        self.problem = ''

    def made(self, mlist: Any) -> None:
        """Write the map if it was not written for a while; else note that it is due."""
        global _next
        if time.monotonic() < self._next:
            _due().touch()
            return
        began = time.monotonic()
        call_name(self._incoming).create(mlist)
        ended = time.monotonic()
        self._next = _next = ended + max(EVERY, SHARE * (ended - began))

    def write(self) -> None:
        """Write the map."""
        call_name(self._incoming).regenerate()

    def finish(self) -> None:
        """Write the map if it is due."""
        try:
            _write_if_due(self._incoming)
        except Exception as error:
            log.exception('The map of the mail server could not be written')
            self.problem = f'the map of the mail server could not be written: {error}'


_gathering: Gathering | None = None
_next = 0.0
"""When this process is to write the map again, by the monotonic clock."""


class Later:
    """What Mailman calls instead of its module for the mail server meanwhile."""

    def create(self, mlist: Any) -> None:
        """See `IMailTransportAgentLifecycle`."""
        assert _gathering is not None
        _gathering.made(mlist)

    def regenerate(self) -> None:
        """See `IMailTransportAgentLifecycle`."""
        assert _gathering is not None
        _gathering.write()


class _Section:
    """The section `[mta]` with another `incoming`."""

    incoming = f'{__name__}.{Later.__name__}'

    def __init__(self, section: Any) -> None:
        self._section = section

    def __getattr__(self, name: str) -> Any:
        return getattr(self._section, name)


@contextmanager
def gathered(*, continued: bool = False) -> Iterator[Gathering]:
    """Within this, not each list has the map written; the caller calls `finish()`.

    :param continued: Whether these lists are in a row with those before them.
    """
    global _gathering
    start = _next if continued else 0.0
    gathering = _gathering = Gathering(config.mta.incoming, start)
    # Before what Mailman has read, which stays as it is.
    config.mta = _Section(config.mta)
    try:
        yield gathering
    finally:
        del config.mta
        _gathering = None


def settle() -> None:
    """Write the map that a process which was killed has left undone."""
    if _gathering is None:
        _write_if_due(config.mta.incoming)


def put_off() -> None:
    """Let this process take the map for abandoned only after a while."""
    global _next
    _next = time.monotonic() + ABANDONED


def is_abandoned() -> bool:
    """Whether the map is due, and has been for long."""
    if time.monotonic() < _next:
        return False
    try:
        return time.time() - _due().stat().st_mtime > ABANDONED
    except FileNotFoundError:
        return False


def _due() -> Path:
    return Path(config.DATA_DIR, DUE)


def _write_if_due(incoming: str) -> None:
    if _due().exists():
        call_name(incoming).regenerate()
        _due().unlink(missing_ok=True)
