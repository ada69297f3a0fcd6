# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery: `[mta] outgoing`.

Mailman's own delivery, but what goes over the wire is what the queue holds.
Python's SMTP client writes ``>From `` for a line of text that begins with
``From `` (a habit of mail folders, not of SMTP), which alters the text that a
person wrote (R9).
"""

from __future__ import annotations

import logging
import time
from email.generator import BytesGenerator
from email.message import Message
from io import BytesIO
from typing import Any

from mailman.config import config
from mailman.interfaces.mailinglist import Personalization
from mailman.mta.bulk import BulkDelivery
from mailman.mta.connection import Connection
from mailman.mta.deliver import Deliver

from qnet_mailman.mta.refusal import RecipientsFailed, is_final, text_of

log = logging.getLogger('mailman.smtp')


def on_the_wire(msg: Message) -> bytes:
    """A message as it is sent: CRLF line ends, its text untouched."""
    buffer = BytesIO()
    BytesGenerator(buffer, mangle_from_=False).flatten(msg, linesep='\r\n')
    return buffer.getvalue()


class _Verbatim:
    """A connection that sends messages as they are."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def sendmail(self, sender: str, recipients: list[str], msg: Message) -> Any:
        """As `Connection.sendmail`."""
        del msg['bcc']
        if all(address.isascii() for address in (sender, *recipients)):
            return self._connection.sendmail(sender, recipients, on_the_wire(msg))
        # The client then asks for SMTPUTF8 (RFC 6531), and takes this from the
        # message's policy.
        msg.policy = msg.policy.clone(mangle_from_=False)
        return self._connection.sendmail(sender, recipients, msg)

    def quit(self) -> None:
        """As `Connection.quit`."""
        self._connection.quit()


class _VerbatimMixin:
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._connection = _Verbatim(self._connection)  # type: ignore[has-type]


class _Individual(_VerbatimMixin, Deliver):
    """A copy for each recipient."""


class _Bulk(_VerbatimMixin, BulkDelivery):
    """One copy for many recipients."""


def deliver(mlist: Any, msg: Any, msgdata: dict[str, Any]) -> None:
    """Deliver a message; see `IMailTransportAgentDelivery`.

    :raises RecipientsFailed: with the recipients that the mail server refused.
    """
    recipients = msgdata.get('recipients')
    if not recipients:
        return
    agent: Any
    if msgdata.get('verp', False) or mlist.personalize is not Personalization.none:
        agent = _Individual()
    else:
        agent = _Bulk(int(config.mta.max_recipients))
    message_id = msg.get('message-id', 'n/a')
    started = time.monotonic()
    refused = agent.deliver(mlist, msg, msgdata)
    agent._connection.quit()
    log.info(
        '%s smtp to %s for %d recipients, %d refused, in %.3f seconds',
        message_id,
        mlist.fqdn_listname,
        len(recipients),
        len(refused),
        time.monotonic() - started,
    )
    temporary, permanent = {}, []
    for recipient, (code, reply) in refused.items():
        text = text_of(reply)
        log.info('%s to %s failed: %s %s', message_id, recipient, code, text)
        if is_final(code, text):
            permanent.append((recipient, code, text))
        else:
            temporary[recipient] = (code, text)
    if temporary or permanent:
        raise RecipientsFailed(temporary, permanent)
