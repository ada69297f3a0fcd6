# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule `qnet-wish-to-leave`: the post may be meant to leave the list (R14)."""

from __future__ import annotations

from typing import Any

from mailman.interfaces.rules import IRule
from public import public
from zope.interface import implementer

from qnet_mailman.mlist import Mlist
from qnet_mailman.model.lists import type_of
from qnet_mailman.subscriptions.wishes import wishes_to_leave
from qnet_mailman.values import ListType


@public
@implementer(IRule)
class WishToLeave:
    """Match posts to a discussion that ask to leave it, whoever wrote them.

    What people with posting privileges write to a list for notifications may tell
    its subscribers how to leave.
    """

    name = 'qnet-wish-to-leave'
    description = 'Match posts that may be meant to leave the list.'
    record = True

    def check(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool:
        """See `IRule`."""
        if type_of(mlist) is not ListType.discussion or not wishes_to_leave(mlist, msg):
            return False
        msgdata['moderation_sender'] = msgdata.get('qnet_author') or ''
        msgdata.setdefault('moderation_reasons', []).append(
            'The message looks like a request to leave the list.'
        )
        return True
