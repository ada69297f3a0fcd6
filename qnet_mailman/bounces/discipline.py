# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from a bounce score: delivery disabled, warnings, removal (R19, R22).

A member whose score reaches the threshold gets no more of the list's messages and
a `QNetSuspension`, which knows what is done next, and when.  Any number of bounce
runners on any hosts look for steps that are due:

- A step begins by updating the suspension as it was found.  That locks it; where
  another runner was faster, nothing is updated and nothing more happens.
- One member's step is one transaction.  Its e-mail goes into the queue just before
  the commit: a kill between the two repeats this one e-mail and loses none (R33).
  A removal cannot be repeated.

**The calendar.**  Intervals of whole days count days of the site's time zone, so that
the hour stays where it is when clocks are changed.  A step done within an hour of
when it was due is on time, and the next one follows the plan.  After a later one (the
service was down) the next waits the whole interval, counted from when it was done:
nobody gets two warnings in a row, and nobody is removed sooner after the last warning
than the interval says.  Moments are cut to ten minutes, lest the runner's own pace
pushes a step into the next day.

A change of a list's number of warnings or interval takes effect at each member's next
step.  With no warnings at all, members are removed at once, as in stock Mailman.
While a list does not process bounces, or is closed, its suspensions wait.  A closed
list disables nobody: its bounces are recorded, and once it is open again, the next one
of a member decides with them.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.member import DeliveryStatus, MemberRole
from mailman.interfaces.runner import RunnerInterrupt
from mailman.model.member import Member
from mailman.model.preferences import Preferences
from sqlalchemy import CursorResult, Executable, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import joinedload
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.bounces import (
    ledger,
    member_notices,
    notice_table,
    notices,
    relief,
    scoring,
)
from qnet_mailman.clock import later
from qnet_mailman.features import scores_bounces
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import statements
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounce, QNetSuspension, State
from qnet_mailman.model.closures import closure_of
from qnet_mailman.model.lists import QNetList

BATCH = 100
"""Suspensions that are looked up at once; each one's step is a transaction."""
PATIENCE = 20.0
"""Seconds after which the rest is left for the next round."""
GRACE = timedelta(hours=1)
"""A step this much late is on time still."""
CUT = timedelta(minutes=10)
"""Moments of steps are cut to multiples of this."""
PUT_OFF = timedelta(hours=1)
"""Until a step that failed is tried again."""
CYCLE = 'bounce cycle'
"""The job that looks for changes behind our back, and writes to administrators."""

log = logging.getLogger('mailman.bounce')


class _Due(NamedTuple):
    """A suspension as it was seen."""

    id: int
    member_id: str
    warnings: int
    at: datetime


def next_step(
    due: datetime, done: datetime, interval: timedelta, zone: ZoneInfo
) -> datetime:
    """When the step is due that follows one that was due then and done then."""
    base = done if done - due >= GRACE else due
    return later(base - (base - datetime.min) % CUT, interval, zone)


def removal(
    step: datetime, warnings: int, interval: timedelta, zone: ZoneInfo
) -> datetime:
    """When a member is removed.

    :param step: When the next step is due.
    :param warnings: How many warnings come before the removal.
    """
    return later(step, warnings * interval, zone)


def reached(
    mlist: Mlist,
    member: Any,
    half_score: int,
    *,
    now: datetime,
    report: bytes | None = None,
) -> None:
    """Disable a member's delivery, as the score has reached the threshold (R18).

    Not on a closed list, from which nothing is delivered.  Part of the transaction
    that scores; does not commit.

    :param half_score: The score, in half-points.
    :param report: The report that did it, for the administrators.
    """
    if closure_of(mlist.list_id) is not None:
        return
    member.preferences.delivery_status = DeliveryStatus.by_bounces
    if not _suspend(member, now):
        return
    log.info(
        'Delivery to %s on %s disabled, score %s',
        member.address.email,
        mlist.list_id,
        notice_table.points(half_score),
    )
    last = last_bounce(member)
    notices.note(
        mlist,
        notice_table.Event.disabled,
        email=member.address.email,
        kind=last.kind if last else '',
        reason=last.reason if last else '',
        evidence=last.evidence if last else '',
        half_score=half_score,
        report=report,
        now=now,
    )


