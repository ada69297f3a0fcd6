# SPDX-License-Identifier: GPL-3.0-or-later
"""Who acts, as the web side tells core with each request (R31): pure, known to both.

Core's REST server has one password, which scripts have, too.  So that none of them can
say that somebody else acts, the web side signs the name with the key that only it and
core have: the archiver's (`MAILMAN_ARCHIVER_KEY` there, `api_key` here).
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import quote, unquote, urlsplit

FIELD = 'X-QNet-Actor'
"""The header field."""
LIFETIME = 300
"""Seconds for which it counts, before and after: the hosts' clocks may differ."""

_PURPOSE = b'qnet-mailer: the web side says who acts'


def sign(key: str, method: str, url: str, actor: str, moment: float) -> str:
    """The field's value, for one request.

    :param url: Of the resource, with whatever is before and behind its path.
    :param actor: As the audit log is to name them.
    :param moment: Now, in seconds since 1970.
    """
    name, second = quote(actor, safe='@:'), str(int(moment))
    path = unquote(urlsplit(url).path)
    return f'{name} {second} {_digest(key, method, path, name, second)}'


def actor_of(key: str, method: str, path: str, value: str, moment: float) -> str | None:
    """Who acts; None where the field does not prove it.

    :param path: Of the resource, decoded.
    :param value: Of the field.
    """
    match value.split(' '):
        case [name, second, digest] if key and second.isascii() and second.isdecimal():
            right = _digest(key, method, path, name, second)
            in_time = abs(int(second[:12]) - moment) <= LIFETIME
            if in_time and hmac.compare_digest(right.encode(), digest.encode()):
                return unquote(name)
    return None


def _digest(key: str, *facts: str) -> str:
    own = hmac.digest(key.encode(), _PURPOSE, 'sha256')
    text = '\n'.join(facts).encode('utf-8', 'surrogateescape')
    return hmac.new(own, text, hashlib.sha256).hexdigest()
