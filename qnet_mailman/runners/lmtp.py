# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailman's LMTP server, which also takes mail to the address for request forms.

Stock refuses mail to an address that is no list's.  While it cannot be told whether an
address is ours, because a setting is broken or the database is away, the mail server
hears that it should try again (RFC 2033 section 4.2: a reply for each recipient).
"""

from __future__ import annotations

import copy
import logging
from typing import Any

from mailman.config import config
from mailman.runners import lmtp
from public import public

from qnet_mailman import startup
from qnet_mailman.review import arrival

log = logging.getLogger('mailman.smtp')


class Handler(lmtp.LMTPHandler):
    """Mailman's, with one more address."""

    def _handle_RCPT(
        self, server: Any, session: Any, envelope: Any, to: str, rcpt_options: Any
    ) -> str:
        try:
            if not arrival.is_for_forms(to):
                reply: str = super()._handle_RCPT(
                    server, session, envelope, to, rcpt_options
                )
                return reply
            refused = arrival.refusal(envelope.mail_from or '')
            config.db.commit()
        except startup.NotReady:
            reply = super()._handle_RCPT(server, session, envelope, to, rcpt_options)
            return lmtp.ERR_451 if reply == lmtp.ERR_550 else reply
        except Exception:
            config.db.abort()
            log.exception('Mail for request forms is put off')
            return lmtp.ERR_451
        if refused is not None:
            log.warning(
                'No request form taken from %s: %s', envelope.mail_from, refused
            )
            return refused
        envelope.rcpt_tos.append(to)
        envelope.rcpt_options.extend(rcpt_options)
        return '250 Ok'

    def _handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        ours = [self._is_for_forms(to) for to in envelope.rcpt_tos]
        if not any(ours):
            reply: str = super()._handle_DATA(server, session, envelope)
            return reply
        mine = self._keep(envelope)
        rest = copy.copy(envelope)
        rest.rcpt_tos = [
            to
            for to, is_ours in zip(envelope.rcpt_tos, ours, strict=True)
            if not is_ours
        ]
        replies = iter(self._of_lists(server, session, rest))
        return lmtp.CRLF.join(mine if is_ours else next(replies) for is_ours in ours)

    def _is_for_forms(self, recipient: str) -> bool:
        try:
            return arrival.is_for_forms(recipient)
        except startup.NotReady:
            return False

    def _keep(self, envelope: Any) -> str:
        try:
            return arrival.keep(envelope.content, envelope.mail_from or '')
        except Exception:
            log.exception('Mail for request forms is put off')
            return lmtp.ERR_451

    def _of_lists(self, server: Any, session: Any, envelope: Any) -> list[str]:
        if not envelope.rcpt_tos:
            return []
        replies: list[str] = (
            super()._handle_DATA(server, session, envelope).split(lmtp.CRLF)
        )
        # A message with defects gets one reply for all.
        if len(replies) != len(envelope.rcpt_tos):
            replies = replies[:1] * len(envelope.rcpt_tos)
        return replies


@public
class LMTPRunner(lmtp.LMTPRunner):
    """Takes mail from the mail server."""

    def __init__(self, name: str, slice: int | None = None) -> None:
        super().__init__(name, slice)
        # Nothing listens before it is started.
        self.lmtp.handler = Handler()
