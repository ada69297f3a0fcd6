# SPDX-License-Identifier: GPL-3.0-or-later
"""The incoming runner: what is done to posts before the posting chain decides.

They become legible, and tokens of ours that are quoted in them dead (R39).
"""

from __future__ import annotations

import logging
from typing import Any

from mailman.runners import incoming
from public import public

from qnet_mailman.mail.automatic import automatic_reply
from qnet_mailman.mail.legible import make_legible
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.lists import row_of
from qnet_mailman.runners.guard import Guard
from qnet_mailman.subscriptions import replies
from qnet_mailman.subscriptions.quoted import make_dead

log = logging.getLogger('mailman.vette')


@public
class IncomingRunner(Guard, incoming.IncomingRunner):
    """Decides about posts, and about mail to those who look after a list."""

    def _process_one_file(self, msg: Any, msgdata: dict[str, Any]) -> None:
        make_legible(msg)
        super()._process_one_file(msg, msgdata)

    def _dispose(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool | None:
        """See `IRunner`."""
        # What a moderator's program answers to a notice would go to all of them, whose
        # programs answer it (RFC 3834 section 2).
        is_ours = row_of(mlist) is not None
        if msgdata.get('to_owner') and is_ours:
            mark = automatic_reply(msg)
            if mark is not None:
                log.info(
                    'DISCARD: %s-owner, %s: %s',
                    mlist.list_id,
                    msg.get('message-id', 'n/a'),
                    mark,
                )
                return False
        if is_ours and replies.token_in(mlist, msg) is not None:
            msgdata[replies.ANSWERS] = True
        make_dead(msg)
        found: bool | None = super()._dispose(mlist, msg, msgdata)
        return found
