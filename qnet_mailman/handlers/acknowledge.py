# SPDX-License-Identifier: GPL-3.0-or-later
"""The handler `qnet-acknowledge`: members who want to hear that their post is out."""

from __future__ import annotations

from typing import Any

from mailman.handlers import acknowledge as stock
from public import public

from qnet_mailman.mail.author import author_of
from qnet_mailman.mlist import Mlist
from qnet_mailman.posting import backscatter


@public
class Acknowledge(stock.Acknowledge):
    """Mailman's own, for members whom nobody has made to write.

    Whoever posts in the name of such a member makes us write to them.
    """

    name = 'qnet-acknowledge'
    description = 'Acknowledge a post, within the limits for mail that strangers cause.'

    def process(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        """See `IHandler`."""
        author = author_of(msg).address
        member = None if author is None else mlist.members.get_member(author)
        if (
            author is None
            or member is None
            or not member.acknowledge_posts
            or not backscatter.mail_allowed(author, msg)
        ):
            return
        seen = {**msgdata, 'original_sender': author}
        if not backscatter.is_proven(msg, author):
            seen['origsubj'] = '(not shown here)'
        super().process(mlist, msg, seen)
