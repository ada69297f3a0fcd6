# SPDX-License-Identifier: GPL-3.0-or-later
"""The handler `qnet-refuse-closed`: a post that was accepted before its list closed."""

from __future__ import annotations

from typing import Any

from mailman.interfaces.handler import IHandler
from mailman.interfaces.pipeline import DiscardMessage
from public import public
from zope.interface import implementer

from qnet_mailman.lists import closing
from qnet_mailman.mail.author import author_of
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.closures import closure_of
from qnet_mailman.posting import notices
from qnet_mailman.posting.decision import CLOSED


@public
@implementer(IHandler)
class RefuseClosed:
    """Reject posts to a closed list that the posting chain has not seen closed.

    They were waiting when it closed, or a moderator has released them since.  What
    announces that it is closed passes, while that is so.
    """

    name = 'qnet-refuse-closed'
    description = 'Reject posts to a closed list.'

    def process(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        """See `IHandler`."""
        if closing.ANNOUNCEMENT in msgdata:
            if not closing.is_current(mlist, msgdata):
                raise DiscardMessage('the list was opened again')
            return
        if closure_of(mlist.list_id) is None:
            return
        notices.rejected(mlist, msg, author_of(msg).address, CLOSED)
        raise DiscardMessage('the list is closed')
