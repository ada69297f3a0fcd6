# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery: `[mta] outgoing` (R15).

A message is written once and each copy is filled in from its bytes (:mod:`.copies`):
for a batch of recipients two SQL statements, for a recipient none.  Where copies differ
in more than a token (Mailman's personalization, a footer that names its reader, ARC
signatures), it is Mailman's own delivery, message by message.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable
from email import message_from_bytes
from email.message import Message
from email.policy import Compat32
from typing import Any

from mailman.config import config
from mailman.interfaces.mailinglist import Personalization
from mailman.mta.bulk import BulkDelivery
from mailman.mta.connection import Connection
from mailman.mta.deliver import Deliver
from mailman.utilities.email import split_email
from mailman.utilities.string import expand

from qnet_mailman.bounces.ledger import chunks
from qnet_mailman.mta.copies import Copies, on_the_wire
from qnet_mailman.mta.refusal import RecipientsFailed, is_final, text_of
from qnet_mailman.subscriptions.one_click import BATCH

log = logging.getLogger('mailman.smtp')


class _Written:
    """A copy that is written already, in place of a message."""

    def __init__(self, data: bytes, message_id: Any) -> None:
        self.data = data
        self._message_id = message_id

    def __getitem__(self, name: str) -> Any:
        """What Mailman's delivery wants for its log."""
        return self._message_id if name.lower() == 'message-id' else None


class _Policy(Compat32):
    """For addresses beyond ASCII (RFC 6531).

    The SMTP client writes such a message itself, asks its policy for `utf8`, which this
    kind has not, and would change lines that begin with ``From ``.
    """

    utf8 = False
    mangle_from_ = False


_POLICY = _Policy()


class _Verbatim:
    """A connection that sends messages as they are."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def sendmail(
        self, sender: str, recipients: list[str], msg: Message | _Written
    ) -> Any:
        """As `Connection.sendmail`."""
        if all(address.isascii() for address in (sender, *recipients)):
            if isinstance(msg, _Written):
                data = msg.data
            else:
                del msg['bcc']
                data = on_the_wire(msg)
            return self._connection.sendmail(sender, recipients, data)
        if isinstance(msg, _Written):
            msg = message_from_bytes(msg.data)
        del msg['bcc']
        msg.policy = _POLICY
        return self._connection.sendmail(sender, recipients, msg)

    def quit(self) -> None:
        """As `Connection.quit`."""
        self._connection.quit()


class _VerbatimMixin:
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._connection = _Verbatim(self._connection)  # type: ignore[has-type]


class _Bulk(_VerbatimMixin, BulkDelivery):
    """One copy for many recipients."""


class _OneByOne(_VerbatimMixin, Deliver):
    """A copy for each recipient, each made ready by itself."""

    def __init__(self, copies: Copies) -> None:
        super().__init__()
        self._copies = copies
        self._tokens: dict[str, str] = {}

    def deliver(self, mlist: Any, msg: Any, msgdata: dict[str, Any]) -> Any:
        """See `IMailTransportAgentDelivery`."""
        self._tokens = self._copies.tokens(msgdata['recipients'])
        return super().deliver(mlist, msg, msgdata)

    def decorate(self, mlist: Any, msg: Any, msgdata: dict[str, Any]) -> None:
        """In place of Mailman's own header and footer."""
        recipient = msgdata['recipient']
        token = self._tokens.get(recipient.lower())
        # Mailman finds no member whose address has capital letters.
        member = msgdata['member'] or mlist.members.get_member(recipient.lower())
        self._copies.dress(msg, token, member, recipient)


class _FromBytes(_Bulk):
    """Copies from the bytes of one message."""

    def __init__(self, copies: Copies) -> None:
        super().__init__(int(config.mta.max_recipients))
        self._copies = copies

    def deliver(self, mlist: Any, msg: Any, msgdata: dict[str, Any]) -> Any:
        """See `IMailTransportAgentDelivery`."""
        refused: dict[str, Any] = {}
        message_id = msg['message-id']
        sender_for = senders(mlist, msgdata, self._get_sender(mlist, msg, msgdata))
        each_their_own = msgdata.get('verp', False) or self._copies.are_personal
        twice = msgdata.get('add-dup-header', {})

        def send(recipients: Any, token: str | None, duplicate: bool) -> None:
            data = self._copies.copy(token, duplicate=duplicate)
            sender = sender_for(next(iter(recipients)))
            refused.update(
                self._deliver_to_recipients(
                    mlist, _Written(data, message_id), {'sender': sender}, recipients
                )
            )

        for batch in chunks(sorted(msgdata['recipients']), BATCH):
            tokens = self._copies.tokens(batch)
            if each_their_own or tokens:
                for recipient in batch:
                    token = tokens.get(recipient.lower())
                    send([recipient], token, recipient in twice)
            else:
                for chunk in self.chunkify(batch):
                    send(chunk, None, False)
        return refused


def senders(mlist: Any, msgdata: dict[str, Any], sender: str) -> Callable[[str], str]:
    """The envelope sender for each recipient, as Mailman's `VERPMixin`.

    :param sender: The one for all.
    """
    if not sender or not msgdata.get('verp', False):
        return lambda recipient: sender
    mailbox, domain = split_email(sender)
    # The format may name the list as well, which takes SQL: once for all.
    pattern = expand(
        config.mta.verp_format,
        mlist,
        {'bounces': mailbox, 'local': '\0local\0', 'domain': '\0domain\0'},
    )
    suffix = '' if domain is None else '@' + '.'.join(domain)

    def encoded(recipient: str) -> str:
        local, host = split_email(recipient)
        if host is None:
            log.info('Skipping VERP delivery to unqual recip: %s', recipient)
            return sender
        return (
            pattern.replace('\0local\0', local).replace('\0domain\0', '.'.join(host))
            + suffix
        )

    return encoded


def _agent_for(mlist: Any, msg: Any, msgdata: dict[str, Any]) -> tuple[Any, Any]:
    """Who delivers a message, and what."""
    copies = Copies(mlist, msg, msgdata)
    if not copies.must_be_made_one_by_one:
        return _FromBytes(copies), msg
    if (
        msgdata.get('verp', False)
        or mlist.personalize is not Personalization.none
        or copies.are_personal
    ):
        return _OneByOne(copies), msg
    # Without header and footer, and without what is personal.
    msg = copy.deepcopy(msg)
    copies.dress(msg, None)
    msgdata['nodecorate'] = True
    return _Bulk(int(config.mta.max_recipients)), msg


def deliver(mlist: Any, msg: Any, msgdata: dict[str, Any]) -> None:
    """Deliver a message; see `IMailTransportAgentDelivery`.

    :raises RecipientsFailed: with the recipients that the mail server refused.
    """
    recipients = msgdata.get('recipients')
    if not recipients:
        return
    message_id = msg.get('message-id', 'n/a')
    started = time.monotonic()
    agent, msg = _agent_for(mlist, msg, msgdata)
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
