# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done about roles from time to time: the clock, repairs, and messages."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from qnet_mailman.bounces.ledger import claim_job
from qnet_mailman.model.base import by_itself
from qnet_mailman.roles import grants, projection, telling

EXPIRE_EVERY = timedelta(seconds=30)
"""Between two looks at the clock.  What a person may do on the web ends at once."""
RECONCILE_EVERY = timedelta(minutes=10)
TELL_EVERY = timedelta(seconds=30)

Job = tuple[str, timedelta, Callable[[datetime], Any]]
"""Its name, the time between two beginnings, and what does it."""

log = logging.getLogger('mailman.plugins')


def periodic(moment: datetime) -> None:
    """Expire grants, put rosters right, write to people; see `do_due`."""
    do_due(
        (
            ('expire roles', EXPIRE_EVERY, grants.expire),
            ('reconcile rosters', RECONCILE_EVERY, lambda _: projection.reconcile()),
            ('tell about roles', TELL_EVERY, telling.tell),
        ),
        moment,
    )


def do_due(jobs: Iterable[Job], moment: datetime) -> None:
    """Do the jobs that are due; cheap where none is.

    One process does each of them at a time.  Commits.

    :param moment: In UTC, without a zone.
    :raises sqlalchemy.exc.DBAPIError: if the database fails.
    """
    for name, interval, work in jobs:
        with by_itself(log, '%s: periodic work failed', name):
            if claim_job(name, interval, moment):
                work(moment)
