# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that is due from time to time, done by one process among all (R33).

A claim is a row for the job's name.  Which jobs there are, and how often each is due,
says `runners/periodic.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update

from qnet_mailman.model.base import by_itself, store
from qnet_mailman.model.bounces import QNetJob
from qnet_mailman.model.statements import insert_once, touched

jobs: Any = QNetJob.__table__

Job = tuple[str, timedelta | None, Callable[[datetime], Any]]
"""Its name, the time between two beginnings, and what does it.

Without a time it is done in each round, and looks itself what is due."""

log = logging.getLogger('mailman.plugins')


def claim_job(name: str, interval: timedelta, now: datetime) -> bool:
    """Whether the caller is the one who does a job now, among all processes and hosts.

    The claim is part of the caller's transaction: if that is rolled back, the job is
    still to be done.  Until it is committed, others are told that it is not due.

    :param interval: Time between two beginnings of the job.
    :param now: In UTC, without a zone.
    """
    begun = store().scalar(select(jobs.c.begun_at).where(jobs.c.name == name))
    return _is_due(begun, interval, now) and _claim(name, begun, interval, now)


def _claim(
    name: str, begun: datetime | None, interval: timedelta, now: datetime
) -> bool:
    """Whether the caller gets a job that was due when `begun` was read."""
    if begun is None:
        # On PostgreSQL this waits for another's first claim to be committed.
        return bool(touched(insert_once(jobs), {'name': name, 'begun_at': now}))
    due = or_(jobs.c.begun_at <= now - interval, jobs.c.begun_at > now + interval)
    free = (
        select(jobs.c.name)
        .where(jobs.c.name == name, due)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    claimed = update(jobs).where(jobs.c.name == free, due).values(begun_at=now)
    return bool(touched(claimed))


def do_due(jobs: Iterable[Job], moment: datetime) -> None:
    """Do the jobs that are due; cheap where none is.

    One process does each of them at a time.  Commits.

    :param moment: In UTC, without a zone.
    :raises sqlalchemy.exc.DBAPIError: if the database fails.
    """
    begun: dict[str, datetime] = {}
    with by_itself(log, 'periodic work failed'):
        begun.update(_begun())
    for name, interval, work in jobs:
        if interval is not None and not _is_due(begun.get(name), interval, moment):
            continue
        with by_itself(log, '%s: periodic work failed', name):
            if interval is None or _claim(name, begun.get(name), interval, moment):
                work(moment)


def _begun() -> dict[str, datetime]:
    """When each job was last begun, as far as that is committed."""
    return dict(store().execute(select(jobs.c.name, jobs.c.begun_at)).tuples().all())


def _is_due(begun: datetime | None, interval: timedelta, now: datetime) -> bool:
    # A time after `now` by more than the interval comes from a clock that was wrong.
    return begun is None or not now - interval < begun <= now + interval
