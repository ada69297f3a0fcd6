# SPDX-License-Identifier: GPL-3.0-or-later
"""Leaving a list with one click (R15, RFC 8058).

Each copy of a message carries two tokens that its reader gives back to leave.  That of
the header, which mail programs and providers use, is the proof, and nothing is asked
again: it comes back in a URL, or in the subject of a message to the list's ``-leave``
address.  That of the footer stands where people quote it, and so leaves only by the
button of its page, which says whose subscription it is (R39).

A warning about bounces carries a token of a third kind, which ends nothing: the button
of its page turns delivery on again (:mod:`qnet_mailman.bounces.send_again`).

On a list of another style a token asks as its reader would by mail (R40): what follows
is what the list's ``unsubscription_policy`` says, in Mailman's own workflow.

A token is 45 bytes, written as 72 characters of base32 (RFC 4648 section 6), whose case
does not matter (R35)::

    kind (1)  key (2)  day (2)  list (4)  address (4)  member (16)  HMAC (16)

The HMAC (SHA-256, cut to 128 bits) is over the bytes before it, the List-ID and the
address.  Those are not in the token, so that the URL tells nobody who reads the list;
and a row of the database that is used again for another list or address is not what
was signed.  Tokens of one length let delivery put one in the place of another.
"""

from __future__ import annotations

import base64
import hmac
import logging
import re
import struct
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum
from itertools import starmap
from typing import Any, NamedTuple
from uuid import UUID

from mailman.interfaces.member import MemberRole
from mailman.interfaces.subscriptions import TokenOwner
from mailman.model.address import Address
from mailman.model.mailinglist import MailingList
from mailman.model.member import Member
from mailman.model.user import User
from mailman.utilities.datetime import now
from sqlalchemy import or_, select

from qnet_mailman import site
from qnet_mailman.features import features_of
from qnet_mailman.mail import base32
from qnet_mailman.mail.addresses import shortened
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import keys
from qnet_mailman.model.audit import recorded_as
from qnet_mailman.model.base import store
from qnet_mailman.model.statements import chunks, unindexed
from qnet_mailman.subscriptions import leave_policy, leaving

log = logging.getLogger('mailman.subscribe')

BATCH = 1000
"""Recipients whose tokens one statement finds."""
LENGTH = 72
"""Characters of a token."""

_FORMAT = struct.Struct('>BHHII16s')
_HMAC_BYTES = 16
_EPOCH = keys.EPOCH.toordinal()
# The largest row id of PostgreSQL's Integer.
_MAX_ROW = 2**31 - 1
_TOKEN = re.compile(rf'[A-Za-z2-7]{{{LENGTH}}}')
_OLD_TOKEN = re.compile(r'[A-Za-z0-9_-]{60}')
"""In base64url (RFC 4648 section 5)."""
_SUBJECT = re.compile(
    rf'\s*unsubscribe\s+({_TOKEN.pattern}|{_OLD_TOKEN.pattern})\s*', re.IGNORECASE
)

lists: Any = MailingList.__table__
members: Any = Member.__table__
addresses: Any = Address.__table__
users: Any = User.__table__


class Kind(IntEnum):
    """What a token is for."""

    old = 1
    """Of mail that was sent when header and footer had the same."""
    header = 2
    """Leaves at once."""
    footer = 3
    """Leaves by the button of its page."""
    again = 4
    """Turns delivery on again, by the button of its page, and leaves nothing (R22)."""


LEAVING = (Kind.old, Kind.header, Kind.footer)


class Tokens(NamedTuple):
    """The tokens of a copy."""

    header: str
    footer: str


class Outcome(StrEnum):
    """What a token does, or did."""

    subscribed = 'subscribed'
    """Its reader is a member, and could leave."""
    asked = 'asked'
    """Its reader was asked by mail."""
    to_confirm = 'to confirm'
    """The same on a list of another style, where nothing but the answer leaves."""
    waits = 'waits'
    """A moderator of such a list decides."""
    left = 'left'
    not_subscribed = 'not subscribed'
    unknown = 'unknown'
    """It is not one of ours, or its list or address is no more."""
    gone = 'gone'
    """It is too old, or its key was taken back."""


_ASKED = {
    TokenOwner.no_one: Outcome.left,
    TokenOwner.subscriber: Outcome.to_confirm,
    TokenOwner.moderator: Outcome.waits,
}
"""By who has to answer, on a list of another style."""


@dataclass(frozen=True)
class Left:
    """What came of a token; the list where it is known.

    :ivar whose: The addresses whose subscription it ends, shortened.
    """

    outcome: Outcome
    fqdn_listname: str = ''
    display_name: str = ''
    whose: tuple[str, ...] = ()


class Claim(NamedTuple):
    """What a token says, before anybody knows whether it is true.

    :ivar day: The day it was made on, in days since 1 January of year 1.
    """

    key: int
    day: int
    list_row: int
    address_row: int
    member_id: UUID
    kind: Kind


