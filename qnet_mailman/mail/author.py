# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a post claims to be from: its From field and nothing else (R6).

Two parsers of the standard library must agree on the field.  Where they differ,
or where it is missing, doubled or names several people, nobody is the
author: what a mail server vouched for might not be what we would read.
"""

from __future__ import annotations

import email.message
import email.policy
import email.utils
import re
from dataclasses import dataclass
from email.header import Header

_ADDR_SPEC = re.compile(r'[^\s@<>,;:"()\[\]\\]+@[^\s@<>,;:"()\[\]\\]+')
_MAX_FIELD = 10_000


@dataclass(frozen=True)
class Author:
    """What a From field says.

    :ivar address: The one author's address, in lower case; None if there is not
        exactly one.
    :ivar name: Their display name, decoded; may be empty.
    :ivar claimed: Every address in any From field, in lower case.
    """

    address: str | None
    name: str
    claimed: tuple[str, ...]


NOBODY = Author(None, '', ())


def _raw(value: str | Header) -> str:
    text = value if isinstance(value, str) else str(value)
    return ' '.join(text.split())


def author_of(msg: email.message.Message) -> Author:
    """Read who a post claims to be from.

    :param msg: The post.
    :return: The author, `NOBODY` where there is none.  Never raises.
    """
    fields = [_raw(value) for value in msg.get_all('from', [])]
    if any(len(field) > _MAX_FIELD for field in fields):
        return NOBODY
    claimed = tuple(
        dict.fromkeys(
            address.lower()
            for _, address in _getaddresses(fields)
            if _ADDR_SPEC.fullmatch(address) and address.isprintable()
        )
    )
    if len(fields) != 1:
        return Author(None, '', claimed)
    (field,) = fields
    pairs = [pair for pair in _getaddresses(fields) if pair != ('', '')]
    if len(pairs) != 1 or len(claimed) != 1:
        return Author(None, '', claimed)
    strict = _strict(field)
    if strict is None or strict[1].lower() != claimed[0]:
        return Author(None, '', claimed)
    return Author(claimed[0], strict[0], claimed)


def _getaddresses(fields: list[str]) -> list[tuple[str, str]]:
    try:
        return email.utils.getaddresses(fields)
    except Exception:
        # The parser has raised IndexError and others on hostile fields.
        return []


def _strict(field: str) -> tuple[str, str] | None:
    try:
        header = email.policy.default.header_factory('From', field)
        addresses = header.addresses
        # A group's name is not a person's, whoever is in it (RFC 6854 section 4).
        if len(addresses) != 1 or any(
            g.display_name is not None for g in header.groups
        ):
            return None
        return addresses[0].display_name, addresses[0].addr_spec
    except Exception:
        return None
