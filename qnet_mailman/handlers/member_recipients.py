# SPDX-License-Identifier: GPL-3.0-or-later
"""The handler `qnet-member-recipients`: who gets a post at once."""

from __future__ import annotations

from typing import Any

from mailman.interfaces.handler import IHandler
from public import public
from zope.interface import implementer

from qnet_mailman.lists.closing import ANNOUNCEMENT
from qnet_mailman.mlist import Mlist
from qnet_mailman.mta.recipients import regular_recipients


@public
@implementer(IHandler)
class MemberRecipients:
    """Mailman's `member-recipients`, in a constant number of SQL statements.

    Mailman fails on a post with the header field ``Urgent``, which it once obeyed: it
    means nothing here.
    """

    name = 'qnet-member-recipients'
    description = 'Find the regular recipients of a post.'

    def process(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        """See `IHandler`."""
        if 'recipients' in msgdata:
            return
        recipients = regular_recipients(mlist, with_digests=ANNOUNCEMENT in msgdata)
        sender = msg.sender.lower()
        if any(one.lower() == sender for one in recipients):
            author = mlist.members.get_member(sender)
            if author is not None and not author.receive_own_postings:
                recipients.discard(author.address.original_email)
        msgdata['recipients'] = recipients
