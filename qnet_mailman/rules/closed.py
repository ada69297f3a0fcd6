# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule `qnet-closed`: the list takes no posts any more (R29)."""

from __future__ import annotations

from typing import Any

from mailman.interfaces.rules import IRule
from public import public
from zope.interface import implementer

from qnet_mailman.mlist import Mlist
from qnet_mailman.model.closures import closure_of
from qnet_mailman.posting.decision import CLOSED


@public
@implementer(IRule)
class Closed:
    """Match every post to a list that is closed."""

    name = 'qnet-closed'
    description = 'Match posts to a closed list.'
    record = True

    def check(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool:
        """See `IRule`."""
        if closure_of(mlist.list_id) is None:
            return False
        msgdata['moderation_reasons'] = [CLOSED]
        return True
