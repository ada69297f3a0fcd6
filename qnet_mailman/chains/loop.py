# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain `qnet-loop`: a post that comes back ends; somebody is told once."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from mailman.chains.base import TerminalChainBase
from mailman.interfaces.chain import DiscardEvent
from public import public
from zope.event import notify

from qnet_mailman.mlist import Mlist
from qnet_mailman.model import limits
from qnet_mailman.templates.sending import one_line, send

ONCE = timedelta(days=7)
"""Every post comes back while two lists are members of each other."""

log = logging.getLogger('mailman.vette')


@public
class LoopChain(TerminalChainBase):
    """Discard a post that comes back to its list."""

    name = 'qnet-loop'
    description = 'Discard a post that comes back, and tell the administrators once.'

    def _process(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        reason = ' '.join(msgdata.get('moderation_reasons', []))
        log.info('LOOP: %s: %s: %s', mlist.list_id, msg.get('message-id'), reason)
        # What anybody can write (a List-Id) makes us write to nobody.
        if msgdata.get('qnet_loop') and limits.allowed('loop', mlist.list_id, 1, ONCE):
            send(
                mlist,
                mlist.owner_address,
                'qnet:admin:notice:loop',
                f'{mlist.display_name}: messages come back to the list',
                {'reason': reason, 'message_id': one_line(str(msg.get('message-id')))},
            )
        notify(DiscardEvent(mlist, msg, msgdata, self))
