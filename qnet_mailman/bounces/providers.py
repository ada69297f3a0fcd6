# SPDX-License-Identifier: GPL-3.0-or-later
"""Who refused a list, and how many of its members that may concern (R23, R36)."""

from __future__ import annotations

import time
from datetime import date
from typing import Any

from mailman.config import config
from mailman.interfaces.member import DeliveryStatus, MemberRole
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.model.preferences import Preferences
from mailman.model.user import User
from sqlalchemy import func, or_, select

from qnet_mailman.bounces.ledger import bounces
from qnet_mailman.bounces.reading.provider import provider_of
from qnet_mailman.bounces.reading.verdict import Reason
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetRefusal, State
from qnet_mailman.model.statements import insert_once, insert_over

REASONS = tuple(one.value for one in Reason if one.refuses_the_list)
DELIVERS = (DeliveryStatus.enabled, DeliveryStatus.unknown)
"""The delivery status of who gets mail; none at all says the same."""
COUNT_LIFETIME = 60.0
"""Seconds for which a number of a list's members is remembered."""
EVERYWHERE = '*'
"""Stands for a provider where all refusals of a list on a day are meant."""

refusals: Any = QNetRefusal.__table__

_counts: dict[tuple[str, frozenset[str]], tuple[float, int]] = {}


def provider(host: str, domain: str, own: str) -> str:
    """Who refused (R36).

    :param host: The host that refused; empty where nobody knows.
    :param domain: The recipient's.
    :param own: The list's: what our own hosts say is not what they think of us.
    """
    found = provider_of(host)
    return domain if not found or found == provider_of(own) else found[:255]


def about_a_day(list_id: Any, provider: Any, day: Any) -> tuple[Any, ...]:
    """What is known of a provider's refusals of a day, as columns of a statement.

    :return: Whether they are withheld (None: nobody has decided); the members whom it
        refused; those of the whole list whose refusal counts.
    """

    def decided(by: Any) -> Any:
        return (
            select(refusals.c.withheld)
            .where(
                refusals.c.list_id == list_id,
                refusals.c.domain == by,
                refusals.c.day == day,
            )
            .scalar_subquery()
        )

    refused = (
        select(func.count())
        .select_from(bounces)
        .where(
            bounces.c.list_id == list_id,
            bounces.c.day == day,
            bounces.c.reason.in_(REASONS),
        )
    )
    return (
        func.coalesce(decided(provider), decided(EVERYWHERE)),
        refused.where(bounces.c.provider == provider).scalar_subquery(),
        refused.where(bounces.c.state == State.counted.value).scalar_subquery(),
    )


def record(connection: Any, row: dict[str, Any]) -> bool:
    """Write a bounce into the ledger, if its day is free (R17).

    A refusal that is nobody's fault leaves the day's place free (R36): a bounce that is
    somebody's takes it.

    :param row: The bounce as the ledger is to have it.
    :return: Whether the day was free.
    """
    statement = _ONCE if row['reason'] in REASONS else _OVER
    return bool(connection.execute(statement, row).rowcount)


_ONCE = insert_once(bounces)
_OVER = insert_over(
    bounces,
    ('member_id', 'day'),
    where=f"qnet_bounce.state = '{State.withheld.value}'",
    # One report of a post counts (R35); the member's row is locked meanwhile.
    unless='member_id = :member_id AND post = :post',
)


def domains_refused(list_id: str, provider: str, day: date) -> frozenset[str]:
    """The recipients' domains that a provider refused on a day."""
    return frozenset(
        store().scalars(
            select(bounces.c.domain)
            .where(
                bounces.c.list_id == list_id,
                bounces.c.provider == provider,
                bounces.c.day == day,
                bounces.c.reason.in_(REASONS),
            )
            .distinct()
        )
    )


def members_at(list_id: str, domains: frozenset[str] = frozenset()) -> int:
    """The members of a list, or those at some domains; from memory for a minute.

    Without domains, those whose delivery is on: the copies that a post makes.  Counting
    reads every member of the list, and a large provider's refusals come by the
    thousand.
    """
    counted, number = _counts.get((list_id, domains), (0.0, 0))
    if number and time.monotonic() - counted <= COUNT_LIFETIME:
        return number
    query = (
        select(func.count())
        .select_from(Member)
        .where(Member.list_id == list_id, Member.role == MemberRole.member)
    )
    if domains:
        address_id = func.coalesce(Member.address_id, User._preferred_address_id)
        query = (
            query.outerjoin(User, User.id == Member.user_id)
            .join(Address, Address.id == address_id)
            .where(_domain_of(Address.email).in_(domains))
        )
    else:
        status = Preferences.delivery_status
        query = query.join(Preferences, Preferences.id == Member.preferences_id).where(
            or_(status.is_(None), status.in_(DELIVERS))
        )
    number = store().execute(query).scalar_one()
    if len(_counts) > 1000:
        _counts.clear()
    _counts[list_id, domains] = (time.monotonic(), number)
    return number


def _domain_of(email: Any) -> Any:
    if config.db.engine.dialect.name == 'postgresql':
        return func.split_part(email, '@', 2)
    return func.substr(email, func.instr(email, '@') + 1)
