# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens that are sent to people: Mailman's pendings, with tokens that are secret.

Mailman makes tokens from the clock and a generator that is not meant for secrets,
and takes expired ones until they are evicted.

Of a token that was used only a digest stays for a while, so that whoever has the link
still can be told that it has done its work.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import timedelta
from typing import Any

from mailman.interfaces.pending import IPendable, IPendings
from mailman.model.pending import Pended
from mailman.utilities.datetime import now
from sqlalchemy import select
from zope.component import getUtility
from zope.interface import implementer

from qnet_mailman.model.base import store

TOKEN_BYTES = 20
"""As long as Mailman's own tokens: 40 hexadecimal digits, so that the address of
a reply keeps to the 64 characters of RFC 5321 section 4.5.3.1.1 for most lists."""


USED = 'qnet used'
"""The type of what stays of a token that was used."""


@implementer(IPendable)
class _Used(dict[str, Any]):
    PEND_TYPE = USED


def pend(pendable: Any, lifetime: timedelta | None = None) -> str:
    """Make a pending.

    :param pendable: What it stands for; an `IPendable`.
    :param lifetime: How long it is good; Mailman's setting if not given.
    :return: Its token: 160 random bits.
    """
    token = getUtility(IPendings).add(pendable, lifetime=lifetime)
    pended = store().scalars(select(Pended).where(Pended.token == token)).one()
    pended.token = secrets.token_hex(TOKEN_BYTES)
    return pended.token


def look_up(token: str) -> dict[str, Any] | None:
    """What a token stands for; None where there is none, or it expired."""
    if re.fullmatch(r'[0-9a-f]{40}', token) is None:
        return None
    valid = store().scalar(
        select(Pended.id).where(Pended.token == token, Pended.expiration_date >= now())
    )
    if valid is None:
        return None
    return getUtility(IPendings).confirm(token, expunge=False)


def spend(token: str) -> None:
    """Let a token stand for nothing from now on."""
    getUtility(IPendings).confirm(token)


def use(token: str, remembered: timedelta) -> None:
    """Spend a token, and remember that it was used.

    :param remembered: For how long.
    """
    spend(token)
    used = getUtility(IPendings).add(_Used(), lifetime=remembered)
    pended = store().scalars(select(Pended).where(Pended.token == used)).one()
    pended.token = _digest(token)


def was_used(token: str) -> bool:
    """Whether a token was used not long ago."""
    found = look_up(_digest(token))
    return found is not None and found.get('type') == USED


def _digest(token: str) -> str:
    digits = hashlib.sha256(b'used ' + token.encode('utf-8', 'replace')).hexdigest()
    return digits[: 2 * TOKEN_BYTES]
