# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the membership for which a link in a mail stands (R15, R22, R39)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

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


@dataclass(frozen=True)
class Again:
    """What core says of a link in a warning.

    :ivar outcome: Whether the link is good for anything.
    :ivar name: The list's display name.
    :ivar posting_address: The list's posting address.
    :ivar whose: The address that gets the list's mail, shortened.
    :ivar what: In core's words: ``stopped``, ``turned on``, ``not stopped``,
        ``not subscribed``.
    """

    outcome: Outcome
    name: str = ''
    posting_address: str = ''
    whose: str = ''
    what: str = ''


def may_be_sent_again(token: str) -> Again:
    """What would happen.

    :param token: The token in the link.
    """
    return _again('send-again/describe', token)


def send_again(token: str) -> Again:
    """Have the list's mail sent again, where bounces have stopped it.

    :param token: The token in the link.
    """
    return _again('send-again', token)


def _again(path: str, token: str) -> Again:
    outcome, fields = _answer(path, token)
    posting_address = str(fields.get('fqdn_listname', ''))
    return Again(
        outcome,
        str(fields.get('display_name') or posting_address),
        posting_address,
        str(fields.get('whose', '')),
        str(fields.get('outcome', '')),
    )


def _answer(path: str, token: str, **more: str) -> tuple[Outcome, Mapping[str, Any]]:
    """Ask core what a link is good for, and what it says."""
    try:
        answer = core.post_token(path, token, **more)
    except core.CoreUnavailable:
        return Outcome.UNAVAILABLE, {}
    if answer.status == 200:
        return Outcome.KNOWN, answer.fields
    return (Outcome.TOO_OLD if answer.status == 410 else Outcome.UNKNOWN), {}


def _ask(path: str, token: str, **more: str) -> Leaving:
    outcome, fields = _answer(path, token, **more)
    if outcome is not Outcome.KNOWN:
        return Leaving(outcome)
    posting_address = str(fields.get('fqdn_listname', ''))
    what = fields.get('outcome')
    return Leaving(
        Outcome.KNOWN,
        str(fields.get('display_name') or posting_address),
        posting_address,
        ', '.join(map(str, fields.get('whose', []))),
        fields.get('subscribed') is True or what in ('subscribed', 'asked'),
        what == 'left',
        what == 'to confirm',
        what == 'waits',
    )
