# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that we hand out and act on when they come back (R35).

Each list domain has two, whose extension is what we handed out::

    bounces+TOKEN@lists.example.gov     the envelope sender of a copy
    confirm+TOKEN@lists.example.gov     where a question is answered

No name of a list or a member is in them, so that the local part keeps to the 64 octets
of RFC 5321 section 4.5.3.1.1 whatever those are: it has 56.  Tokens are of letters and
digits whose case does not matter.

The token of an envelope sender is 30 bytes in base32 (RFC 4648 section 6)::

    list (4)  key (2)  day (2)  member (4)  membership (4)  post (4)  HMAC (10)

List and member are Mailman's rows.  *Membership* is a hash of the member's id and
address: who left, or changed the address, is not who was written to, though a row of
the database may be used again.  *Post* is a hash of the Message-ID.  The HMAC (SHA-256,
cut to 80 bits) is over all before it, with a key of :mod:`.keys`; checking it takes no
SQL once the key was read.

A confirmation's token is the list's row, in 8 hexadecimal digits, and the pending's own
token (:mod:`.tokens`), which alone is secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from mailman.config import config
from mailman.model.mailinglist import MailingList

from qnet_mailman.mail import base32
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import keys
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import row_of
from qnet_mailman.values import BOUNCES, CONFIRM

NOBODY = 0
"""In place of a member's row: the copy is not to one member."""

_FORMAT = struct.Struct('>IHHI4s4s')
_HMAC_BYTES = 10
_BOUNCE_TOKEN = re.compile(r'[a-z2-7]{48}')
_CONFIRM_TOKEN = re.compile(r'([0-9a-f]{8})([0-9a-f]{40})')
# The largest row id of PostgreSQL's Integer.
_MAX_ROW = 2**31 - 1


class Claim(NamedTuple):
    """What the token of an envelope sender says.

    :ivar list_row: The list.
    :ivar key: The number of the key that signed it.
    :ivar day: The day of sending, in UTC.
    :ivar member_row: The member; `NOBODY` where the copy was not to one.
    :ivar membership: See `membership_of`.
    :ivar post: See `post_of`.
    """

    list_row: int
    key: int
    day: date
    member_row: int
    membership: bytes
    post: bytes


@dataclass(frozen=True)
class Returned:
    """One of our addresses, as it came back; nothing of it is believed yet.

    :ivar name: `BOUNCES` or `CONFIRM`.
    :ivar token: What stands behind the name, in lower case; may be empty.
    :ivar list_row: The list that it says it is of; None where it says none.
    """

    name: str
    domain: str
    token: str
    list_row: int | None

    @property
    def mlist(self) -> Any:
        """The list that it says it is of; None where there is none."""
        if self.list_row is None or not 0 < self.list_row <= _MAX_ROW:
            return None
        return store().get(MailingList, self.list_row)

    @property
    def pending(self) -> str:
        """The token of the pending that is answered; empty where there is none."""
        match = _CONFIRM_TOKEN.fullmatch(self.token)
        return match[2] if self.name == CONFIRM and match is not None else ''


def returned(address: str) -> Returned | None:
    """One of our addresses; None where it is another."""
    local, _, domain = address.lower().rpartition('@')
    if not local.startswith((CONFIRM, BOUNCES)):
        # Most are not, and what follows is dear.
        return None
    name, _, token = local.partition(config.mta.verp_delimiter)
    if name == CONFIRM:
        match = _CONFIRM_TOKEN.fullmatch(token)
        return Returned(name, domain, token, int(match[1], 16) if match else None)
    if name == BOUNCES:
        data = _bytes_of(token)
        row = None if data is None else _FORMAT.unpack_from(data)[0]
        return Returned(name, domain, token, row)
    return None


# ------------------------------------------------------------- confirmations


def confirm_address(mlist: Mlist, token: str) -> str:
    """Where a question is answered; on other lists, Mailman's own address (R40).

    :param token: The pending's.
    """
    if row_of(mlist) is None:
        return str(mlist.confirm_address(token))
    return confirm_address_of_ours(mlist, token)


def confirm_address_of_ours(mlist: Mlist, token: str) -> str:
    """The same of a list that is known to be ours."""
    before, behind = around_token(CONFIRM, mlist.mail_host)
    return f'{before}{mlist.id:08x}{token}{behind}'


def around_token(name: str, domain: str) -> tuple[str, str]:
    """What is before and behind the token of an address."""
    return f'{name}{config.mta.verp_delimiter}', f'@{domain}'


# ----------------------------------------------------------- envelope senders


def membership_of(member_id: UUID, address: str) -> bytes:
    """A membership of somebody at an address: 4 bytes.

    :param address: In lower case.
    """
    whole = member_id.bytes + address.encode()
    return hashlib.sha256(whole).digest()[:4]


def post_of(message_id: object) -> bytes:
    """A post, by its Message-ID: 4 bytes."""
    whole = str(message_id).strip().encode('utf-8', 'surrogateescape')
    return hashlib.sha256(whole).digest()[:4]


def encode(claim: Claim, secret: bytes) -> str:
    """Write a token."""
    return encode_all([claim], secret)[0]


def encode_all(claims: Iterable[Claim], secret: bytes) -> list[str]:
    """Write many tokens, in their order."""
    bodies = [
        _FORMAT.pack(
            list_row, key, (day - keys.EPOCH).days, member_row, membership, post
        )
        for list_row, key, day, member_row, membership, post in claims
    ]
    return base32.encode_all([body + _signature(body, secret) for body in bodies])


def _signature(body: bytes, secret: bytes) -> bytes:
    # The same keys sign other things.
    return keys.signature(secret, b'qnet-bounces\0' + body)[:_HMAC_BYTES]


# LMTP or the runner asks for the list in it first, and then reads all of it.
@lru_cache(maxsize=64)
def _bytes_of(token: str) -> bytes | None:
    if _BOUNCE_TOKEN.fullmatch(token) is None:
        return None
    return base64.b32decode(token.upper())


def key_of(token: str) -> int | None:
    """The number of the key with which a token says that it was signed."""
    data = _bytes_of(token)
    return None if data is None else int(_FORMAT.unpack_from(data)[1])


@dataclass
class Verifier:
    """Reads tokens; the keys are read once, for as long as this is kept."""

    _keys: dict[int, keys.Key | None] = field(default_factory=dict)

    def read(self, token: str) -> Claim | None:
        """What a token says; None where it is not one that we made."""
        data = _bytes_of(token)
        if data is None:
            return None
        body, signature = data[: _FORMAT.size], data[_FORMAT.size :]
        list_row, key_id, days, member_row, membership, post = _FORMAT.unpack(body)
        key = self._key(key_id)
        if key is None or not hmac.compare_digest(
            signature, _signature(body, key.secret)
        ):
            return None
        day = date.fromordinal(keys.EPOCH.toordinal() + days)
        return Claim(list_row, key_id, day, member_row, membership, post)

    def _key(self, key_id: int) -> keys.Key | None:
        if key_id not in self._keys:
            try:
                self._keys[key_id] = keys.verifying(key_id)
            except LookupError:
                self._keys[key_id] = None
        return self._keys[key_id]
