# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain `qnet-hold`: the post waits for a moderator or for its author (R6)."""

from __future__ import annotations

import logging
from email.utils import make_msgid
from typing import Any

from mailman.app.moderator import hold_message
from mailman.chains.base import TerminalChainBase
from mailman.core.i18n import format_reasons
from mailman.interfaces.chain import HoldEvent
from mailman.interfaces.messages import IMessageStore
from public import public
from zope.component import getUtility
from zope.event import notify

from qnet_mailman.mlist import Mlist
from qnet_mailman.model import counters
from qnet_mailman.posting import confirmation, notices
from qnet_mailman.posting.decision import Fate
from qnet_mailman.subscriptions import deciding, moderator_notices, wishes

log = logging.getLogger('mailman.vette')


@public
class HoldChain(TerminalChainBase):
    """Hold a post and tell whom it concerns."""

    name = 'qnet-hold'
    description = 'Hold a post for a moderator or for its author.'

    def _process(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        reason = ' '.join(format_reasons(msgdata.get('moderation_reasons', [])))
        author = msgdata.get('qnet_author')
        _make_storable(msg)
        request_id = hold_message(mlist, msg, msgdata, reason)
        asked = False
        counters.add('holds', str(msgdata.get('qnet_fate') or Fate.hold))
        if msgdata.get('qnet_fate') == Fate.confirm and author is not None:
            token = confirmation.offer(mlist, request_id, msg, author)
            asked = notices.to_confirm(mlist, msg, author, token)
        else:
            notices.held(mlist, msg, author, wishes.helped(mlist, msg, author, reason))
        if not asked and mlist.admin_immed_notify:
            token = deciding.offer(mlist, request_id, msg)
            moderator_notices.held_post(mlist, msg, author, reason, token)
        log.info(
            'HOLD: %s post from %s held, message-id=%s: %s',
            mlist.fqdn_listname,
            author,
            msg.get('message-id', 'n/a'),
            reason,
        )
        notify(HoldEvent(mlist, msg, msgdata, self))


def _make_storable(msg: Any) -> None:
    """Give a message an id of its own in Mailman's store.

    The store keeps the first message with a Message-ID and drops others with the
    same one: a moderator would decide about a message that they do not see.
    It also refuses what has none or two, or one that is no text.
    """
    ids = msg.get_all('message-id', [])
    plain = len(ids) == 1 and str(ids[0]).isascii() and str(ids[0]).isprintable()
    if plain and getUtility(IMessageStore).get_message_by_id(str(ids[0])) is None:
        return
    del msg['message-id']
    msg['Message-ID'] = make_msgid()
