# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose bounce a report is (R35): what the recipient says that LMTP was given.

On a list of ours the token in it says so (:mod:`..model.return_addresses`), and nothing
else: no field of the report's header, no name in its text, no address that anybody
could write down.  What has no token of ours is a `Doubt`, and scores nobody.

A token is good for one bounce: for a post, a member is scored once (`ledger.py`), so
that whoever has seen one report cannot send it again on other days.  One that names
another member of the list, and not its own, is about somebody else.  It may name who
is no member: people have their mail forwarded, and it comes back from there.

Before there were tokens, envelope senders named the member
(``LIST-bounces+reader=example.net@``).  These count for members who were sent such a
copy, until the time of the setting `old_bounce_addresses` after the upgrade is over.

Copies of other lists (R40) have no tokens.  Where the site wants our scores there,
whose bounce it is says what Mailman believes: its encoding (VERP), wherever the report
has it, or else the text of the report.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from mailman.app.bounces import ProbeVERP, StandardVERP
from mailman.config import config
from mailman.interfaces.bounce import UnrecognizedBounceDisposition
from mailman.interfaces.member import MemberRole
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.model.preferences import Preferences
from mailman.model.user import User
from sqlalchemy import (
    String,
    and_,
    bindparam,
    delete,
    func,
    literal,
    null,
    select,
    union,
)

from qnet_mailman import site
from qnet_mailman.bounces import scoring
from qnet_mailman.bounces.reading.verdict import Verdict
from qnet_mailman.features import features_of
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import return_addresses
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetEarlierCopy, QNetSuspension
from qnet_mailman.model.lists import row_of
from qnet_mailman.model.return_addresses import NOBODY, Claim, Verifier, membership_of
from qnet_mailman.model.statements import begin_writing, chunks

RECIPIENT = 'qnet_recipient'
"""Of a queue entry: the address to which LMTP was given it."""
MAX_NAMED = 50
"""Addresses of one report that are looked at."""

members: Any = Member.__table__
addresses: Any = Address.__table__
users: Any = User.__table__
preferences: Any = Preferences.__table__
suspensions: Any = QNetSuspension.__table__


class Doubt(StrEnum):
    """Why a report of a failure counts for nobody; for people to read (R35)."""

    no_token = 'came without a token of ours'
    not_ours = 'its token is not ours'
    too_old = 'its token is too old'
    ended = 'its token is of a past membership'
    another = 'is about another member'
    for_many = 'was to many members in one copy'


@dataclass(frozen=True)
class Place:
    """What receiving needs to know of a list, read once for many reports."""

    mlist: Any
    list_id: str
    is_ours: bool
    """Whether it has one of our styles, and so copies with tokens."""
    is_scored: bool
    """Whether bounces are scored by R16 to R18, and not by Mailman."""
    is_personal: bool
    """Whether each member has a copy of their own."""
    bounces_local: str
    process_bounces: bool
    forwards: bool
    threshold: int
    """In points."""
    window: int
    """In days."""

    @classmethod
    def of(cls, mlist: Mlist) -> Place:
        """The place of a list."""
        row = row_of(mlist)
        return cls(
            mlist=mlist,
            list_id=mlist.list_id,
            is_ours=row is not None,
            is_scored=features_of(mlist).bounce_scores,
            is_personal=row is not None and row.personal,
            bounces_local=mlist.bounces_address.partition('@')[0].lower(),
            process_bounces=bool(mlist.process_bounces),
            forwards=mlist.forward_unrecognized_bounces_to
            is not UnrecognizedBounceDisposition.discard,
            threshold=mlist.bounce_score_threshold,
            window=scoring.window_days(mlist.bounce_info_stale_after),
        )


NOWHERE = Place(None, '', True, True, True, '', True, True, 1, 1)
"""In place of a list, where the address says of none that there is."""


@dataclass(frozen=True)
class Found:
    """A member, with what of delivery and suspension matters to a score."""

    row_id: int
    list_id: str
    member_id: str
    email: str
    status: Any
    suspended: bool


@dataclass(frozen=True)
class Addressed:
    """To whom a copy went.

    :ivar members: Who gets the list there: one, or two who are subscribed both as
        themselves and by this address.
    :ivar post: See `return_addresses.post_of`; None where the address does not say.
    """

    email: str
    members: tuple[Found, ...]
    post: bytes | None = None


# -------------------------------------------------------------- lists of ours