def encode(claim: Claim, secret: bytes, list_id: str, address: str) -> str:
    """Write a token.

    :param claim: What it says.
    :param secret: The key's secret.
    :param list_id: The List-ID.
    :param address: The address that the message goes to, in lower case.
    """
    return base32.encode(_bytes(claim, secret, list_id, address))


def _bytes(claim: Claim, secret: bytes, list_id: str, address: str) -> bytes:
    body = _FORMAT.pack(
        claim.kind,
        claim.key,
        claim.day - _EPOCH,
        claim.list_row,
        claim.address_row,
        claim.member_id.bytes,
    )
    return body + _signature(body, secret, list_id, address)


def decode(token: str) -> Claim | None:
    """Read a token, without believing it; None where it is none."""
    body = _bytes_of(token)
    if body is None:
        return None
    number, key, day, list_row, address_row, member_id = _FORMAT.unpack_from(body)
    is_old = number == Kind.old
    if (
        number not in list(Kind)
        or is_old != (len(token) < LENGTH)
        or max(list_row, address_row) > _MAX_ROW
    ):
        return None
    member = UUID(bytes=member_id)
    return Claim(key, day + _EPOCH, list_row, address_row, member, Kind(number))


def is_signed(token: str, secret: bytes, list_id: str, address: str) -> bool:
    """Whether a token was made with this key for this list and address."""
    data = _bytes_of(token)
    if data is None:
        return False
    body, signature = data[: _FORMAT.size], data[_FORMAT.size :]
    return hmac.compare_digest(signature, _signature(body, secret, list_id, address))


def _bytes_of(token: str) -> bytes | None:
    if _TOKEN.fullmatch(token):
        return base64.b32decode(token.upper())
    if _OLD_TOKEN.fullmatch(token):
        return base64.urlsafe_b64decode(token)
    return None


def _signature(body: bytes, secret: bytes, list_id: str, address: str) -> bytes:
    # NUL is in neither, so that no two pairs read alike.
    whole = b'\0'.join([body, list_id.encode(), address.encode()])
    return keys.signature(secret, whole)[:_HMAC_BYTES]


def signed(some: Iterable[str]) -> set[str]:
    """Those that are tokens which we made, with a key that was not taken back.

    In few statements, however many there are.
    """
    claims = {one: claim for one in some if (claim := decode(one)) is not None}
    if not claims:
        return set()
    named = {claim.key for claim in claims.values()}
    known = [key_id for key_id, _, _ in keys.all_keys() if key_id in named]
    secrets = {
        key_id: key.secret for key_id in known if (key := keys.verifying(key_id))
    }
    claims = {one: claim for one, claim in claims.items() if claim.key in secrets}
    list_ids = _column(
        lists.c.id, lists.c.list_id, {one.list_row for one in claims.values()}
    )
    emails = _column(
        addresses.c.id, addresses.c.email, {one.address_row for one in claims.values()}
    )
    return {
        one
        for one, claim in claims.items()
        if claim.list_row in list_ids
        and claim.address_row in emails
        and is_signed(
            one,
            secrets[claim.key],
            list_ids[claim.list_row],
            emails[claim.address_row],
        )
    }


def _column(row: Any, value: Any, wanted: set[int]) -> dict[int, str]:
    """A column of some rows."""
    found: dict[int, str] = {}
    for some in chunks(sorted(wanted), BATCH):
        rows = store().execute(select(row, value).where(row.in_(some)))
        found.update((number, text) for number, text in rows)
    return found


def token_in(subject: str) -> str | None:
    """The token in the subject of a message to a ``-leave`` address; None if none."""
    found = _SUBJECT.fullmatch(subject)
    return None if found is None else found[1]


class Membership(NamedTuple):
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
    for some in chunks(wanted, BATCH):
        for row in _memberships(mlist.list_id, some):
            found[row.email] = Membership(*row)
        # Mailman takes an address from a user who goes on to prefer it.
        lost = [email for email in some if email not in found]
        for row in _memberships(mlist.list_id, lost, linked=False) if lost else ():
            found[row.email] = Membership(*row)
    return found


def token_for(
    mlist: Mlist, member: Membership, key: keys.Key, kind: Kind = Kind.header
) -> str:
    """A token of a member; the one of who is subscribed twice ends both."""
    claim = _claim(member, key, now().toordinal(), kind)
    return encode(claim, key.secret, mlist.list_id, member.email)


def tokens_for(
    mlist: Mlist,
    some: Mapping[str, Membership],
    key: keys.Key,
    today: date | None = None,
) -> dict[str, Tokens]:
    """The tokens of members' copies, under the names that the members have there.

    :param today: In UTC, where that is known.
    """
    day, list_id = (today or now()).toordinal(), mlist.list_id
    written = base32.encode_all(
        [
            _bytes(_claim(member, key, day, kind), key.secret, list_id, member.email)
            for member in some.values()
            for kind in (Kind.header, Kind.footer)
        ]
    )
    pairs = zip(written[::2], written[1::2], strict=True)
    return dict(zip(some, starmap(Tokens, pairs), strict=True))


def _claim(member: Membership, key: keys.Key, day: int, kind: Kind) -> Claim:
    return Claim(
        key.id, day, member.list_row, member.address_row, member.member_id, kind
    )


