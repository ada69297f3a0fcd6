# SPDX-License-Identifier: GPL-3.0-or-later
"""Letting a restored site go on: what would go out, and what waits for longer.

For the site, the time between its backup and now has not been.  So whatever became due
in it (a warning for bounces or a removal, a reminder, the end of a request) becomes due
as much later, and not at once for everybody.  Roles end when they end (R26).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mailman.config import config
from mailman.interfaces.member import DeliveryStatus
from mailman.model.member import Member
from mailman.model.pending import Pended, PendedKeyValue
from mailman.model.preferences import Preferences
from sqlalchemy import func, select

from qnet_mailman.model import audit
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounceNotice, QNetSuspension
from qnet_mailman.queues import handover, restored, waiting
from qnet_mailman.queues.restored import Mark
from qnet_mailman.subscriptions import reminder_times

ALL = 'all'


@dataclass(frozen=True)
class Outlook:
    """What a restored site has before it.

    :ivar queues: What waits in each queue that is not empty.
    :ivar steps: Warnings and removals for bounces that became due meanwhile.
    :ivar ends: Requests to join, and other questions, that ended meanwhile.
    :ivar notices: Rows of which administrators are to be told.
    """

    queues: dict[str, waiting.Waiting]
    steps: int
    ends: int
    notices: int


def outlook(moment: datetime) -> Outlook:
    """Look.

    :param moment: Now: in UTC, without a time zone.
    """
    queues = {
        name: waiting.of(board.queue_directory)
        for name, board in sorted(config.switchboards.items())
    }
    return Outlook(
        {name: found for name, found in queues.items() if found.number},
        _count(QNetSuspension.id, QNetSuspension.next_step_at <= moment),
        _count(Pended.id, Pended.expiration_date <= moment),
        _count(QNetBounceNotice.id, QNetBounceNotice.id > 0),
    )


def _count(column: Any, which: Any) -> int:
    return store().scalar(select(func.count(column)).where(which)) or 0


def resume(mark: Mark, moment: datetime, discard: Iterable[str] = ()) -> int:
    """Let the site go on.  Commits.

    Again after it was killed, it goes on where it was: what was put off is not due.

    :param mark: Of the site.
    :param moment: Now: in UTC, without a time zone.
    :param discard: Queues whose entries are thrown away, as far as they came with the
        backup; `ALL` for all.
    :return: How many entries were thrown away.
    """
    days = timedelta(days=(moment - mark.made_at) // timedelta(days=1) + 1)
    _put_off_steps(moment, days)
    _put_off_pendings(moment, days)
    number = sum(_discarded(mark.entries, set(discard)))
    audit.record(
        audit.Action.site_restored,
        subject=mark.file,
        made_at=mark.made_at.isoformat(),
        discarded=number,
    )
    config.db.commit()
    restored.remove()
    return number


def _put_off_steps(moment: datetime, days: timedelta) -> None:
    """Warnings and removals, on lists of ours and others (R19, R40)."""
    due = select(QNetSuspension).where(QNetSuspension.next_step_at <= moment)
    for suspension in store().scalars(due):
        suspension.next_step_at += days
    warned = (
        select(Member)
        .join(Preferences, Preferences.id == Member.preferences_id)
        .where(
            Preferences.delivery_status == DeliveryStatus.by_bounces,
            Member.last_warning_sent > datetime(2000, 1, 1),
        )
    )
    for member in store().scalars(warned):
        # Mailman counts from the last one.
        interval = member.mailing_list.bounce_you_are_disabled_warnings_interval
        if member.last_warning_sent + interval <= moment:
            member.last_warning_sent += days


def _put_off_pendings(moment: datetime, days: timedelta) -> None:
    """Ends of what waits for an answer, and reminders of it."""
    for pended in store().scalars(
        select(Pended).where(Pended.expiration_date <= moment)
    ):
        pended.expiration_date += days
    keys = (reminder_times.SUBSCRIBER, reminder_times.ADMINISTRATORS)
    reminders = select(PendedKeyValue).where(
        PendedKeyValue.key.in_(keys),
        PendedKeyValue.value <= reminder_times.stored(moment),
    )
    for reminder in store().scalars(reminders):
        at = datetime.fromisoformat(json.loads(reminder.value))
        reminder.value = reminder_times.stored(at + days)


def _discarded(entries: Iterable[str], queues: set[str]) -> Iterator[bool]:
    """Whether each of some entries was there, and no longer is."""
    for entry in entries:
        queue, _, filebase = entry.partition('/')
        if queue == handover.FOLDER or not queues & {queue, ALL}:
            continue
        folder = Path(config.QUEUE_DIR, handover.FOLDER, f'{queue}+{filebase}')
        shutil.rmtree(folder, ignore_errors=True)
        for ending in ('.pck', '.bak', '.psv'):
            path = Path(config.QUEUE_DIR, queue, filebase + ending)
            if path.exists():
                os.unlink(path)
                yield True
