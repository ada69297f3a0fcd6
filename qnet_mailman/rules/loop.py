# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule `qnet-loop`: the post has been through this list before."""

from __future__ import annotations

from typing import Any

from mailman.interfaces.rules import IRule
from public import public
from zope.interface import implementer

from qnet_mailman.mlist import Mlist
from qnet_mailman.posting import trace


@public
@implementer(IRule)
class Loop:
    """Match posts that carry this list's own List-Id (RFC 2919) or mark.

    Mailman's `loop` looks at List-Post, which says NO on a notification list.  The mark
    (:mod:`qnet_mailman.posting.trace`) survives other lists, which replace List-Id.
    Whatever has come over too many hops ends, too.
    """

    name = 'qnet-loop'
    description = 'Match posts that come back to the list.'
    record = True

    def check(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool:
        """See `IRule`."""
        passed = trace.read(msg)
        if trace.has_passed(passed, mlist.list_id):
            msgdata['moderation_reasons'] = ['The post has been through this list']
            msgdata['qnet_loop'] = True
            return True
        if passed.hops + trace.servers(msg) > trace.MAX_HOPS:
            msgdata['moderation_reasons'] = [
                f'The post has come over more than {trace.MAX_HOPS} lists and servers'
            ]
            # Without a mark of ours, anybody could have written so many fields.
            msgdata['qnet_loop'] = passed.hops > 0
            return True
        marker = f'<{mlist.list_id}>'.lower()
        for value in msg.get_all('list-id', []):
            if marker in ''.join(str(value).lower().split()):
                msgdata['moderation_reasons'] = ['The post comes back to the list']
                return True
        return False
