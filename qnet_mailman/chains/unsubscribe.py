# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain `qnet-unsubscribe`: a post that asks to leave is answered (R14)."""

from __future__ import annotations

import logging
from typing import Any

from mailman.chains.base import TerminalChainBase
from public import public

from qnet_mailman.mail.author import author_of
from qnet_mailman.mlist import Mlist
from qnet_mailman.subscriptions import leaving, replies

log = logging.getLogger('mailman.vette')


@public
class UnsubscribeChain(TerminalChainBase):
    """Ask the author whether they mean it.  The list never sees the post."""

    name = 'qnet-unsubscribe'
    description = 'Answer a request to leave the list.'

    def _process(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        author = author_of(msg).address
        message_id = msg.get('message-id', 'n/a')
        log.info('UNSUBSCRIBE: %s from %s', message_id, author)
        # An answer to our question that also went to the list.  Where it should have
        # gone, it does its work.
        if author is not None and not msgdata.get(replies.ANSWERS):
            leaving.request(mlist, author, route='subject', msg=msg)
