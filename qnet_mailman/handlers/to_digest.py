# SPDX-License-Identifier: GPL-3.0-or-later
"""The handler `qnet-to-digest`: a copy of the post for the next digest."""

from __future__ import annotations

from typing import Any

from mailman.interfaces.handler import IHandler
from public import public
from zope.interface import implementer

from qnet_mailman.lists import digests
from qnet_mailman.lists.closing import ANNOUNCEMENT
from qnet_mailman.mlist import Mlist


@public
@implementer(IHandler)
class ToDigest:
    """In place of Mailman's `to-digest`, whose file a kill can lock for good (R33)."""

    name = 'qnet-to-digest'
    description = 'Keep the post for the next digest.'

    def process(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        """See `IHandler`."""
        if mlist.digests_enabled and not msgdata.get(ANNOUNCEMENT):
            digests.collect(mlist, msg)
