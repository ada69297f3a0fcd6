# SPDX-License-Identifier: GPL-3.0-or-later
"""Received fields (RFC 5321 section 4.4) of our own mail servers.

Only what such a server found out itself is read; the name with which a client greeted
(HELO) is the client's choice, as is everything in a field further down.
"""

from __future__ import annotations

import ipaddress
import re

_BY = re.compile(r'(?:^|\s)by\s+([^\s;()]+)', re.IGNORECASE)
_ADDRESS = re.compile(r'\[(?:IPv6:)?([0-9a-f.:]+)\]', re.IGNORECASE)
# "helo (name [address])" of Postfix and Sendmail, "name ([address] helo=...)" of Exim.
_NAME = re.compile(r'\(([^\s()\[\]]+) \[|^\s*from\s+([^\s()\[\]]+)\s+\(\[', re.I)
_MAX = 4_000
"""Characters; a greeting has 255 at most (RFC 5321 section 4.5.3.1)."""


def by_host(field: str) -> str:
    """The server that wrote a field, in lower case; empty where it names none."""
    return _split(field)[1]


def is_from(field: str, server: str) -> bool:
    """Whether a field does not speak against its message having come from a server.

    :param server: The name of one of our own, in lower case.
    :return: True where the client has an address that is not one of the Internet's,
        where its address belongs to that name, and where the field tells no address.
    """
    client = _split(field)[0]
    addresses = _ADDRESS.findall(client)
    # A greeting may be an address, too: all must be ours.
    if not any(_is_global(address) for address in addresses):
        return True
    name = _NAME.search(client)
    return name is not None and (name[1] or name[2]).lower() == server


def _split(field: str) -> tuple[str, str]:
    """The part about the client, and the server's name."""
    field = field[:_MAX]
    # A client may greet with "x by y".
    found = list(_BY.finditer(field))
    if not found:
        return field, ''
    return field[: found[-1].start()], found[-1][1].lower()


def _is_global(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return True
