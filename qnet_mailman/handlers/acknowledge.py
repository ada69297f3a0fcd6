# SPDX-License-Identifier: GPL-3.0-or-later
"""The handler `qnet-acknowledge`: members who want to hear that their post is out."""

from __future__ import annotations

from typing import Any

from mailman.core.i18n import _
from mailman.handlers import acknowledge as stock
from public import public

from qnet_mailman.mail.author import author_of
from qnet_mailman.mlist import Mlist
from qnet_mailman.posting import backscatter
from qnet_mailman.queues.handover import later


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
        if author is None or member is None or not member.acknowledge_posts:
            return
        proven = backscatter.is_proven(msg, author)
        subject = (
            msg.get('subject', _('(no subject)')) if proven else '(not shown here)'
        )
        seen = {**msgdata, 'original_sender': author, 'origsubj': subject}

        def send() -> None:
            if backscatter.mail_allowed(author, proven=proven):
                # All that it reads of the post is in the metadata.
                super(Acknowledge, self).process(mlist, msg, seen)

        later(send)
