# SPDX-License-Identifier: GPL-3.0-or-later
"""The handler `qnet-support-recipients`: mail to the administrators is not lost.

A list can lose its last administrator with their role (R24).  Mailman would then send
mail for its owners to the moderators alone, and its own notices to nobody.
"""

from __future__ import annotations

from email.utils import parseaddr
from typing import Any

from mailman.interfaces.handler import IHandler
from public import public
from zope.interface import implementer

from qnet_mailman import site
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.lists import row_of


@public
@implementer(IHandler)
class SupportRecipients:
    """Add the support address where a message is for administrators who are not there.

    Moderators get it as well, as they do from Mailman.
    """

    name = 'qnet-support-recipients'
    description = 'Send mail for the administrators of a list without any to support.'

    def process(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        """See `IHandler`."""
        if not _is_for_owners(mlist, msg, msgdata) or row_of(mlist) is None:
            return
        if mlist.owners.member_count:
            return
        there = msgdata.get('recipients') or ()
        if not mlist.moderators.member_count:
            # Mailman has named the site owner, for want of anybody.
            there = ()
        msgdata['recipients'] = {*there, site.settings().support_address}


def _is_for_owners(mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool:
    """Whether a message came to the -owner address, or is a notice for a roster.

    Mailman's notices for a roster say in To that they are for the -owner address, and
    go to the people themselves.  One that goes to that address comes back.
    """
    if msgdata.get('to_owner'):
        return True
    to = parseaddr(str(msg.get('to', '')))[1].lower()
    return to == mlist.owner_address.lower() and mlist.owner_address not in (
        msgdata.get('recipients') or ()
    )
