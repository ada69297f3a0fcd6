# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to the membership for which a link in a message stands (R15, R39)."""

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
    :ivar whose: The address whose subscription it ends, shortened; rarely several.
    :ivar asks: Whether its reader is a member, and may leave.
    :ivar left: Whether they have left now.
    :ivar was_asked: Whether they were asked by mail, and leave by the answer alone.
    :ivar waits: Whether a moderator of the list decides.
    """

    outcome: Outcome
    name: str = ''
    posting_address: str = ''
    whose: str = ''
    asks: bool = False
    left: bool = False
    was_asked: bool = False
    waits: bool = False


def describe(token: str) -> Leaving:
    """What would happen.

    :param token: The token in the link.
    """
    return _ask('unsubscribe/describe', token)


def leave(token: str, *, confirmed: bool) -> Leaving:
    """Let the reader leave, if the link does that or its page was answered.

    :param token: The token in the link.
    :param confirmed: Whether the button of the page was pressed.
    """
    return _ask('unsubscribe', token, **({'confirmed': 'yes'} if confirmed else {}))


def _ask(path: str, token: str, **more: str) -> Leaving:
    try:
        answer = core.post_token(path, token, **more)
    except core.CoreUnavailable:
        return Leaving(Outcome.UNAVAILABLE)
    if answer.status == 410:
        return Leaving(Outcome.TOO_OLD)
    if answer.status != 200:
        return Leaving(Outcome.UNKNOWN)
    posting_address = str(answer.fields.get('fqdn_listname', ''))
    outcome = answer.fields.get('outcome')
    return Leaving(
        Outcome.KNOWN,
        str(answer.fields.get('display_name') or posting_address),
        posting_address,
        ', '.join(map(str, answer.fields.get('whose', []))),
        answer.fields.get('subscribed') is True or outcome in ('subscribed', 'asked'),
        outcome == 'left',
        outcome == 'to confirm',
        outcome == 'waits',
    )
