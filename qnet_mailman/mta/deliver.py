# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery: `[mta] outgoing` (R15).

A message is written once and each copy is filled in from its bytes (:mod:`.copies`):
for a batch of recipients two SQL statements, for a recipient none.  Its envelope sender
has a token of its own (R35).  Where copies differ
in more than a token (Mailman's personalization, a footer that names its reader, ARC
signatures), it is Mailman's own delivery, message by message.  What the site itself
writes belongs to no list: one copy for all, with nothing personal in it.

On a list of another style it is Mailman's own delivery, to the byte (R40).

A connection is to one of the mail servers (:mod:`.hosts`) and stays for a batch, unless
that server fails; the next message then goes to another.
"""

from __future__ import annotations

import copy
import logging
import smtplib
import time
from email.message import Message
from typing import Any

from lazr.config import as_boolean
from mailman.config import config
from mailman.interfaces.mailinglist import Personalization
from mailman.interfaces.mta import SomeRecipientsFailed
from mailman.mta.base import BaseDelivery
from mailman.mta.bulk import BulkDelivery
from mailman.mta.connection import Connection
from mailman.mta.deliver import Deliver
from mailman.utilities.string import expand

from qnet_mailman import site
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.lists import row_of
from qnet_mailman.model.statements import chunks
from qnet_mailman.mta import hosts, pipelining
from qnet_mailman.mta.copies import Copies, Copy
from qnet_mailman.mta.fields import encode_fields
from qnet_mailman.mta.refusal import (
    EXCEEDED,
    NO_REPLY,
    UNAVAILABLE,
    RecipientsFailed,
    is_about_size,
    is_final,
    text_of,
)
from qnet_mailman.mta.wire import (
    as_smtplib,
    in_seven_bits,
    on_the_wire,
    shorten_lines,
)
from qnet_mailman.subscriptions.one_click import BATCH, Membership, Tokens

MAX_UNANSWERED = 3
"""Messages in a row without an answer, after which the rest of a batch is put off."""

IS_OURS = 'qnet_ours'
"""In the metadata: whether the list had one of our styles when its turn came."""

log = logging.getLogger('mailman.smtp')


class _Written:
    """A copy that is written already, in place of a message."""

    def __init__(self, copy: Copy, message_id: Any) -> None:
        self.copy = copy
        self._message_id = message_id

    def __getitem__(self, name: str) -> Any:
        """What Mailman's delivery wants for its log."""
        return self._message_id if name.lower() == 'message-id' else None


class _Verbatim:
    """A connection that sends messages as they are.

    What goes wrong before the server was told of a recipient says nothing about that
    recipient: such a reply counts as none, and so never as a bounce.
    """

    write = staticmethod(on_the_wire)
    blames_recipients = False
    """Whether a refusal of the sender is one of each recipient."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._hosts = hosts.known(hosts.configured())
        self._host: hosts.Host | None = None
        self._unanswered = 0
        self.too_large = ''
        """What the mail server said to the size of the message; empty if nothing."""

    def sendmail(
        self, sender: str, recipients: list[str], msg: Message | _Written
    ) -> Any:
        """As `Connection.sendmail`."""
        if self._unanswered >= MAX_UNANSWERED:
            # The others of the batch need not wait for a server that is not there.
            raise smtplib.SMTPServerDisconnected('the mail server does not answer')
        if isinstance(msg, _Written):
            written = msg.copy
        else:
            del msg['bcc']
            written = Copy(self.write(msg), dotted=True)
        try:
            refused = self._send(sender, recipients, *written)
        except hosts.Unavailable:
            # All were tried just now.
            self._unanswered = MAX_UNANSWERED
            raise
        except OSError as error:
            answered = _is_an_answer(error)
            self._unanswered = 0 if answered else self._unanswered + 1
            if (
                isinstance(error, smtplib.SMTPSenderRefused)
                and not self.blames_recipients
            ):
                # Whoever the recipients are (R36).
                if is_about_size(error.smtp_code, error.smtp_error):
                    self.too_large = f'{error.smtp_code} {text_of(error.smtp_error)}'
                else:
                    self._pass_over(error)
                raise smtplib.SMTPException(str(error)) from error
            if not answered:
                self._pass_over(error)
            raise
        self._unanswered = 0
        assert self._host is not None
        self._hosts.answered(self._host)
        return refused

    def _open(self) -> None:
        """Connect to the first server that takes our mail.

        :raises Unavailable: where none does.
        """
        errors = []
        timeout = site.settings().smtp_connect_timeout.total_seconds()
        for host in self._hosts.in_turn():
            self._host = host
            try:
                client = hosts.session(host, self._connection, timeout)
            except (OSError, UnicodeError) as error:
                self._pass_over(error)
                errors.append(f'{host}: {error}')
            else:
                assert client.sock is not None
                client.sock.settimeout(site.settings().smtp_timeout.total_seconds())
                self._connection._connection = client
                self._connection._session_count = (
                    self._connection._sessions_per_connection
                )
                return
        raise hosts.Unavailable('; '.join(errors))

    def _pass_over(self, error: Exception) -> None:
        assert self._host is not None
        rest = self._hosts.failed(self._host)
        if rest is not None:
            log.error(
                'mail server %s: %s; passed over for %d seconds',
                *(self._host, error, rest),
            )

    def _send(
        self, sender: str, recipients: list[str], data: bytes, dotted: bool
    ) -> Any:
        connection = self._connection
        if as_boolean(config.devmode.enabled):
            # As in Mailman.
            recipients = [config.devmode.recipient] * len(recipients)
        if connection._connection is None:
            self._open()
        client: Any = connection._connection
        try:
            options = []
            if not all(address.isascii() for address in (sender, *recipients)):
                if not client.has_extn('smtputf8'):
                    raise smtplib.SMTPNotSupportedError(
                        'the mail server takes no addresses beyond ASCII (RFC 6531)'
                    )
                options.append('SMTPUTF8')
            if not data.isascii():
                if client.has_extn('8bitmime'):
                    options.append('BODY=8BITMIME')
                else:
                    data, dotted = in_seven_bits(data), True
            refused = pipelining.sendmail(
                client, sender, recipients, data, options, dotted=dotted
            )
        except (OSError, smtplib.SMTPException):
            # For safety, as in Mailman; the next message opens another.
            self.quit()
            raise
        connection._session_count -= 1
        if connection._session_count == 0:
            self.quit()
        return refused

    def quit(self) -> None:
        """As `Connection.quit`."""
        client = self._connection._connection
        if client is not None:
            hosts.end(client, site.settings().smtp_connect_timeout.total_seconds())
            self._connection._connection = None


class _AsStock(_Verbatim):
    """A connection for lists of other styles (R40)."""

    write = staticmethod(as_smtplib)
    blames_recipients = True


def _is_an_answer(error: OSError) -> bool:
    """Whether the failure is what a server that works says to one message."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code != UNAVAILABLE for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code != UNAVAILABLE
    return isinstance(error, smtplib.SMTPNotSupportedError)


