# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule `qnet-standing`: who wrote the post, and what they are to the list."""

from __future__ import annotations

from typing import Any

from mailman.interfaces.rules import IRule
from public import public
from zope.interface import implementer

from qnet_mailman.mail.author import author_of
from qnet_mailman.mlist import Mlist
from qnet_mailman.posting.standing import identify


@public
@implementer(IRule)
class Standing:
    """Never match; leave what was found for the rules that follow.

    In the message's metadata, `qnet_author` is the author's address or None,
    `qnet_standing` a `posting.decision.Standing`, `qnet_personal` the
    moderation action for this person.
    """

    name = 'qnet-standing'
    description = 'Find out who wrote a post.'
    record = False

    def check(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool:
        """See `IRule`."""
        person = identify(mlist, author_of(msg).address)
        msgdata['qnet_author'] = person.email
        msgdata['qnet_standing'] = person.standing.value
        msgdata['qnet_personal'] = person.personal and person.personal.value
        return False
