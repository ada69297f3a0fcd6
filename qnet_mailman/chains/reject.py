# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain `qnet-reject`: the post goes no further, and its author is told (R3)."""

from __future__ import annotations

import logging
from typing import Any

from mailman.chains.base import TerminalChainBase
from mailman.core.i18n import format_reasons
from mailman.interfaces.chain import RejectEvent
from public import public
from zope.event import notify

from qnet_mailman.mlist import Mlist
from qnet_mailman.posting import notices
from qnet_mailman.subscriptions import wishes

log = logging.getLogger('mailman.vette')


@public
class RejectChain(TerminalChainBase):
    """Reject a post with a notice that helps."""

    name = 'qnet-reject'
    description = 'Reject a post and tell its author why.'

    def _process(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        reason = ' '.join(format_reasons(msgdata.get('moderation_reasons', [])))
        author = msgdata['qnet_author']
        notices.rejected(mlist, msg, author, wishes.helped(mlist, msg, author, reason))
        log.info('REJECT: %s; %s', msg.get('message-id', 'n/a'), reason)
        notify(RejectEvent(mlist, msg, msgdata, self))
