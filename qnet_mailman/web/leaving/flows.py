# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to the membership for which the link in a message stands (R15)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from qnet_mailman.web import core


class Outcome(Enum):
    """What the link is good for; the value is the page's HTTP status."""

    KNOWN = 200
    UNKNOWN = 404
    TOO_OLD = 410
    UNAVAILABLE = 503


@dataclass(frozen=True)
class Leaving:
    """What core says of a link.

    :ivar outcome: Whether the link is good for anything.
    :ivar name: The list's display name.
    :ivar posting_address: The list's posting address.
    :ivar member: Whether the reader is a member: before, where core was asked to
        describe; at the time of the request, where it was asked to remove.
    """

    outcome: Outcome
    name: str = ''
    posting_address: str = ''
    member: bool = False


def describe(token: str) -> Leaving:
    """What would happen.

    :param token: The token in the link.
    """
    return _ask('unsubscribe/describe', token)


def leave(token: str) -> Leaving:
    """Let the reader leave, now.

    :param token: The token in the link.
    """
    return _ask('unsubscribe', token)


def _ask(path: str, token: str) -> Leaving:
    try:
        answer = core.post_token(path, token)
    except core.CoreUnavailable:
        return Leaving(Outcome.UNAVAILABLE)
    if answer.status == 410:
        return Leaving(Outcome.TOO_OLD)
    if answer.status != 200:
        return Leaving(Outcome.UNKNOWN)
    posting_address = str(answer.fields.get('fqdn_listname', ''))
    return Leaving(
        Outcome.KNOWN,
        str(answer.fields.get('display_name') or posting_address),
        posting_address,
        answer.fields.get('subscribed') is True
        or answer.fields.get('outcome') == 'left',
    )
