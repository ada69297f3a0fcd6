# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule `qnet-banned`: somebody in From is banned."""

from __future__ import annotations

from typing import Any

from mailman.interfaces.rules import IRule
from public import public
from zope.interface import implementer

from qnet_mailman.mail.author import author_of
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.bans import bans_on, is_banned


@public
@implementer(IRule)
class Banned:
    """Match posts that name a banned address in From, alone or among others."""

    name = 'qnet-banned'
    description = 'Match posts from banned addresses.'
    record = True

    def check(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool:
        """See `IRule`."""
        bans = bans_on(mlist.list_id)
        for address in author_of(msg).claimed:
            if is_banned(address, bans):
                msgdata['moderation_reasons'] = [f'{address} is banned']
                return True
        return False