class _VerbatimMixin:
    kind: type[_Verbatim] = _Verbatim

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._connection = self.kind(self._connection)  # type: ignore[has-type]


class _StockBulk(_VerbatimMixin, BulkDelivery):
    """Mailman's, for lists of other styles."""

    kind = _AsStock


class _StockDeliver(_VerbatimMixin, Deliver):
    """Mailman's, for lists of other styles."""

    kind = _AsStock


class _Bulk(_VerbatimMixin, BulkDelivery):
    """One copy for many recipients."""

    def __init__(self, copies: Copies) -> None:
        super().__init__(int(config.mta.max_recipients))
        self._copies = copies

    def _get_sender(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> Any:
        """See `BaseDelivery`."""
        if self._copies.have_own_senders and msgdata.get('sender') is None:
            return self._copies.sender_for(None)
        return super()._get_sender(mlist, msg, msgdata)


class _FromSite(_VerbatimMixin, BaseDelivery):
    """One copy of what belongs to no list."""

    def deliver(self, mlist: None, msg: Message, msgdata: dict[str, Any]) -> Any:
        """See `IMailTransportAgentDelivery`."""
        msg = copy.deepcopy(msg)
        encode_fields(msg)
        shorten_lines(msg)
        return self._deliver_to_recipients(mlist, msg, msgdata, msgdata['recipients'])


class _OneByOne(_VerbatimMixin, Deliver):
    """A copy for each recipient, each made ready by itself."""

    def __init__(self, copies: Copies) -> None:
        super().__init__()
        self._copies = copies
        self._members: dict[str, Membership] = {}
        self._tokens: dict[str, Tokens] = {}

    def deliver(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> Any:
        """See `IMailTransportAgentDelivery`."""
        if self._copies.have_tokens or self._copies.have_own_senders:
            self._members = self._copies.memberships(msgdata['recipients'])
        self._tokens = self._copies.tokens(self._members)
        return super().deliver(mlist, msg, msgdata)

    def _get_sender(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> Any:
        """See `BaseDelivery`."""
        if self._copies.have_own_senders:
            member = self._members.get(msgdata['recipient'].lower())
            return self._copies.sender_for(member)
        return super()._get_sender(mlist, msg, {**msgdata, 'verp': False})

    def decorate(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        """In place of Mailman's own header and footer."""
        recipient = msgdata['recipient']
        tokens = self._tokens.get(recipient.lower())
        # Mailman finds no member whose address has capital letters.
        member = msgdata['member'] or mlist.members.get_member(recipient.lower())
        self._copies.dress(msg, tokens, member, recipient)


class _FromBytes(_Bulk):
    """Copies from the bytes of one message."""

    def deliver(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> Any:
        """See `IMailTransportAgentDelivery`."""
        refused: dict[str, Any] = {}
        copies = self._copies
        message_id = msg['message-id']
        for_all = self._get_sender(mlist, msg, msgdata)
        each_their_own = msgdata.get('verp', False) or copies.are_personal
        twice = msgdata.get('add-dup-header', {})

        def sender_for(recipient: str, members: dict[str, Membership]) -> str:
            if not copies.have_own_senders:
                return str(for_all)
            return copies.sender_for(members.get(recipient.lower()))

        def send(
            recipients: Any, sender: str, own: Tokens | None, duplicate: bool
        ) -> None:
            written = copies.copy(own, duplicate=duplicate)
            refused.update(
                self._deliver_to_recipients(
                    mlist, _Written(written, message_id), {'sender': sender}, recipients
                )
            )

        for batch in chunks(sorted(msgdata['recipients']), BATCH):
            members: dict[str, Membership] = {}
            if copies.have_tokens or (each_their_own and copies.have_own_senders):
                members = copies.memberships(batch)
            tokens = copies.tokens(members)
            if each_their_own or tokens:
                for recipient in batch:
                    own = tokens.get(recipient.lower())
                    sender = sender_for(recipient, members)
                    send([recipient], sender, own, recipient in twice)
            else:
                for chunk in self.chunkify(batch):
                    send(chunk, sender_for(next(iter(chunk)), {}), None, False)
        return refused


def _agent_for(mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> tuple[Any, Any]:
    """Who delivers a message, and what."""
    if mlist is None:
        return _FromSite(), msg
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
    return _Bulk(copies), msg


def _is_ours(mlist: Mlist, msgdata: dict[str, Any]) -> bool:
    """Whose rules hold: as the runner found, which has prepared the message."""
    known = msgdata.get(IS_OURS)
    return row_of(mlist) is not None if known is None else bool(known)


def deliver(mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
    """Deliver a message; see `IMailTransportAgentDelivery`.

    :param mlist: None for what the site itself writes.
    :raises RecipientsFailed: with the recipients that the mail server refused; on a
        list of another style it is Mailman's `SomeRecipientsFailed`.
    """
    recipients = msgdata.get('recipients')
    if not recipients:
        return
    if mlist is not None and not _is_ours(mlist, msgdata):
        _deliver_as_stock(mlist, msg, msgdata)
        return
    message_id = msg.get('message-id', 'n/a')
    started = time.monotonic()
    agent, msg = _agent_for(mlist, msg, msgdata)
    refused = agent.deliver(mlist, msg, msgdata)
    agent._connection.quit()
    log.info(
        '%s smtp to %s for %d recipients, %d refused, in %.3f seconds',
        message_id,
        'no list' if mlist is None else mlist.fqdn_listname,
        len(recipients),
        len(refused),
        time.monotonic() - started,
    )
    temporary, permanent = {}, []
    for recipient, (code, reply) in refused.items():
        text = text_of(reply)
        if code == UNAVAILABLE:
            code = NO_REPLY
        log.info('%s to %s failed: %s %s', message_id, recipient, code, text)
        if is_final(code, text):
            permanent.append((recipient, code, text))
        else:
            temporary[recipient] = (code, text)
    if temporary or permanent:
        failed = RecipientsFailed(temporary, permanent)
        failed.too_large = agent._connection.too_large
        raise failed


def _deliver_as_stock(mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
    """As Mailman's `deliver`, which makes its agents itself.

    All of 5yz but 552 is final there.
    """
    agent: Any
    if msgdata.get('verp', False) or mlist.personalize is not Personalization.none:
        agent = _StockDeliver()
    else:
        agent = _StockBulk(int(config.mta.max_recipients))
    started = time.monotonic()
    refused = agent.deliver(mlist, msg, msgdata)
    agent._connection.quit()
    _log_as_stock(mlist, msg, msgdata, refused, time.monotonic() - started)
    final = {code: code >= 500 and code != EXCEEDED for code, _ in refused.values()}
    temporary = [one for one, (code, _) in refused.items() if not final[code]]
    permanent = [
        (one, code, reply) for one, (code, reply) in refused.items() if final[code]
    ]
    if refused:
        raise SomeRecipientsFailed(temporary, permanent)


def _log_as_stock(
    mlist: Mlist, msg: Any, msgdata: dict[str, Any], refused: Any, took: float
) -> None:
    """What the templates of ``[logging.smtp]`` say of a delivery."""
    size = getattr(msg, 'original_size', msgdata.get('original_size'))
    known = {
        'msgid': str(msg.get('message-id', 'n/a')).strip(),
        'listname': mlist.fqdn_listname,
        'sender': msgdata.get('original-sender', msg.sender),
        'recip': len(msgdata['recipients']),
        'size': len(msg.as_string()) if size is None else size,
        'time': took,
        'refused': len(refused),
        'smtpcode': 'n/a',
        'smtpmsg': 'n/a',
    }
    named = [*msg.get_all('to', []), *msg.get_all('cc', [])]
    lines = [('every', known)]
    if refused:
        lines.append(('refused', known))
    elif msgdata.get('to_list', False):
        lines.append(('success', known))
    else:
        lines.append(('success', {**known, 'recip': ','.join(map(str, named))}))
    lines += [
        ('failure', {**known, 'recip': recipient, 'smtpcode': code, 'smtpmsg': reply})
        for recipient, (code, reply) in refused.items()
    ]
    for name, values in lines:
        template = getattr(config.logging.smtp, name)
        if template.lower() != 'no':
            log.info('%s', expand(template, mlist, values))
