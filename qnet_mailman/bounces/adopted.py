# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounces of a list that is adopted: Mailman's scores as rows of the ledger (R17, R40).

Mailman keeps a number for each member, and the reports that it was made of.  It rises
at most once a day, and goes back to zero where delivery was disabled or the bounces
stopped for long.  So of the days with reports, the last ones count: as many as the
score has points.  What is older than the window counts nowhere (R18).

Whom Mailman has disabled stays so, with the warnings that were sent: the next one is
due when Mailman would have sent it.

Everything is done in portions, and leaves the commit to the caller.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from mailman.interfaces.bounce import BounceContext
from mailman.interfaces.member import DeliveryStatus, MemberRole
from mailman.model.address import Address
from mailman.model.bounce import BounceEvent
from mailman.model.member import Member
from mailman.model.preferences import Preferences
from sqlalchemy import delete, func, or_, select, update

from qnet_mailman import clock, site
from qnet_mailman.bounces import scoring
from qnet_mailman.bounces.ledger import bounces
from qnet_mailman.bounces.reading.verdict import Kind, Reason
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetSuspension, State
from qnet_mailman.model.finding import with_address
from qnet_mailman.model.statements import chunks, insert_rows

EVIDENCE = 'scored by Mailman before the list was adopted'
DAY_POINTS = scoring.HALF_POINTS[Kind.hard]
"""Mailman scores hard bounces alone, each with a point; in half-points."""

suspensions: Any = QNetSuspension.__table__

Days = Mapping[date, datetime]
"""By day, when the last report of that day came; in UTC, without a zone."""


def days_that_count(
    points: int, scored: Days, waiting: Days, first: date, last: date
) -> dict[date, datetime]:
    """The days on which a member's bounces count, of those of a window.

    :param points: The member's score with Mailman.
    :param scored: Days with reports that may be in that score.
    :param waiting: Days with reports that Mailman has not come to.
    """
    latest = sorted(scored)[-points:] if points > 0 else []
    known = {day: scored[day] for day in latest} | dict(waiting)
    return {day: at for day, at in known.items() if first <= day <= last}


def counted(mlist: Mlist, now: datetime) -> dict[str, tuple[str, dict[date, datetime]]]:
    """Whose bounces count: by the member's id, their address and the days.

    :param now: In UTC, without a zone.
    """
    zone = site.settings().time_zone
    last = clock.day_of(now, zone)
    first = clock.first_day(last, scoring.window_days(mlist.bounce_info_stale_after))
    members = _members(mlist)
    scored: defaultdict[str, dict[date, datetime]] = defaultdict(dict)
    waiting: defaultdict[str, dict[date, datetime]] = defaultdict(dict)
    for member_id, _email, _points, at in members:
        if at is not None:
            scored[member_id][clock.day_of(at, zone)] = at
    for member_id, at, is_processed in _reports(mlist.list_id):
        of_member = (scored if is_processed else waiting)[member_id]
        of_member[clock.day_of(at, zone)] = at
    found = {}
    for member_id, email, points, _at in members:
        days = days_that_count(
            points or 0, scored[member_id], waiting[member_id], first, last
        )
        if days:
            found[member_id] = (email, days)
    return found


def _members(mlist: Mlist) -> list[Any]:
    """Members who have a score, or of whom a report waits."""
    waits = select(func.lower(BounceEvent.email)).where(
        BounceEvent.list_id == mlist.list_id, BounceEvent.processed.is_not(True)
    )
    query = with_address(
        select(
            Member._member_id,
            Address.email,
            Member.bounce_score,
            Member.last_bounce_received,
        )
    ).where(
        Member.list_id == mlist.list_id,
        Member.role == MemberRole.member,
        or_(Member.bounce_score > 0, Address.email.in_(waits)),
    )
    return [(str(row[0]), *row[1:]) for row in store().execute(query)]


def _reports(list_id: str) -> list[Any]:
    columns = Member._member_id, BounceEvent.timestamp, BounceEvent.processed
    query = (
        with_address(select(*columns))
        .join(BounceEvent, func.lower(BounceEvent.email) == Address.email)
        .where(
            Member.list_id == list_id,
            Member.role == MemberRole.member,
            BounceEvent.list_id == list_id,
            BounceEvent.context == BounceContext.normal,
        )
        .order_by(BounceEvent.timestamp)
    )
    return [(str(row[0]), *row[1:]) for row in store().execute(query)]


def over_threshold(mlist: Mlist, now: datetime) -> list[str]:
    """The addresses whose score reaches the threshold, and whose next bounce suspends.

    :param now: In UTC, without a zone.
    """
    return sorted(
        email
        for email, days in counted(mlist, now).values()
        if scoring.is_reached(DAY_POINTS * len(days), mlist.bounce_score_threshold)
    )


def take_over(mlist: Mlist, now: datetime) -> None:
    """Let the ledger and the calendar of warnings go on where Mailman's stopped.

    :param now: In UTC, without a zone.
    """
    rows = [
        {
            'member_id': member_id,
            'list_id': mlist.list_id,
            'email': email,
            'domain': email.rpartition('@')[2].lower(),
            'provider': '',
            'day': day,
            'half_points': DAY_POINTS,
            'state': State.counted.value,
            'kind': Kind.hard.value,
            'reason': Reason.undetermined.value,
            'evidence': EVIDENCE,
            'received_at': at,
        }
        for member_id, (email, days) in counted(mlist, now).items()
        for day, at in days.items()
    ]
    for some in chunks(rows):
        insert_rows(bounces, some)
    store().execute(
        update(BounceEvent)
        .where(BounceEvent.list_id == mlist.list_id)
        .values(processed=True)
        .execution_options(synchronize_session=False)
    )
    for some in chunks(_suspended(mlist, now)):
        insert_rows(suspensions, some)


def _suspended(mlist: Mlist, now: datetime) -> list[dict[str, Any]]:
    query = (
        with_address(
            select(
                Member._member_id,
                Address.email,
                Member.total_warnings_sent,
                Member.last_warning_sent,
                Member.last_bounce_received,
            )
        )
        .join(Preferences, Preferences.id == Member.preferences_id)
        .where(
            Member.list_id == mlist.list_id,
            Member.role == MemberRole.member,
            Preferences.delivery_status == DeliveryStatus.by_bounces,
        )
    )
    interval = mlist.bounce_you_are_disabled_warnings_interval
    return [
        {
            'member_id': str(member_id),
            'list_id': mlist.list_id,
            'email': email or '',
            'disabled_at': last_bounce or now,
            'warnings': warnings or 0,
            'next_step_at': max(now, last_warning + interval) if warnings else now,
        }
        for member_id, email, warnings, last_warning, last_bounce in store().execute(
            query
        )
    ]


def hand_back(list_id: str) -> None:
    """Let Mailman's calendar go on; its columns have scores and warnings as they are.

    The ledger stays as history, and for when the list is adopted again.  Whoever is
    disabled has no score with Mailman: it begins anew when they are enabled.
    """
    disabled = select(Preferences.id).where(
        Preferences.delivery_status == DeliveryStatus.by_bounces
    )
    store().execute(
        update(Member)
        .where(
            Member.list_id == list_id,
            Member.bounce_score > 0,
            Member.preferences_id.in_(disabled),
        )
        .values(bounce_score=0)
        .execution_options(synchronize_session=False)
    )
    store().execute(
        delete(QNetSuspension)
        .where(QNetSuspension.list_id == list_id)
        .execution_options(synchronize_session=False)
    )