def settle(mlist: Mlist, member: Any) -> None:
    """Start again from zero where delivery was enabled again (R22).

    For whoever did it: the member or an administrator, in Postorius, over REST or on
    the command line.  Does not commit.
    """
    if member.preferences.delivery_status is DeliveryStatus.by_bounces:
        return
    store().flush()
    if not _touched(
        delete(QNetSuspension).where(QNetSuspension.member_id == _id_of(member))
    ):
        return
    ledger.clear(_id_of(member))
    member.bounce_score = 0
    member.total_warnings_sent = 0
    log.info('%s on %s starts again from zero', _id_of(member), mlist.list_id)


def end_cycle(now: datetime) -> None:
    """Look for changes behind our back, and write to administrators (R20).  Commits.

    :param now: In UTC, without a time zone.
    """
    # What fails here waits for the next cycle.
    config.db.commit()
    reconcile(now)
    notices.send_all(now)


def do_steps(now: datetime) -> None:
    """Do the warnings and removals that are due, in batches (R19).

    One statement where nothing is.  Commits.

    :param now: In UTC, without a time zone.
    """
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        due = store().execute(
            select(
                QNetSuspension.id,
                QNetSuspension.member_id,
                QNetSuspension.warnings,
                QNetSuspension.next_step_at,
            )
            .where(QNetSuspension.next_step_at <= now)
            .where(scores_bounces(QNetSuspension.list_id))
            .order_by(QNetSuspension.next_step_at)
            .limit(BATCH)
        )
        found = [_Due(*row) for row in due]
        config.db.commit()
        for step in found:
            _guarded_step(step, now)
            if time.monotonic() >= until:
                break
        if len(found) < BATCH:
            return


def _guarded_step(due: _Due, now: datetime) -> None:
    """Do one step; one that fails does not keep the others waiting."""
    try:
        _step(due, now)
        config.db.commit()
    except (RunnerInterrupt, DBAPIError):
        # The runner is to stop, or its guard is to wait for the database.
        config.db.abort()
        raise
    except Exception:
        config.db.abort()
        log.exception('Member %s: tried again in %s', due.member_id, PUT_OFF)
        store().execute(
            update(QNetSuspension)
            .where(QNetSuspension.id == due.id)
            .where(QNetSuspension.next_step_at == due.at)
            .values(next_step_at=now + PUT_OFF)
        )
        config.db.commit()


def _step(due: _Due, now: datetime) -> None:
    """Do what is due for one suspension, if it still is as it was seen."""
    # The member first, as who scores a bounce does: two who lock things in the
    # same order never wait for each other.
    member = _members([due.member_id]).get(due.member_id)
    as_seen = (
        update(QNetSuspension)
        .where(QNetSuspension.id == due.id)
        .where(QNetSuspension.warnings == due.warnings)
        .where(QNetSuspension.next_step_at == due.at)
        .values(warnings=due.warnings)
        .execution_options(synchronize_session=False)
    )
    if not _touched(as_seen):
        return
    row = store().get_one(QNetSuspension, due.id)
    mlist = getUtility(IListManager).get_by_list_id(row.list_id)
    if mlist is None or member is None:
        store().delete(row)
        return
    # Nobody enables delivery while we look.
    store().refresh(member.preferences, with_for_update=True)
    if member.preferences.delivery_status is not DeliveryStatus.by_bounces:
        settle(mlist, member)
    elif not mlist.process_bounces or closure_of(row.list_id) is not None:
        row.next_step_at = now + timedelta(days=1)
    elif row.warnings >= mlist.bounce_you_are_disabled_warnings:
        if relief.free(mlist, now, only=row.member_id):
            return
        _remove(mlist, member, row, now)
    else:
        _warn(mlist, member, row, now)


def _warn(mlist: Mlist, member: Any, row: QNetSuspension, now: datetime) -> None:
    zone = site.settings().time_zone
    interval = mlist.bounce_you_are_disabled_warnings_interval
    wanted = mlist.bounce_you_are_disabled_warnings
    row.warnings += 1
    row.next_step_at = next_step(row.next_step_at, now, interval, zone)
    member.total_warnings_sent = row.warnings
    member.last_warning_sent = now
    email = _address_of(member, row)
    # What the database refuses, it refuses before anything is sent.
    store().flush()
    member_notices.send_warning(
        mlist,
        email,
        last=last_bounce(member),
        number=row.warnings,
        of=wanted,
        removal=removal(row.next_step_at, wanted - row.warnings, interval, zone),
    )
    log.info('Warning %d of %d to %s on %s', row.warnings, wanted, email, mlist.list_id)


