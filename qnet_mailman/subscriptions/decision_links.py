# SPDX-License-Identifier: GPL-3.0-or-later
"""The links with which moderators decide, each its reader's own (R35).

Who decided goes into the audit log, and whether they may is looked up when they do, so
that a link has to say whose it is.  Its token is 40 bytes, written as 64 characters of
base32 (RFC 4648 section 6), whose case does not matter::

    kind (1)  key (2)  address (4)  pending (20)  HMAC (13)

*Kind* is always the same, and lets a token be known by its first letters.  *Address* is
Mailman's row of the reader's address, *pending* the token of what waits for the
decision, and the HMAC (SHA-256, cut to 104 bits) is over these and the address itself,
with a key of :mod:`qnet_mailman.model.keys`.  The link is worth nothing once the
pending is spent, expired, or its key taken back.
"""

from __future__ import annotations

import base64
import hmac
import re
import struct
from collections.abc import Collection, Iterable

from mailman.model.address import Address
from sqlalchemy import select

from qnet_mailman import site
from qnet_mailman.model import keys
from qnet_mailman.model.base import store
from qnet_mailman.model.statements import chunks

_FORMAT = struct.Struct('>BHI20s')
_KIND = 0xD3
_HMAC_BYTES = 13
FORM = re.compile(r'(2)(?=([M-Pm-p][A-Za-z2-7]{62}))')
"""A token within a text."""
_TOKEN = re.compile(r'2[M-Pm-p][A-Za-z2-7]{62}')
# The largest row id of PostgreSQL's Integer.
_MAX_ROW = 2**31 - 1


def links(
    pendings: Iterable[str], emails: Collection[str]
) -> dict[tuple[str, str], str]:
    """The links to the page where people decide, by address and pending.

    :param pendings: The tokens of what waits.
    :param emails: In lower case.
    :return: Empty without a web side.
    """
    web_url = site.settings().web_url
    if web_url is None or not emails:
        return {}
    key = keys.signing()
    query = select(Address.id, Address.email).where(Address.email.in_(emails))
    rows = store().execute(query).all()
    return {
        (email, pending): f'{web_url}/decide/{encode(pending, row, email, key)}/'
        for pending in pendings
        for row, email in rows
    }


def encode(pending: str, address_row: int, email: str, key: keys.Key) -> str:
    """Write a token."""
    body = _FORMAT.pack(_KIND, key.id, address_row, bytes.fromhex(pending))
    signed = body + _signature(body, email, key.secret)
    return base64.b32encode(signed).decode('ascii').lower()


def read(token: str) -> tuple[str, str] | None:
    """What a token is for, and whose it is: a pending's token, and an address.

    :return: None where we did not make it, or its key was taken back.
    """
    return made_here([token]).get(token)


def made_here(tokens: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Those of some texts that are tokens of ours, as `read` has them.

    A few statements for any number of them.
    """
    claims = {}
    for token in filter(_TOKEN.fullmatch, tokens):
        data = base64.b32decode(token.upper())
        _kind, key_id, address_row, pending = _FORMAT.unpack_from(data)
        if address_row <= _MAX_ROW:
            claims[token] = (data, key_id, address_row, pending.hex())
    if not claims:
        return {}
    wanted = {key_id for _, key_id, _, _ in claims.values()}
    ring = {
        key_id: keys.verifying(key_id)
        for key_id, _, _ in keys.all_keys()
        if key_id in wanted
    }
    emails: dict[int, str] = {}
    # Who invents tokens is to cost as little as the number of our keys.
    named = {row for _, key_id, row, _ in claims.values() if ring.get(key_id)}
    for rows in chunks(named):
        query = select(Address.id, Address.email).where(Address.id.in_(rows))
        emails.update(row._tuple() for row in store().execute(query))
    found = {}
    for token, (data, key_id, address_row, pending) in claims.items():
        key, email = ring.get(key_id), emails.get(address_row)
        if key is None or email is None:
            continue
        body, signature = data[: _FORMAT.size], data[_FORMAT.size :]
        if hmac.compare_digest(signature, _signature(body, email, key.secret)):
            found[token] = (pending, email)
    return found


def _signature(body: bytes, email: str, secret: bytes) -> bytes:
    # The same keys sign other things.
    whole = b'qnet-decision\0' + body + email.encode()
    return hmac.digest(secret, whole, 'sha256')[:_HMAC_BYTES]
