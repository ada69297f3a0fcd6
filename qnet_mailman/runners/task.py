# SPDX-License-Identifier: GPL-3.0-or-later
"""The task runner: what is timed, and files of messages that nobody holds any more.

Periodic work is in `periodic.py`; work that fails is logged there.  Looking for files
is this host's own, and so is not claimed in the database.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path

from mailman.config import config
from mailman.model.message import Message
from mailman.runners import task
from mailman.utilities.datetime import now
from public import public
from sqlalchemy import select

from qnet_mailman import site
from qnet_mailman.model.jobs import do_due
from qnet_mailman.mta import postfix
from qnet_mailman.runners import periodic
from qnet_mailman.runners.guard import Guard
from qnet_mailman.subscriptions import expiring

SWEEP_EVERY = timedelta(weeks=1)
"""Between two looks for files that belong to no held message."""
ORPHAN_AGE = timedelta(days=1)
"""Younger ones may belong to a message that is being held."""


class _Tasks(task.TaskRunner):
    """A task runner without its guard."""

    _has_looked = False

    def _do_periodic(self) -> None:
        """See `IRunner`."""
        super()._do_periodic()
        if not self._has_looked:
            self._has_looked = True
            postfix.complete_map()
        # Not with the tasks, which wait for an hour.
        do_due(periodic.tasks(), now())


@public
class TaskRunner(Guard, _Tasks):
    """Cleans up.

    Stock removes every file of the message store that no row of the database
    names, and so a message that is being held at that moment: its file is
    written before its row is committed.  It also clears away requests to join that
    have expired without telling anybody.
    """

    has_periodic_work = True
    swept_at = datetime.min

    def _evict_pendings(self) -> None:
        if not site.is_off():
            expiring.end_expired(now())
        # Stock's own sweep is due a week after this, and so never.
        self.lastmsg = datetime.now()
        super()._evict_pendings()
        if datetime.now() - self.swept_at >= SWEEP_EVERY:
            self.swept_at = datetime.now()
            remove_orphans(Path(config.MESSAGES_DIR))


def remove_orphans(folder: Path) -> int:
    """Remove files of the message store that belong to no message, and are old.

    :param folder: The message store's folder.
    :return: How many there were.
    """
    old = time.time() - ORPHAN_AGE.total_seconds()
    files = [
        path
        for path in folder.rglob('*')
        if path.is_file() and path.stat().st_mtime < old
    ]
    known = set(config.db.store.scalars(select(Message.message_id_hash)))
    orphans = [path for path in files if path.name not in known]
    for path in orphans:
        path.unlink(missing_ok=True)
    return len(orphans)