def _remove(mlist: Mlist, member: Any, row: QNetSuspension, now: datetime) -> None:
    email = _address_of(member, row)
    last = last_bounce(member)
    half_score = 0
    if last is not None:
        # What it was when the bounces ended.
        window = scoring.window_days(mlist.bounce_info_stale_after)
        half_score = ledger.half_score(row.member_id, window, last.day)
    notices.note(
        mlist,
        notice_table.Event.removed,
        email=email,
        kind=last.kind if last else '',
        reason=last.reason if last else '',
        evidence=last.evidence if last else '',
        half_score=half_score,
        now=now,
    )
    store().delete(row)
    # Not through `delete_member`, which goes by the address: somebody subscribed
    # both as a user and with the address would lose the other subscription.
    member.unsubscribe()
    store().flush()
    member_notices.send_goodbye(mlist, email, last=last)
    log.info('%s removed from %s for its bounces', email, mlist.list_id)


def reconcile(now: datetime) -> None:
    """Notice what was done behind our back: members enabled, disabled or gone.

    Mailman tells nobody about changed preferences.
    """
    # In this order: a member who is suspended in between is adopted, which does
    # nothing, rather than settled.
    known = set(store().scalars(select(QNetSuspension.member_id)))
    disabled = {
        str(member_id)
        for member_id in store().scalars(
            select(Member._member_id)
            .join(Preferences, Member.preferences_id == Preferences.id)
            .where(Preferences.delivery_status == DeliveryStatus.by_bounces)
            .where(Member.role == MemberRole.member)
            .where(scores_bounces(Member.list_id))
        )
    }
    ours = set(store().scalars(select(QNetList.list_id)))
    config.db.commit()
    for some in statements.chunks(sorted(disabled ^ known), BATCH):
        members = _members(some)
        for member_id in some:
            member = members.get(member_id)
            if member is None:
                store().execute(
                    delete(QNetSuspension).where(QNetSuspension.member_id == member_id)
                )
            elif member.preferences.delivery_status is not DeliveryStatus.by_bounces:
                settle(member.mailing_list, member)
            elif _suspend(member, now, carried=member.list_id not in ours):
                log.info('%s on %s adopted', member_id, member.list_id)
        config.db.commit()


def last_bounce(member: Any) -> QNetBounce | None:
    """The member's last bounce that counts; None where there is none."""
    return store().scalar(
        select(QNetBounce)
        .where(QNetBounce.member_id == _id_of(member))
        .where(QNetBounce.state == State.counted.value)
        .order_by(QNetBounce.day.desc())
        .limit(1)
    )


def _suspend(member: Any, now: datetime, *, carried: bool = False) -> bool:
    """Make a member's suspension; False where there was one.

    :param carried: Whether it goes on where Mailman's own was, on a list of another
        style.  On one of ours Mailman's columns tell of another suspension.
    """
    warnings, next_step_at = 0, now
    if carried and member.total_warnings_sent:
        warnings = member.total_warnings_sent
        interval = member.mailing_list.bounce_you_are_disabled_warnings_interval
        zone = site.settings().time_zone
        next_step_at = later(member.last_warning_sent, interval, zone)
    else:
        member.total_warnings_sent = 0
        member.last_warning_sent = datetime.min
    store().flush()
    insert = (
        postgresql.insert
        if config.db.engine.dialect.name == 'postgresql'
        else sqlite.insert
    )
    return _touched(
        insert(QNetSuspension)
        .values(
            member_id=_id_of(member),
            list_id=member.list_id,
            email='' if member.address is None else member.address.email,
            disabled_at=now,
            warnings=warnings,
            next_step_at=next_step_at,
        )
        .on_conflict_do_nothing(index_elements=['member_id'])
    )


def _touched(statement: Executable) -> bool:
    """Whether a statement changed a row."""
    return cast('CursorResult[Any]', store().execute(statement)).rowcount == 1


def _id_of(member: Any) -> str:
    return str(member.member_id)


def _members(ids: list[str]) -> dict[str, Any]:
    """The members who have these ids, locked, with what is looked at."""
    found = store().scalars(
        select(Member)
        .where(Member._member_id.in_([UUID(one) for one in ids]))
        .options(joinedload(Member.preferences), joinedload(Member._address))
        .order_by(Member.id)
        .with_for_update(of=Member)
    )
    return {_id_of(member): member for member in found}


def _address_of(member: Any, row: QNetSuspension) -> str:
    # A user who is subscribed may have no preferred address any more.
    return row.email if member.address is None else member.address.email
