# SPDX-License-Identifier: GPL-3.0-or-later
"""Who refused a list, and how many of its members that may concern (R23, R36)."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from mailman.config import config
from mailman.interfaces.member import DeliveryStatus, MemberRole
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.model.preferences import Preferences
from mailman.model.user import User
from sqlalchemy import Date, bindparam, case, func, null, or_, select, union_all

from qnet_mailman.bounces.ledger import bounces
from qnet_mailman.bounces.reading.provider import provider_of
from qnet_mailman.bounces.reading.verdict import Reason
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetRefusal, State
from qnet_mailman.model.statements import insert_over

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


@dataclass
class Day:
    """How a list is refused on a day, as far as the ledger has it.

    :ivar decided: Whether the refusals by a provider, or those of the whole day
        (`EVERYWHERE`), are withheld; without those of whom nobody has decided.
    :ivar refused: The members whom a provider refused, by their domain.
    :ivar counted: Those whose refusal counts.
    """

    list_id: str
    day: date
    decided: dict[str, bool]
    refused: dict[str, Counter[str]]
    counted: Counter[str]

    @classmethod
    def read(cls, list_id: str, day: date) -> Day:
        """One statement."""
        found = cls(list_id, day, {}, {}, Counter())
        rows = store().connection().execute(_DAY, {'list': list_id, 'of': day})
        for by, domain, number, counted in rows:
            if domain is None:
                found.decided[by] = bool(number)
            else:
                found.refused.setdefault(by, Counter())[domain] = number
                found.counted[by] += int(counted)
        return found

    def decision(self, provider: str) -> bool | None:
        """Whether refusals are withheld; None while nobody has decided."""
        return self.decided.get(provider, self.decided.get(EVERYWHERE))

    def add(self, provider: str, domain: str) -> None:
        """Note a refusal that counts."""
        self.refused.setdefault(provider, Counter())[domain] += 1
        self.counted[provider] += 1

    def withhold(self, by: str) -> None:
        """Note that the refusals by a provider, or `EVERYWHERE`, do not count."""
        if by == EVERYWHERE:
            self.counted = Counter(
                {one: self.counted[one] for one in self.counted if one in self.decided}
            )
        else:
            del self.counted[by]
        self.decided[by] = True


_DAY = union_all(
    select(
        bounces.c.provider,
        bounces.c.domain,
        func.count(),
        func.sum(case((bounces.c.state == State.counted.value, 1), else_=0)),
    )
    .where(
        bounces.c.list_id == bindparam('list'),
        bounces.c.day == bindparam('of', type_=Date),
        bounces.c.reason.in_(REASONS),
    )
    .group_by(bounces.c.provider, bounces.c.domain),
    select(
        refusals.c.domain,
        null(),
        case((refusals.c.withheld.is_(True), 1), else_=0),
        null(),
    ).where(
        refusals.c.list_id == bindparam('list'),
        refusals.c.day == bindparam('of', type_=Date),
    ),
)


def record_over(row: dict[str, Any]) -> bool:
    """Write a bounce in the place of a refusal that is nobody's fault (R36).

    :param row: The bounce as the ledger is to have it.
    :return: Whether there was such a place.
    """
    return bool(store().connection().execute(_OVER, row).rowcount)


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
