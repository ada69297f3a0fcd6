# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail server's map of lists, put back when a list is not made after all.

Mailman writes the whole map anew from the database when a list is made, before
that is committed.  After a rollback it is written again.  Where that fails as
well, because the database has gone away, the files are put back as they were.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flufl.lock import Lock
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.utilities.modules import call_name
from zope.component import getUtility

FILES = 'postfix_*'
"""The map files that Mailman's own MTA modules write into its data folder."""

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