def claimed(
    place: Place, recipient: str, received: datetime, verifier: Verifier
) -> Claim | str | Doubt:
    """What the address of a report claims; no SQL but for the key.

    :param recipient: As LMTP was told.
    :param received: When the report came, in UTC.
    :return: What a token of ours says; the member's address in an old envelope sender,
        which is not believed yet; or why it is neither.
    """
    returned = return_addresses.returned(recipient)
    if returned is None:
        return encoded_in(place, recipient) or Doubt.no_token
    if not returned.token:
        return Doubt.no_token
    claim = verifier.read(returned.token)
    if claim is None or (place.mlist is not None and claim.list_row != place.mlist.id):
        return Doubt.not_ours
    lifetime = site.settings().bounce_token_lifetime
    if (received.date() - claim.day).days > lifetime.days:
        return Doubt.too_old
    return claim


def addressed(
    claims: Sequence[tuple[Place, Claim | str | Doubt, datetime]],
) -> list[Addressed | Doubt | None]:
    """To whom each copy went; None where it was to nobody's membership.

    One statement for all tokens, which locks the members.

    :param claims: Each with its list, and when the report came.
    """
    wanted = {
        (claim.member_row, place.list_id)
        for place, claim, _received in claims
        if isinstance(claim, Claim)
        and place.mlist is not None
        and claim.member_row != NOBODY
    }
    there: dict[tuple[str, str], list[Found]] = defaultdict(list)
    if wanted:
        begin_writing()
        rows, lists = ({one[at] for one in wanted} for at in (0, 1))
        for found in _found(_by_rows(), {'rows': list(rows), 'lists': list(lists)}):
            there[found.list_id, found.email].append(found)
    of_row = {found.row_id: found for each in there.values() for found in each}
    return [
        _addressed(place, claim, received, of_row, there)
        for place, claim, received in claims
    ]


def _addressed(
    place: Place,
    claim: Claim | str | Doubt,
    received: datetime,
    of_row: Mapping[int, Found],
    there: Mapping[tuple[str, str], Sequence[Found]],
) -> Addressed | Doubt | None:
    if isinstance(claim, Doubt):
        return claim
    if isinstance(claim, str):
        return _addressed_before(place, claim, received)
    if place.mlist is None:
        # The list is no more, and its mail still comes back.
        return None
    if claim.member_row == NOBODY:
        return None if place.is_personal else Doubt.for_many
    member = of_row.get(claim.member_row)
    if (
        member is None
        or member.list_id != place.list_id
        or claim.membership != membership_of(UUID(member.member_id), member.email)
    ):
        return Doubt.ended
    found = tuple(there[member.list_id, member.email])
    return Addressed(member.email, found, claim.post)


def naming_others(reports: Sequence[tuple[Place, str, Verdict]]) -> set[int]:
    """Which reports are about other members of the list, and not about their own.

    A statement, where any names others only.

    :param reports: Each with its list and the address to which the copy went.
    :return: Their places in the sequence.
    """
    suspects: dict[int, set[tuple[str, str]]] = {}
    for number, (place, email, verdict) in enumerate(reports):
        named = _named_in(verdict)
        if named and email not in named:
            some = sorted(named)[:MAX_NAMED]
            suspects[number] = {(place.list_id, name) for name in some}
    pairs = {pair for some in suspects.values() for pair in some}
    known: set[tuple[str, str]] = set()
    for chunk in chunks(sorted(pairs)):
        names = sorted({name for _list_id, name in chunk})
        lists = sorted({list_id for list_id, _name in chunk})
        found = _found(_by_name(False), {'names': names, 'lists': lists})
        known |= {(one.list_id, one.email) for one in found}
    return {number for number, some in suspects.items() if some & known}


def _named_in(verdict: Verdict) -> set[str]:
    return {
        name.lower()
        for failure in verdict.failures[:MAX_NAMED]
        for name in (failure.address, *failure.aliases)
        if name and name.isprintable()
    }


# -------------------------------------------------------- lists of other styles


def named_in(place: Place, msg: Any, verdict: Verdict) -> list[str]:
    """Whom Mailman takes a report for, in lower case; they need not be members."""
    encoded = StandardVERP().get_verp(place.mlist, msg) or ProbeVERP().get_verp(
        place.mlist, msg
    )
    found = {
        name.decode('utf-8', 'replace').lower()
        if isinstance(name, bytes)
        else name.lower()
        for name in encoded or [one.address for one in verdict.failures[:MAX_NAMED]]
        if name
    }
    return sorted(name for name in found if name.isprintable())


# ------------------------------------------------------ before there were tokens


