# SPDX-License-Identifier: GPL-3.0-or-later
"""Leaving a list with one click (R15, RFC 8058).

Each copy of a message carries a token that its reader, or their mail provider for
them, gives back to leave: in a URL, or in the subject of a message to the list's
``-leave`` address.  The token is the proof; nothing is asked again.

A token is 45 bytes, written as 60 characters of base64url (RFC 4648 section 5)::

    version (1)  key (2)  day (2)  list (4)  address (4)  member (16)  HMAC (16)

The HMAC (SHA-256, cut to 128 bits) is over the bytes before it, the List-ID and the
address.  Those are not in the token, so that the URL tells nobody who reads the list;
and a row of the database that is used again for another list or address is not what
was signed.  Tokens of one length let delivery put one in the place of another.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from uuid import UUID

from mailman.interfaces.member import MemberRole
from mailman.model.address import Address
from mailman.model.mailinglist import MailingList
from mailman.model.member import Member
from mailman.model.user import User
from mailman.utilities.datetime import now
from sqlalchemy import or_, select

from qnet_mailman import site
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import keys
from qnet_mailman.model.base import store
from qnet_mailman.subscriptions import leaving

log = logging.getLogger('mailman.subscribe')

BATCH = 1000
"""Recipients whose tokens one statement finds."""
LENGTH = 60
"""Characters of a token."""

_VERSION = 1
_FORMAT = struct.Struct('>BHHII16s')
_HMAC_BYTES = 16
_EPOCH = keys.EPOCH.toordinal()
# The largest row id of PostgreSQL's Integer.
_MAX_ROW = 2**31 - 1
_TOKEN = re.compile(rf'[A-Za-z0-9_-]{{{LENGTH}}}')
_SUBJECT = re.compile(rf'\s*unsubscribe\s+({_TOKEN.pattern})\s*', re.IGNORECASE)

lists: Any = MailingList.__table__
members: Any = Member.__table__
addresses: Any = Address.__table__
users: Any = User.__table__


class Outcome(StrEnum):
    """What a token does, or did."""

    subscribed = 'subscribed'
    """Its reader is a member, and could leave."""
    left = 'left'
    not_subscribed = 'not subscribed'
    unknown = 'unknown'
    """It is not one of ours, or its list or address is no more."""
    gone = 'gone'
    """It is too old, or its key was taken back."""


@dataclass(frozen=True)
class Left:
    """What came of a token; the list where it is known."""

    outcome: Outcome
    fqdn_listname: str = ''
    display_name: str = ''


@dataclass(frozen=True)
class Claim:
    """What a token says, before anybody knows whether it is true.

    :ivar day: The day it was made on, in days since 1 January of year 1.
    """

    key: int
    day: int
    list_row: int
    address_row: int
    member_id: UUID


def encode(claim: Claim, secret: bytes, list_id: str, address: str) -> str:
    """Write a token.

    :param claim: What it says.
    :param secret: The key's secret.
    :param list_id: The List-ID.
    :param address: The address that the message goes to, in lower case.
    """
    body = _FORMAT.pack(
        _VERSION,
        claim.key,
        claim.day - _EPOCH,
        claim.list_row,
        claim.address_row,
        claim.member_id.bytes,
    )
    signature = _signature(body, secret, list_id, address)
    return base64.urlsafe_b64encode(body + signature).decode('ascii')


def decode(token: str) -> Claim | None:
    """Read a token, without believing it; None where it is none."""
    body = _bytes_of(token)
    if body is None:
        return None
    version, key, day, list_row, address_row, member_id = _FORMAT.unpack_from(body)
    if version != _VERSION or max(list_row, address_row) > _MAX_ROW:
        return None
    return Claim(key, day + _EPOCH, list_row, address_row, UUID(bytes=member_id))


def is_signed(token: str, secret: bytes, list_id: str, address: str) -> bool:
    """Whether a token was made with this key for this list and address."""
    data = _bytes_of(token)
    if data is None:
        return False
    body, signature = data[: _FORMAT.size], data[_FORMAT.size :]
    return hmac.compare_digest(signature, _signature(body, secret, list_id, address))


def _bytes_of(token: str) -> bytes | None:
    if _TOKEN.fullmatch(token) is None:
        return None
    try:
        return base64.urlsafe_b64decode(token)
    except (binascii.Error, ValueError):
        return None


def _signature(body: bytes, secret: bytes, list_id: str, address: str) -> bytes:
    # NUL is in neither, so that no two pairs read alike.
    whole = b'\0'.join([body, list_id.encode(), address.encode()])
    return hmac.digest(secret, whole, 'sha256')[:_HMAC_BYTES]


def token_in(subject: str) -> str | None:
    """The token in the subject of a message to a ``-leave`` address; None if none."""
    found = _SUBJECT.fullmatch(subject)
    return None if found is None else found[1]


@dataclass(frozen=True)
class Membership:
    """Who gets a copy as a member.

    :ivar row: The member's row; the others are those of the list and the address.
    :ivar email: The address, in lower case.
    """

    row: int
    list_row: int
    address_row: int
    member_id: UUID
    email: str


def memberships(mlist: Mlist, recipients: Iterable[str]) -> dict[str, Membership]:
    """Those recipients who are members, by address in lower case.

    One statement for up to `BATCH` recipients.  Who is subscribed twice, by this
    address and as a user who prefers it, is there once.

    :param recipients: Addresses; their case does not matter.
    """
    wanted = sorted({recipient.lower() for recipient in recipients})
    found: dict[str, Membership] = {}
    for start in range(0, len(wanted), BATCH):
        for row in _memberships(mlist.list_id, wanted[start : start + BATCH]):
            found[row.email] = Membership(*row)
    return found


def token_for(mlist: Mlist, member: Membership, key: keys.Key) -> str:
    """The token of a member; the one of who is subscribed twice ends both."""
    claim = Claim(
        key.id,
        now().date().toordinal(),
        member.list_row,
        member.address_row,
        member.member_id,
    )
    return encode(claim, key.secret, mlist.list_id, member.email)


def _memberships(list_id: str, emails: list[str]) -> Any:
    """Who is a member at one of these addresses, be it their preferred one."""
    wanted = (
        select(addresses.c.id, addresses.c.email)
        .where(addresses.c.email.in_(emails))
        .cte('wanted')
    )
    rows = (
        select(
            members.c.id.label('row'),
            lists.c.id.label('list_row'),
            wanted.c.id.label('address_row'),
            members.c._member_id.label('member_id'),
            wanted.c.email,
        )
        .select_from(members)
        .join(lists, lists.c.list_id == members.c.list_id)
        .where(members.c.list_id == list_id, members.c.role == MemberRole.member)
    )
    by_preferred = rows.join(users, users.c.id == members.c.user_id).join(
        wanted, wanted.c.id == users.c._preferred_address_id
    )
    by_address = rows.join(wanted, wanted.c.id == members.c.address_id)
    return store().execute(by_preferred.union_all(by_address))


@dataclass(frozen=True)
class _Meaning:
    """What a token is about: a list, an address, and who gets the list there."""

    outcome: Outcome
    mlist: Any = None
    email: str = ''
    members: tuple[Any, ...] = ()

    def left(self) -> Left:
        """Without the rows of the database."""
        if self.mlist is None:
            return Left(self.outcome)
        return Left(self.outcome, self.mlist.fqdn_listname, self.mlist.display_name)


def describe(token: str) -> Left:
    """What a token would do."""
    return _look_up(token).left()


def leave(token: str, *, route: str) -> Left:
    """Leave the list that the token's message came from, at once.

    Who left and joined again, or changed the address, leaves all the same: the token's
    member goes, and whoever gets the list's mail at the token's address.  Again is
    harmless.

    :param token: The token.
    :param route: By what way it came, for the log.
    """
    meaning = _look_up(token)
    if meaning.outcome is not Outcome.subscribed:
        return meaning.left()
    leaving.end(meaning.mlist, meaning.members)
    log.info(
        '%s: %s left by one click (%s)', meaning.mlist.list_id, meaning.email, route
    )
    return replace(meaning, outcome=Outcome.left).left()


def _look_up(token: str) -> _Meaning:
    claim = decode(token)
    if claim is None:
        return _Meaning(Outcome.unknown)
    try:
        key = keys.verifying(claim.key)
    except LookupError:
        return _Meaning(Outcome.unknown)
    if key is None:
        return _Meaning(Outcome.gone)
    mlist = store().get(MailingList, claim.list_row)
    email = store().scalar(select(Address.email).where(Address.id == claim.address_row))
    if (
        mlist is None
        or email is None
        or not is_signed(token, key.secret, mlist.list_id, email)
    ):
        return _Meaning(Outcome.unknown)
    if _too_old(claim):
        return _Meaning(Outcome.gone)
    found = _members_of(mlist.list_id, claim)
    outcome = Outcome.subscribed if found else Outcome.not_subscribed
    return _Meaning(outcome, mlist, email, found)


def _too_old(claim: Claim) -> bool:
    age = now().date().toordinal() - claim.day
    return age > site.settings().unsubscribe_link_lifetime.days


def _members_of(list_id: str, claim: Claim) -> tuple[Any, ...]:
    """The token's member, and those at the token's address, on that list."""
    preferring = select(users.c.id).where(
        users.c._preferred_address_id == claim.address_row
    )
    return tuple(
        store().scalars(
            select(Member)
            .where(
                Member.list_id == list_id,
                Member.role == MemberRole.member,
                or_(
                    Member._member_id == claim.member_id,
                    Member.address_id == claim.address_row,
                    Member.user_id.in_(preferring),
                ),
            )
            .order_by(Member.id)
            # Of two clicks at once, the second finds nobody.
            .with_for_update()
        )
    )
