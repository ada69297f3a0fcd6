# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose host refused a message, as a report tells it (R36)."""

from __future__ import annotations

import re

from qnet_mailman.bounces.reading.addresses import host_name

# Postfix and Exim, then sendmail, then what Exchange ends its replies with.
_SAID = re.compile(
    r'\bhost ([\w.-]{4,253})\s?(?:\[|\(|said)|\bwhile talking to ([\w.-]{4,253})'
    r'|\[([\w.-]{4,253})[\s\]]',
    re.IGNORECASE,
)


def refusing_host(said: str, remote_mta: str = '') -> str:
    """The host that refused, in lower case, or nothing where none is named.

    :param said: What the report says of the recipient.
    :param remote_mta: The value of ``Remote-MTA`` (RFC 3464 2.3.5).
    """
    named = remote_mta.rpartition(';')[2].split()[:1]
    found = [one for match in _SAID.finditer(said[:3000]) for one in match.groups()]
    for one in (*named, *found):
        if one and (host := host_name(one)):
            return host
    return ''


def provider_of(host: str) -> str:
    """Who runs a host: the domain that is registered, as far as its name tells.

    The last two labels, or three where a country has a second level of its own
    (``mx.example.co.uk`` is of ``example.co.uk``).  No list of public
    suffixes is asked: to take two providers for one needs that both refuse the list.
    """
    labels = host.lower().rstrip('.').split('.')
    second = len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3
    return '.'.join(labels[-3 if second else -2 :])
