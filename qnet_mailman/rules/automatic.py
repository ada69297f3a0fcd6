# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule `qnet-automatic`: a program wrote the post (R5)."""

from __future__ import annotations

from typing import Any

from mailman.interfaces.rules import IRule
from public import public
from zope.interface import implementer

from qnet_mailman.mail.automatic import automatic, automatic_answer
from qnet_mailman.mlist import Mlist
from qnet_mailman.subscriptions.subject import mentions_unsubscribe


@public
@implementer(IRule)
class Automatic:
    """Match automatic replies and other mail that no person wrote.

    What would ask to leave is read as closely as an answer to our question (R39).
    """

    name = 'qnet-automatic'
    description = 'Match mail that a program wrote.'
    record = True

    def check(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool:
        """See `IRule`."""
        mark = automatic(msg)
        if mark is None and mentions_unsubscribe(msg['subject']):
            mark = automatic_answer(msg)
        if mark is None:
            return False
        msgdata['moderation_reasons'] = [f'Automatic mail: {mark}']
        return True