def encoded_in(place: Place, address: str) -> str | None:
    """The address that an envelope sender of Mailman's names, in lower case."""
    match = _pattern(config.mta.verp_regexp).search(address)
    if match is None or match['bounces'].lower() != place.bounces_local:
        return None
    # A domain has no "=", a local part may have.
    local, _, domain = f'{match["local"]}={match["domain"]}'.rpartition('=')
    found = f'{local}@{domain}'.lower()
    return found if found.isprintable() and len(found) <= 320 else None


@functools.lru_cache(maxsize=8)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _addressed_before(
    place: Place, email: str, received: datetime
) -> Addressed | Doubt:
    since = received - site.settings().old_bounce_addresses
    sent = select(QNetEarlierCopy.member_id).where(
        QNetEarlierCopy.list_id == place.list_id, QNetEarlierCopy.upgraded_at > since
    )
    found = find(place, email)
    known = set(
        store().scalars(
            sent.where(
                QNetEarlierCopy.member_id.in_([UUID(one.member_id) for one in found])
            )
        )
        if found
        else ()
    )
    there = tuple(one for one in found if UUID(one.member_id) in known)
    return Addressed(email, there) if there else Doubt.no_token


def forget_earlier_copies(now: datetime) -> None:
    """Forget who was sent copies with old envelope senders: these count no more."""
    since = now - site.settings().old_bounce_addresses
    store().execute(delete(QNetEarlierCopy).where(QNetEarlierCopy.upgraded_at <= since))
    config.db.commit()


# ---------------------------------------------------------------- the members


def find(place: Place, email: str) -> tuple[Found, ...]:
    """The members that an address is, whether they, or it, are subscribed (R22).

    :param email: In lower case.
    """
    begin_writing()
    return _found(_by_name(True), {'names': [email], 'lists': [place.list_id]})


def _found(query: Any, parameters: dict[str, Any]) -> tuple[Found, ...]:
    session = store()
    session.flush()
    rows = session.connection().execute(query, parameters)
    return tuple(
        Found(row_id, list_id, str(member_id), email, status, suspended is not None)
        for row_id, list_id, member_id, email, status, suspended in rows.all()
    )


@functools.cache
def _by_name(locks: bool) -> Any:
    named = addresses.c.email.in_(bindparam('names', expanding=True))
    query = _members_at(named)
    return query.with_for_update(of=members) if locks else query


@functools.cache
def _by_rows() -> Any:
    """Whoever is at the addresses of some members."""
    one, owner = members.alias(), users.alias()
    address = (
        select(func.coalesce(one.c.address_id, owner.c[_PREFERRED]))
        .select_from(one.outerjoin(owner, owner.c.id == one.c.user_id))
        .where(one.c.id.in_(bindparam('rows', expanding=True)))
    )
    return _members_at(addresses.c.id.in_(address)).with_for_update(of=members)


def _members_at(where: Any) -> Any:
    here = and_(
        members.c.list_id.in_(bindparam('lists', expanding=True)),
        members.c.role == MemberRole.member,
    )
    found = union(
        select(members.c.id)
        .join(addresses, addresses.c.id == members.c.address_id)
        .where(where, here),
        select(members.c.id)
        .join(users, users.c.id == members.c.user_id)
        .join(addresses, addresses.c.id == users.c[_PREFERRED])
        .where(where, here, members.c.address_id.is_(null())),
    ).subquery()
    return (
        select(
            members.c.id,
            members.c.list_id,
            members.c._member_id,
            addresses.c.email,
            preferences.c.delivery_status,
            suspensions.c.id,
        )
        .select_from(members)
        .outerjoin(users, users.c.id == members.c.user_id)
        .join(
            addresses,
            addresses.c.id == func.coalesce(members.c.address_id, users.c[_PREFERRED]),
        )
        .join(preferences, preferences.c.id == members.c.preferences_id)
        .outerjoin(
            suspensions, suspensions.c.member_id == _as_text(members.c._member_id)
        )
        .where(members.c.id.in_(select(found.c.id)))
        .order_by(members.c.id)
    )


_PREFERRED = User._preferred_address_id.property.columns[0].name


def _as_text(member_id: Any) -> Any:
    """A member's id as our tables have it: lower case, with hyphens.

    PostgreSQL has a type for it; in SQLite it is 32 hexadecimal digits.
    """
    if config.db.engine.dialect.name == 'postgresql':
        return func.cast(member_id, String)
    digits = func.cast(member_id, String)
    ends = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    parts = [func.substr(digits, begin, length) for begin, length in ends]
    text: Any = parts[0]
    for part in parts[1:]:
        text = text + literal('-') + part
    return text
