# SPDX-License-Identifier: GPL-3.0-or-later
"""Members' bounces as the command line and REST show them; `table` is for the web.

Few statements for a page of members, whatever the list's size: only members with
bounces in the list's window, or with delivery disabled for bounces, are looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.member import DeliveryStatus, MemberRole
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.model.preferences import Preferences
from mailman.model.user import User
from sqlalchemy import Select, func, select, union
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import aliased
from zope.component import getUtility

from qnet_mailman import clock
from qnet_mailman.bounces import ledger, scoring
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import statements
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounce, QNetSuspension, State


def lists_with_bounces() -> list[Any]:
    """The lists whose members have bounces, by address."""
    return _lists(
        union(
            select(QNetBounce.list_id).distinct(),
            select(QNetSuspension.list_id).distinct(),
        )
    )


def lists_of(address: str) -> list[Any]:
    """The lists that an address is a member of, by address."""
    subscriber = aliased(User)
    address_id = func.coalesce(Member.address_id, subscriber._preferred_address_id)
    return _lists(
        select(Member.list_id)
        .outerjoin(subscriber, subscriber.id == Member.user_id)
        .join(Address, Address.id == address_id)
        .where(
            Address.email == address.strip().lower(), Member.role == MemberRole.member
        )
        .distinct()
    )


def _lists(query: Any) -> list[Any]:
    lists = getUtility(IListManager)
    found = [lists.get_by_list_id(one) for one in store().scalars(query).all()]
    return sorted(
        (mlist for mlist in found if mlist is not None),
        key=lambda mlist: mlist.fqdn_listname,
    )


def how_many(mlist: Mlist, now: datetime) -> int:
    """How many members `overview` tells of."""
    found = _members(mlist, now, None).subquery()
    return store().execute(select(func.count()).select_from(found)).scalar_one()


def overview(
    mlist: Mlist,
    now: datetime,
    *,
    address: str | None = None,
    start: int = 0,
    count: int | None = None,
) -> list[dict[str, Any]]:
    """Members of a list with their scores, by address.

    :param now: In UTC, without a zone.
    :param address: Only the member with this address, with every bounce that is
        remembered.  Otherwise those in the window are given.
    :param start: How many to pass over.
    :param count: How many to give at most.
    :return: Dictionaries with the keys of ``mailman qnet bounces --json``.
    """
    query = _members(mlist, now, address).offset(start)
    if count is not None:
        query = query.limit(count)
    found = store().execute(query).all()
    today = clock.today(now)
    window = scoring.window_days(mlist.bounce_info_stale_after)
    ids = [str(row[0]) for row in found]
    scores = ledger.half_scores(ids, window, today)
    days = _days(ids, None if address else clock.first_day(today, window))
    return [
        {
            'list': mlist.fqdn_listname,
            'address': email,
            'score': scoring.shown(scores.get(member_id, 0)),
            'threshold': mlist.bounce_score_threshold,
            'window_days': window,
            'delivery': word(own, of_address, of_user),
            'warnings': warnings or 0,
            'days': days.get(member_id, []),
        }
        for member_id, (_id, email, warnings, own, of_address, of_user) in zip(
            ids, found, strict=True
        )
    ]


def word(*statuses: DeliveryStatus | None) -> str:
    """The delivery status that holds: the first that is set, as in Mailman."""
    return next((one.name for one in statuses if one is not None), 'enabled')


@dataclass(frozen=True)
class Joined:
    """Members with their addresses, suspensions and preferences.

    :ivar query: Of the member's id, address and warnings, and of `statuses`.
    :ivar statuses: The delivery statuses of membership, address and user.
    """

    query: Select[Any]
    statuses: tuple[Any, Any, Any]

    @property
    def own(self) -> Any:
        """The status of the membership, which is what bounces change."""
        return self.statuses[0]


def joined(ids: Any = None) -> Joined:
    """Members of any list.

    :param ids: Only those in this subquery; see `concerned`.
    """
    own, of_address, of_user = (aliased(Preferences) for _ in range(3))
    subscriber = aliased(User)
    holder = aliased(User)
    statuses = (
        own.delivery_status,
        of_address.delivery_status,
        of_user.delivery_status,
    )
    query = select(Member._member_id, Address.email, QNetSuspension.warnings, *statuses)
    if ids is None:
        query = query.select_from(Member)
        suspended = native(QNetSuspension.member_id) == Member._member_id
    else:
        query = query.select_from(ids).join(
            Member, Member._member_id == ids.c.native_id
        )
        suspended = QNetSuspension.member_id == ids.c.member_id
    query = (
        query.outerjoin(subscriber, subscriber.id == Member.user_id)
        .join(
            Address,
            Address.id
            == func.coalesce(Member.address_id, subscriber._preferred_address_id),
        )
        .outerjoin(holder, holder.id == Address.user_id)
        .join(own, own.id == Member.preferences_id)
        .outerjoin(of_address, of_address.id == Address.preferences_id)
        .outerjoin(of_user, of_user.id == holder.preferences_id)
        .outerjoin(QNetSuspension, suspended)
    )
    return Joined(query, statuses)


def concerned(mlist: Mlist, now: datetime) -> Any:
    """The members with bounces in the window, or suspended.

    The ledger has members of the list only, so that nothing more need be asked of
    them: SQLite would go through all members of a list for its ID.

    :return: A subquery of `member_id`, as our tables have it, and `native_id`.
    """
    today = clock.today(now)
    first = clock.first_day(today, scoring.window_days(mlist.bounce_info_stale_after))
    return union(
        *(
            select(
                table.member_id.label('member_id'),
                native(table.member_id).label('native_id'),
            ).where(table.list_id == mlist.list_id, *more)
            for table, more in (
                (QNetBounce, [QNetBounce.day >= first]),
                (QNetSuspension, []),
            )
        )
    ).subquery()


def _members(mlist: Mlist, now: datetime, address: str | None) -> Select[Any]:
    if address is None:
        query = joined(concerned(mlist, now)).query
    else:
        query = joined().query.where(
            Member.list_id == mlist.list_id,
            Member.role == MemberRole.member,
            Address.email == address.strip().lower(),
        )
    return query.order_by(Address.email, Member.id)


def native(member_id: Any) -> Any:
    """A member's id of our tables as Mailman's column has it, so that its index serves.

    PostgreSQL has a type for it; in SQLite it is 32 hexadecimal digits.
    """
    if config.db.engine.dialect.name == 'postgresql':
        return func.cast(member_id, postgresql.UUID)
    return func.replace(member_id, '-', '')


def _days(ids: list[str], first: Any) -> dict[str, list[dict[str, Any]]]:
    days: dict[str, list[dict[str, Any]]] = {}
    for some in statements.chunks(ids):
        query = (
            select(
                QNetBounce.member_id,
                QNetBounce.day,
                QNetBounce.half_points,
                QNetBounce.state,
                QNetBounce.kind,
                QNetBounce.reason,
            )
            .where(QNetBounce.member_id.in_(some))
            .order_by(QNetBounce.member_id, QNetBounce.day)
        )
        if first is not None:
            query = query.where(QNetBounce.day >= first)
        for member_id, day, half, state, kind, reason in store().execute(query):
            counts = state == State.counted.value
            days.setdefault(member_id, []).append(
                {
                    'date': day.isoformat(),
                    'points': scoring.shown(half) if counts else 0.0,
                    'kind': kind,
                    'reason': reason,
                    'state': state,
                }
            )
    return days
