# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule `qnet-automatic`: a program wrote the post (R5)."""

from __future__ import annotations

from typing import Any

from mailman.interfaces.rules import IRule
from public import public
from zope.interface import implementer

from qnet_mailman.posting.automatic import automatic


@public
@implementer(IRule)
class Automatic:
    """Match automatic replies and other mail that no person wrote."""

    name = 'qnet-automatic'
    description = 'Match mail that a program wrote.'
    record = True

    def check(self, mlist: Any, msg: Any, msgdata: dict[str, Any]) -> bool:
        """See `IRule`."""
        mark = automatic(msg)
        if mark is None:
            return False
        msgdata['moderation_reasons'] = [f'Automatic mail: {mark}']
        return True
