# SPDX-License-Identifier: GPL-3.0-or-later
"""The handler `qnet-mime-delete`: content filters, whose refusals quote nothing."""

from __future__ import annotations

from typing import Any

from mailman.handlers import mime_delete as stock
from mailman.interfaces.pipeline import DiscardMessage, RejectMessage
from public import public

from qnet_mailman.mail.author import author_of
from qnet_mailman.mlist import Mlist
from qnet_mailman.posting import notices


@public
class MIMEDelete(stock.MIMEDelete):
    """Mailman's own; what it rejects, Mailman would send back whole to `From`."""

    name = 'qnet-mime-delete'
    description = 'Filter the content of posts.'

    def process(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        """See `IHandler`."""
        try:
            super().process(mlist, msg, msgdata)
        except RejectMessage as error:
            reason = str(error)
            notices.rejected(mlist, msg, author_of(msg).address, reason)
            raise DiscardMessage(reason) from error
