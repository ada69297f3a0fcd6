# SPDX-License-Identifier: GPL-3.0-or-later
"""The link of a warning: "send to me again" (R19, R22).

Whoever presses the button of its page has read the mailbox, and needs no account.  The
link holds a token as those do with which one leaves (:mod:`..subscriptions.one_click`),
of a kind of its own: it ends nothing, and those turn nothing on.  It does what an
administrator's button does: delivery is on, and the score begins again from zero.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mailman.interfaces.member import DeliveryStatus

from qnet_mailman.bounces import table
from qnet_mailman.mail.addresses import shortened
from qnet_mailman.model import audit
from qnet_mailman.subscriptions import one_click
from qnet_mailman.subscriptions.one_click import Kind, Meaning

log = logging.getLogger('mailman.bounce')


class Outcome(StrEnum):
    """What a token does, or did."""

    stopped = 'stopped'
    """Delivery is stopped for bounces, and could be turned on."""
    turned_on = 'turned on'
    not_stopped = 'not stopped'
    """Its reader is a member whose delivery bounces have not stopped (any more)."""
    not_subscribed = 'not subscribed'
    unknown = 'unknown'
    gone = 'gone'
    """It is too old, or its key was taken back."""


@dataclass(frozen=True)
class Again:
    """What came of a token; the list where it is known.

    :ivar whose: The address that gets the list's mail, shortened.
    """

    outcome: Outcome
    fqdn_listname: str = ''
    display_name: str = ''
    whose: str = ''


def describe(token: str) -> Again:
    """What a token would do; changes nothing."""
    meaning = one_click.look_up(token, {Kind.again})
    return _answer(meaning, Outcome.stopped if _stopped(meaning) else None)


def send_again(token: str) -> Again:
    """Turn delivery on again, where bounces have stopped it; again is harmless.

    Part of the caller's transaction; does not commit.
    """
    meaning = one_click.look_up(token, {Kind.again})
    turned_on = False
    for member in _stopped(meaning):
        email = table.enable(meaning.mlist, member.member_id)
        if email is None:
            continue
        turned_on = True
        audit.record(
            audit.Action.delivery_enabled,
            meaning.mlist.list_id,
            email,
            actor=email,
            route='link of the warning',
        )
        log.info('%s: %s has mail sent again', meaning.mlist.list_id, email)
    return _answer(meaning, Outcome.turned_on if turned_on else None)


def _stopped(meaning: Meaning) -> list[Any]:
    """The members whose delivery bounces have stopped."""
    return [
        member
        for member in meaning.members
        if member.address is not None
        and member.preferences.delivery_status is DeliveryStatus.by_bounces
    ]


def _answer(meaning: Meaning, outcome: Outcome | None) -> Again:
    if meaning.mlist is None:
        return Again(Outcome(meaning.outcome.value))
    if outcome is None:
        outcome = Outcome.not_stopped if meaning.members else Outcome.not_subscribed
    return Again(
        outcome,
        meaning.mlist.fqdn_listname,
        meaning.mlist.display_name,
        shortened(meaning.email),
    )
