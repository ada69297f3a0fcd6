# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule `qnet-unsubscribe`: the post asks to leave the list (R14)."""

from __future__ import annotations

from typing import Any

from mailman.interfaces.rules import IRule
from public import public
from zope.interface import implementer

from qnet_mailman.mlist import Mlist
from qnet_mailman.subscriptions.subject import is_unsubscribe


@public
@implementer(IRule)
class Unsubscribe:
    """Match posts with the subject `Unsubscribe`, whoever wrote them."""

    name = 'qnet-unsubscribe'
    description = 'Match posts with the subject Unsubscribe.'
    record = True

    def check(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool:
        """See `IRule`."""
        return is_unsubscribe(msg['subject'], mlist.subject_prefix)
