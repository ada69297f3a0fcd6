# SPDX-License-Identifier: GPL-3.0-or-later
"""The members whose mail bounces, as a list's administrators look at them (R18-R20).

A list may have 100,000 members: filtering, sorting, counting and paging is the
database's work, in the same number of statements whatever their number.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from mailman.config import config
from mailman.interfaces.member import DeliveryStatus, MemberRole
from mailman.model.address import Address
from mailman.model.member import Member
from sqlalchemy import Select, and_, case, extract, func, literal, or_, select
from sqlalchemy.orm import aliased

from qnet_mailman import clock, site
from qnet_mailman.bounces import discipline, member_notices, scoring
from qnet_mailman.bounces.advice import reason_of
from qnet_mailman.bounces.overview import concerned, joined, word
from qnet_mailman.bounces.reading.verdict import Kind
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounce, QNetSuspension, State


class Sort(StrEnum):
    """What the rows are sorted by; rows that are alike, by address."""

    address = 'address'
    score = 'score'
    reason = 'reason'
    last = 'last'
    delivery = 'delivery'
    removal = 'removal'


@dataclass(frozen=True)
class Choice:
    """Which members are asked for, and in which order.

    :ivar text: What their address has in it, in any case.
    :ivar kind: What their last bounce was.
    :ivar suspended: Only those whose delivery is disabled for bounces.
    """

    text: str = ''
    kind: Kind | None = None
    suspended: bool = False
    sort: Sort = Sort.address
    descending: bool = False


@dataclass(frozen=True)
class Place:
    """A row in the order of addresses, for the next ones to begin after it.

    Pages that are counted from the first row would lose some, or give them twice,
    where rows come and go between two of them.

    :ivar number: Tells members with the same address apart.
    """

    email: str
    number: int

    @classmethod
    def written(cls, text: str) -> Place:
        """What `str()` of a place has made.

        :raises ValueError: if it is something else.
        """
        number, _colon, email = text.partition(':')
        return cls(email, int(number))

    def __str__(self) -> str:
        return f'{self.number}:{self.email}'


def how_many(mlist: Mlist, now: datetime, choice: Choice) -> int:
    """How many members were chosen.

    :param now: In UTC, without a zone.
    """
    query = _Rows(mlist, now).chosen(choice)
    return store().scalar(query.with_only_columns(func.count())) or 0


def rows(
    mlist: Mlist,
    now: datetime,
    choice: Choice,
    *,
    start: int = 0,
    count: int,
    after: Place | None = None,
) -> list[dict[str, Any]]:
    """Some of the chosen members, one row each.

    :param now: In UTC, without a zone.
    :param start: How many to pass over.
    :param count: How many to give at most.
    :param after: Where to begin instead, in the order of addresses whatever was chosen.
    :return: See `_Rows.as_dict`.
    """
    table = _Rows(mlist, now)
    query = table.chosen(choice).limit(count)
    if after is None:
        query = query.order_by(*table.order(choice)).offset(start)
    else:
        query = query.where(
            or_(
                Address.email > after.email,
                and_(Address.email == after.email, Member.id > after.number),
            )
        ).order_by(Address.email, Member.id)
    return [table.as_dict(row) for row in store().execute(query)]


def one(mlist: Mlist, now: datetime, member_id: UUID) -> dict[str, Any] | None:
    """A member with everything that is remembered of them, the last bounce first.

    :param now: In UTC, without a zone.
    :return: A row, its `bounces`, and the steps of an `advice`; None if the list has no
        such member.
    """
    table = _Rows(mlist, now, member_id)
    found = store().execute(table.query).first()
    if found is None:
        return None
    remembered = (
        store()
        .scalars(
            select(QNetBounce)
            .where(QNetBounce.member_id == str(member_id))
            .order_by(QNetBounce.day.desc())
        )
        .all()
    )
    reason = reason_of(remembered[0].reason) if remembered else None
    return {
        **table.as_dict(found),
        'advice': member_notices.advice_for(mlist, reason),
        'bounces': [
            {
                'date': row.day.isoformat(),
                'points': scoring.shown(row.half_points),
                'state': row.state,
                'in_window': row.day >= table.first,
                'kind': row.kind,
                'reason': row.reason,
                'status': row.status,
                'reply_code': row.reply_code,
                'evidence': row.evidence,
            }
            for row in remembered
        ],
    }


def by_day(mlist: Mlist, now: datetime, days: int) -> list[dict[str, Any]]:
    """How many bounces of each kind there were on each of the last days.

    :param now: In UTC, without a zone.
    :param days: Today included.
    :return: For each day `hard`, `soft`, and `withheld`: refused by a provider and
        therefore without points (R23).
    """
    today = clock.today(now)
    first = clock.first_day(today, days)
    numbers: defaultdict[tuple[date, str], int] = defaultdict(int)
    query = (
        select(QNetBounce.day, QNetBounce.kind, QNetBounce.state, func.count())
        .where(
            QNetBounce.list_id == mlist.list_id, QNetBounce.day.between(first, today)
        )
        .group_by(QNetBounce.day, QNetBounce.kind, QNetBounce.state)
    )
    for day, kind, state, number in store().execute(query):
        what = state if state == State.withheld.value else kind
        numbers[day, what] += number
    shown = (Kind.hard.value, Kind.soft.value, State.withheld.value)
    return [
        {
            'date': day.isoformat(),
            **{what: numbers[day, what] for what in shown},
        }
        for day in (first + timedelta(days=number) for number in range(days))
    ]


def enable(mlist: Mlist, member_id: UUID) -> str | None:
    """Let a member whose delivery is disabled for bounces have mail again (R22).

    The score begins again from zero.  Does not commit.

    :return: The member's address; None if there is nobody for whom it is disabled.
    """
    member = store().scalar(
        select(Member)
        .where(
            Member._member_id == member_id,
            Member.list_id == mlist.list_id,
            Member.role == MemberRole.member,
        )
        .with_for_update(of=Member)
    )
    if member is None:
        return None
    store().refresh(member.preferences, with_for_update=True)
    if member.preferences.delivery_status is not DeliveryStatus.by_bounces:
        return None
    member.preferences.delivery_status = DeliveryStatus.enabled
    discipline.settle(mlist, member)
    return str(member.address.email)


class _Rows:
    """The rows of a list at a moment."""

    def __init__(self, mlist: Mlist, now: datetime, only: UUID | None = None) -> None:
        self._mlist = mlist
        self._zone = site.settings().time_zone
        self._today = clock.today(now)
        self._window = scoring.window_days(mlist.bounce_info_stale_after)
        self.first = clock.first_day(self._today, self._window)
        member_id: Any
        if only is None:
            ids = concerned(mlist, now)
            member_id = ids.c.member_id
            self._joined = joined(ids)
            members = self._joined.query
        else:
            member_id = literal(str(only))
            self._joined = joined()
            members = self._joined.query.where(
                Member._member_id == only,
                Member.list_id == mlist.list_id,
                Member.role == MemberRole.member,
            )
        # All by the index over member and day, a member at a time.
        of_member = aliased(QNetBounce)
        self._last = aliased(QNetBounce)
        last_day = (
            select(func.max(of_member.day))
            .where(of_member.member_id == member_id)
            .scalar_subquery()
        )
        self._score = (
            select(func.coalesce(func.sum(of_member.half_points), 0))
            .where(
                of_member.member_id == member_id,
                of_member.day.between(self.first, self._today),
                of_member.state == State.counted.value,
            )
            .scalar_subquery()
            .label('score')
        )
        self.query: Select[Any] = members.add_columns(
            Member.id,
            self._score,
            self._last.day,
            self._last.kind,
            self._last.reason,
            QNetSuspension.next_step_at,
        ).outerjoin(
            self._last,
            and_(self._last.member_id == member_id, self._last.day == last_day),
        )

    def chosen(self, choice: Choice) -> Select[Any]:
        """The members with bounces in the window or suspended, if they were chosen."""
        query = self.query
        if choice.text:
            text = choice.text.lower()
            query = query.where(Address.email.contains(text, autoescape=True))
        if choice.kind is not None:
            query = query.where(self._last.kind == choice.kind.value)
        if choice.suspended:
            query = query.where(self._joined.own == DeliveryStatus.by_bounces)
        return query

    def order(self, choice: Choice) -> list[Any]:
        """What to sort by; members without the value come last, either way."""
        suspended = self._joined.own == DeliveryStatus.by_bounces
        columns: dict[Sort, list[Any]] = {
            Sort.address: [],
            Sort.score: [self._score],
            Sort.reason: [self._last.kind, self._last.reason],
            Sort.last: [self._last.day],
            Sort.delivery: [func.coalesce(*self._joined.statuses)],
            Sort.removal: [case((suspended, self._plan()), else_=None)],
        }
        by: list[Any] = []
        for column in columns[choice.sort]:
            by.append(case((column.is_(None), 1), else_=0))
            by.append(column.desc() if choice.descending else column)
        backwards = choice.descending and choice.sort is Sort.address
        email = Address.email.desc() if backwards else Address.email
        return [*by, email, Member.id]

    def _plan(self) -> Any:
        """Days on which the removal depends: each warning sent brings it nearer."""
        step = QNetSuspension.next_step_at
        days = (
            extract('epoch', step) / 86400
            if config.db.engine.dialect.name == 'postgresql'
            else func.julianday(step)
        )
        interval = self._mlist.bounce_you_are_disabled_warnings_interval
        return days - QNetSuspension.warnings * (interval / timedelta(days=1))

    def as_dict(self, row: Any) -> dict[str, Any]:
        """A row as plain data.

        :return: `last` is null where no bounce is remembered; `removal` and
            `days_left` are null where nobody is about to be removed.
        """
        (member_id, email, warnings, own, of_address, of_user, number) = row[:7]
        half_score, last_day, last_kind, last_reason, step = row[7:]
        suspended = own is DeliveryStatus.by_bounces
        removal = self._removal(step, warnings) if suspended else None
        return {
            'member_id': str(member_id),
            'place': str(Place(email, number)),
            'address': email,
            'score': scoring.shown(int(half_score)),
            'last': None
            if last_day is None
            else {
                'date': last_day.isoformat(),
                'kind': last_kind,
                'reason': last_reason,
            },
            'delivery': word(own, of_address, of_user),
            'suspended': suspended,
            'warnings': warnings or 0,
            'removal': None if removal is None else removal.isoformat(),
            'days_left': None
            if removal is None
            else max((removal - self._today).days, 0),
        }

    def _removal(self, step: datetime | None, warnings: int) -> date | None:
        """The day of the removal; None while the list does not act on bounces."""
        if step is None or not self._mlist.process_bounces:
            return None
        still = max(self._mlist.bounce_you_are_disabled_warnings - warnings, 0)
        interval = self._mlist.bounce_you_are_disabled_warnings_interval
        moment = discipline.removal(step, still, interval, self._zone)
        return clock.day_of(moment, self._zone)
