# SPDX-License-Identifier: GPL-3.0-or-later
"""The LMTP runner: Mailman's own, which never refuses for good what it cannot keep.

Where a message cannot be written to its queue (the disk is full) or the database goes
away in the middle, stock answers 550: the sender's server gives the message up.  Here
the answer is 451, and that server tries again (R33).  Half a message does not stay on
the disk.  A message on which Mailman fails is refused for good.
"""

from __future__ import annotations

import logging
from typing import Any

from mailman.config import config
from mailman.runners import lmtp
from public import public
from sqlalchemy.exc import SQLAlchemyError

from qnet_mailman.runners import handover

ERR_554 = '554 5.6.0 Transaction failed: the message cannot be read'

ENTRY = 'message'
"""The runner takes one message at a time."""

log = logging.getLogger('mailman.smtp')


class Handler(lmtp.LMTPHandler):
    """Takes messages."""

    def _handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        entry = handover.Handover('lmtp', ENTRY)
        entry.discard()
        try:
            with handover.collecting(entry):
                reply: str = super()._handle_DATA(server, session, envelope)
            entry.move()
        except Exception as error:
            log.exception('A message could not be taken')
            config.db.abort()
            entry.discard()
            is_ours = isinstance(error, (OSError, SQLAlchemyError))
            reply = lmtp.ERR_451 if is_ours else ERR_554
        # What RCPT took is a list's address: all else is our own trouble.
        replies = reply.replace(lmtp.ERR_550, lmtp.ERR_451).split(lmtp.CRLF)
        if len(replies) == 1:
            # RFC 2033 section 4.2: one for each recipient.
            replies *= len(envelope.rcpt_tos)
        return lmtp.CRLF.join(replies)


@public
class LMTPRunner(lmtp.LMTPRunner):
    """Takes mail from the mail server."""

    def __init__(self, name: str, slice: int | None = None) -> None:
        handover.use_handover()
        super().__init__(name, slice)
        self.lmtp.handler = Handler()
