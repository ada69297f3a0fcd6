# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether mail is shown to come from the domain in its From field (R6).

Authentication-Results (RFC 8601) are the word of the server that wrote them, and
anybody can write them: only fields of a *trusted* authserv-id count, and of these
only the ones that the trusted server put on top of the message when it
arrived last.  That server must remove fields with its own name from incoming mail
(RFC 8601 section 5).

What counts: a DMARC pass for the author's domain, or a DKIM or SPF pass for an
aligned one (RFC 7489 section 3.1: the same organizational domain).
"""

from __future__ import annotations

import email.message
from collections.abc import Collection, Iterator
from typing import Any

import authres
from publicsuffix2 import get_sld

_MAX_FIELD = 20_000


def shown_by(
    msg: email.message.Message, address: str, trusted: Collection[str]
) -> str | None:
    """Say by what a post is shown to come from its author's domain.

    :param msg: The post.
    :param address: The author's address.
    :param trusted: authserv-ids, in lower case, of servers to be believed.
    :return: A few words such as ``dkim=pass (example.gov)``; None if nothing
        shows it.
    """
    domain = address.rpartition('@')[2].lower()
    for result in _trusted_results(msg, trusted):
        if str(result.result).lower() != 'pass':
            continue
        for vouched in _domains(result):
            if _aligned(vouched, domain, exact=result.method.lower() == 'dmarc'):
                return f'{result.method.lower()}=pass ({vouched})'
    return None


def _trusted_results(
    msg: email.message.Message, trusted: Collection[str]
) -> Iterator[Any]:
    # Fields are added on top, so that everything below the first Received field
    # after the first trusted one was there before the trusted server saw it.
    found = False
    for name, value in msg.items():
        lowered = name.lower()
        if lowered == 'received' and found:
            return
        if lowered != 'authentication-results' or len(str(value)) > _MAX_FIELD:
            continue
        try:
            header = authres.AuthenticationResultsHeader.parse_value(str(value))
        except Exception:
            # Garbage vouches for nothing; the parser raises more than its own.
            continue
        if str(header.authserv_id).lower() in trusted:
            found = True
            yield from header.results


def _domains(result: Any) -> Iterator[str]:
    method = result.method.lower()
    wanted = {
        'dmarc': {('header', 'from')},
        'dkim': {('header', 'd'), ('header', 'i')},
        'spf': {('smtp', 'mailfrom')},
    }.get(method, set())
    for prop in result.properties:
        if (str(prop.type).lower(), str(prop.name).lower()) in wanted:
            value = str(prop.value).strip().strip('<>"').lower()
            yield value.rpartition('@')[2].rstrip('.')


def _aligned(vouched: str, domain: str, *, exact: bool) -> bool:
    if not vouched or not domain:
        return False
    if vouched == domain:
        return True
    if exact:
        return False
    ours = get_sld(domain, strict=True)
    return ours is not None and ours == get_sld(vouched, strict=True)
