# SPDX-License-Identifier: GPL-3.0-or-later
"""The handler `qnet-avoid-duplicates`: no second copy for whoever wants none."""

from __future__ import annotations

from typing import Any

from mailman.interfaces.handler import IHandler
from public import public
from zope.interface import implementer

from qnet_mailman.mail.addresses import mailboxes
from qnet_mailman.mlist import Mlist


@public
@implementer(IHandler)
class AvoidDuplicates:
    """Leave out members who are addressed beside the list and asked for one copy.

    As Mailman's `avoid-duplicates`, which fails on a raw 8-bit byte in To or Cc,
    takes everybody it leaves out off Cc, and so tells who reads the list.
    """

    name = 'qnet-avoid-duplicates'
    description = 'Suppress some duplicates of the same message.'

    def process(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        """See `IHandler`."""
        recipients = {one.lower(): one for one in msgdata.get('recipients') or ()}
        addressed = {
            mailbox.address.lower()
            for name in ('to', 'cc', 'resent-to', 'resent-cc')
            for value in msg.get_all(name, [])
            for mailbox in mailboxes(' '.join(str(value).split()))
        }
        for address in recipients.keys() & addressed:
            member = mlist.members.get_member(address)
            if member is not None and not member.receive_list_copy:
                del recipients[address]
        msgdata['recipients'] = set(recipients.values())