def link(token: str, kind: Kind = Kind.header) -> str | None:
    """The page of a token; None without a web side."""
    web_url = site.settings().web_url
    page = 'send-again' if kind is Kind.again else 'unsubscribe'
    return None if web_url is None else f'{web_url}/{page}/{token}/'


def link_of(mlist: Mlist, email: str, kind: Kind) -> str | None:
    """A member's own link, for one mail; None without a web side.

    :param email: An address of the list's member, in lower case.
    """
    member = memberships(mlist, [email]).get(email)
    if member is None:
        return None
    # Without the subscription that the caller's transaction is about, no link is due.
    return link(token_for(mlist, member, keys.signing(commit=False), kind), kind)


def _memberships(list_id: str, emails: list[str], *, linked: bool = True) -> Any:
    """Who is a member at one of these addresses, be it their preferred one.

    :param linked: Whether who prefers an address has it, which spares SQLite a look at
        all users.
    """
    wanted = (
        select(addresses.c.id, addresses.c.email, addresses.c.user_id)
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
        .where(
            unindexed(members.c.list_id) == list_id,
            unindexed(members.c.role) == MemberRole.member,
        )
    )
    by_preferred = rows.join(users, users.c.id == members.c.user_id).join(
        wanted, wanted.c.id == users.c._preferred_address_id
    )
    if linked:
        by_preferred = by_preferred.where(wanted.c.user_id == users.c.id)
    by_address = rows.join(wanted, wanted.c.id == members.c.address_id)
    # At once, as one by one takes three times as long.
    return store().execute(by_preferred.union_all(by_address)).all()


@dataclass(frozen=True)
class Meaning:
    """What a token is about: a list, an address, and who gets the list there."""

    outcome: Outcome
    mlist: Any = None
    email: str = ''
    members: tuple[Any, ...] = ()
    kind: Kind = Kind.old

    def left(self, outcome: Outcome | None = None) -> Left:
        """Without the rows of the database; what came of it, if that is more."""
        if self.mlist is None:
            return Left(self.outcome)
        whose = {member.address.email for member in self.members if member.address}
        return Left(
            outcome or self.outcome,
            self.mlist.fqdn_listname,
            self.mlist.display_name,
            tuple(sorted({shortened(one) for one in whose or {self.email}})),
        )


def describe(token: str) -> Left:
    """What a token would do."""
    return look_up(token, LEAVING).left()


def leave(token: str, *, route: str, confirmed: bool = False) -> Left:
    """Leave the list that the token's message came from.

    At once with the token of a header; with that of a footer, and an old one, only
    where its reader has confirmed that.  An old one may have been a header's, whose
    reader pressed a button and sees no page, and so they are asked by mail.

    Who left and joined again, or changed the address, leaves all the same: the token's
    member goes, and whoever gets the list's mail at the token's address.  Again is
    harmless.

    :param token: The token.
    :param route: By what way it came, for the log.
    :param confirmed: Whether somebody saw whose subscription it is, and confirmed.
    """
    meaning = look_up(token, LEAVING)
    if meaning.outcome is not Outcome.subscribed:
        return meaning.left()
    if not features_of(meaning.mlist).style:
        asked = leave_policy.ask(meaning.mlist, meaning.members)
        outcome = _ASKED.get(asked, meaning.outcome)
        log.info(
            '%s: %s asks to leave by a link (%s): %s',
            meaning.mlist.list_id,
            meaning.email,
            route,
            outcome.value,
        )
        return meaning.left(outcome)
    if not (confirmed or meaning.kind is Kind.header):
        if meaning.kind is not Kind.old:
            return meaning.left()
        leaving.request(meaning.mlist, meaning.email, route=route)
        return meaning.left(Outcome.asked)
    left = meaning.left(Outcome.left)
    with recorded_as(f'link ({route}): {meaning.email}'):
        leaving.end(meaning.mlist, meaning.members)
    log.info('%s: %s left by a link (%s)', meaning.mlist.list_id, meaning.email, route)
    return left


def look_up(token: str, kinds: Collection[Kind]) -> Meaning:
    """What a token is about.

    :param kinds: Those that count here; any other is unknown.
    """
    claim = decode(token)
    if claim is None or claim.kind not in kinds:
        return Meaning(Outcome.unknown)
    try:
        key = keys.verifying(claim.key)
    except LookupError:
        return Meaning(Outcome.unknown)
    if key is None:
        return Meaning(Outcome.gone)
    mlist = store().get(MailingList, claim.list_row)
    email = store().scalar(select(Address.email).where(Address.id == claim.address_row))
    if (
        mlist is None
        or email is None
        or not is_signed(token, key.secret, mlist.list_id, email)
    ):
        return Meaning(Outcome.unknown)
    if _too_old(claim):
        return Meaning(Outcome.gone)
    found = _members_of(mlist.list_id, claim)
    outcome = Outcome.subscribed if found else Outcome.not_subscribed
    return Meaning(outcome, mlist, email, found, claim.kind)


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
