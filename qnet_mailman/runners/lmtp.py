# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailman's LMTP server: for every list, for request forms, and losing nothing.

- What cannot be written to its queue (the disk is full), or whose list cannot be looked
  for (the database has gone away), stock refuses with 550: the sender's server gives
  the message up.  Here the answer is 451, and that server tries again (R33).  Half a
  message does not stay on the disk.  A message on which Mailman fails is refused for
  good.
- Mail to `forms_address` is for operators (:mod:`.form_mail`).  While it cannot be told
  whether an address is that one, the answer is 451, too.
- Stock reads the names of all lists for each recipient and each message; here only
  those that the recipients could be.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterable, Iterator
from email.utils import parseaddr
from typing import Any

from mailman.config import config
from mailman.runners import lmtp
from public import public
from sqlalchemy.exc import SQLAlchemyError

from qnet_mailman import site
from qnet_mailman.model import listnames
from qnet_mailman.queues import handover
from qnet_mailman.review import arrival

ERR_554 = '554 5.6.0 Transaction failed: the message cannot be read'

ENTRY = 'message'
"""The runner takes one message at a time."""

log = logging.getLogger('mailman.smtp')


class Handler(lmtp.LMTPHandler):
    """Takes messages."""

    def _handle_RCPT(
        self, server: Any, session: Any, envelope: Any, to: str, rcpt_options: Any
    ) -> str:
        try:
            if not arrival.is_for_forms(to):
                return self._of_a_list(server, session, envelope, to, rcpt_options)
            refused = arrival.refusal()
            config.db.commit()
        except site.NotReady:
            reply = self._of_a_list(server, session, envelope, to, rcpt_options)
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

    def _of_a_list(
        self, server: Any, session: Any, envelope: Any, to: str, rcpt_options: Any
    ) -> str:
        with listnames.only(could_be([to])):
            reply: str = super()._handle_RCPT(
                server, session, envelope, to, rcpt_options
            )
        return reply

    def _handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        entry = handover.Handover('lmtp', ENTRY)
        entry.discard()
        try:
            with handover.collecting(entry):
                replies = self._taken(server, session, envelope)
            entry.move()
        except Exception as error:
            log.exception('A message could not be taken')
            config.db.abort()
            entry.discard()
            is_ours = isinstance(error, (OSError, SQLAlchemyError))
            replies = [lmtp.ERR_451 if is_ours else ERR_554]
            # RFC 2033 section 4.2: one for each recipient.
            replies *= len(envelope.rcpt_tos)
        return lmtp.CRLF.join(replies)

    def _taken(self, server: Any, session: Any, envelope: Any) -> list[str]:
        """Put a message into its queues; the replies, in the order of recipients."""
        ours = [_is_for_forms(to) for to in envelope.rcpt_tos]
        mine = ''
        if any(ours):
            mine = arrival.keep(envelope.content, envelope.mail_from or '')
        rest = copy.copy(envelope)
        rest.rcpt_tos = [
            to
            for to, is_ours in zip(envelope.rcpt_tos, ours, strict=True)
            if not is_ours
        ]
        of_lists = iter(self._taken_by_lists(server, session, rest))
        return [mine if is_ours else next(of_lists) for is_ours in ours]

    def _taken_by_lists(self, server: Any, session: Any, envelope: Any) -> list[str]:
        if not envelope.rcpt_tos:
            return []
        with listnames.only(could_be(envelope.rcpt_tos)):
            reply: str = super()._handle_DATA(server, session, envelope)
        # What RCPT took is a list's address: all else is our own trouble.
        replies = reply.replace(lmtp.ERR_550, lmtp.ERR_451).split(lmtp.CRLF)
        # A message with defects gets one reply for all.
        return replies if len(replies) > 1 else replies * len(envelope.rcpt_tos)


def _is_for_forms(recipient: str) -> bool:
    try:
        return arrival.is_for_forms(recipient)
    except site.NotReady:
        # RCPT took none such.
        return False


def could_be(recipients: Iterable[str]) -> Iterator[str]:
    """The lists that envelope recipients could be for, as Mailman reads them."""
    for recipient in recipients:
        to = parseaddr(recipient)[1].lower()
        if '@' not in to:
            continue
        name, subaddress, domain = lmtp.split_recipient(to)
        yield f'{name}@{domain}'
        if subaddress is not None:
            yield f'{name}-{subaddress}@{domain}'


@public
class LMTPRunner(lmtp.LMTPRunner):
    """Takes mail from the mail server."""

    def __init__(self, name: str, slice: int | None = None) -> None:
        handover.use_handover()
        super().__init__(name, slice)
        # Nothing listens before it is started.
        self.lmtp.handler = Handler()
