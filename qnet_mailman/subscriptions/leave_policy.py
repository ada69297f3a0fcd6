# SPDX-License-Identifier: GPL-3.0-or-later
"""Leaving a list of another style, by what its policy says (R40).

In Mailman's own workflow, with its texts: ``unsubscription_policy`` lets a member go,
asks them by mail, or asks a moderator.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mailman.app.subscriptions import PendableUnsubscription
from mailman.interfaces.mailinglist import SubscriptionPolicy
from mailman.interfaces.pending import IPendings
from mailman.interfaces.subscriptions import ISubscriptionManager, TokenOwner
from zope.component import getUtility

from qnet_mailman.mlist import Mlist
from qnet_mailman.posting import backscatter

_BY_MAIL = (SubscriptionPolicy.confirm, SubscriptionPolicy.confirm_then_moderate)


def ask(mlist: Mlist, members: Iterable[Any]) -> TokenOwner | None:
    """Let members leave, or ask whom the policy names.

    A moderator is asked once.  Mail to a member counts among what anybody may have
    caused, as whoever has seen a copy can ask (:mod:`..posting.backscatter`).

    :return: Who has to answer, of the last of them; None where nothing was done.
    """
    owner: TokenOwner | None = None
    for member in members:
        # A user may have lost the preferred address by which they are subscribed.
        email = '' if member.address is None else member.address.email
        if mlist.unsubscription_policy in _BY_MAIL and not (
            email and backscatter.mail_allowed(email)
        ):
            owner = None
        elif email in _waiting(mlist):
            owner = TokenOwner.moderator
        elif email:
            manager = ISubscriptionManager(mlist)
            _token, owner, _member = manager.unregister(member.subscriber)
    return owner


def _waiting(mlist: Mlist) -> set[str]:
    """The addresses whose leaving waits for a moderator."""
    found = getUtility(IPendings).find(mlist, PendableUnsubscription.PEND_TYPE)
    return {
        pended['email']
        for _token, pended in found
        if pended.get('token_owner') == TokenOwner.moderator.name
    }
