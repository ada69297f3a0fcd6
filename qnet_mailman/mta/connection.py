# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to a mail server that sends bytes as they are.

It is to one of the mail servers (:mod:`.hosts`) and stays for a batch, unless that
server fails; the next message then goes to another.
"""

from __future__ import annotations

import logging
import smtplib
from email.message import Message
from typing import Any

from lazr.config import as_boolean
from mailman.config import config
from mailman.mta.connection import Connection

from qnet_mailman import site
from qnet_mailman.mta import hosts, pipelining
from qnet_mailman.mta.copies import Copy
from qnet_mailman.mta.refusal import UNAVAILABLE, is_about_size, text_of
from qnet_mailman.mta.wire import in_seven_bits, on_the_wire

MAX_UNANSWERED = 3
"""Messages in a row without an answer, after which the rest of a batch is put off."""

log = logging.getLogger('mailman.smtp')


class Written:
    """A copy that is written already, in place of a message."""

    def __init__(self, copy: Copy, message_id: Any) -> None:
        self.copy = copy
        self._message_id = message_id

    def __getitem__(self, name: str) -> Any:
        """What Mailman's delivery wants for its log."""
        return self._message_id if name.lower() == 'message-id' else None


class Verbatim:
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
        self, sender: str, recipients: list[str], msg: Message | Written
    ) -> Any:
        """As `Connection.sendmail`."""
        if self._unanswered >= MAX_UNANSWERED:
            # The others of the batch need not wait for a server that is not there.
            raise smtplib.SMTPServerDisconnected('the mail server does not answer')
        if isinstance(msg, Written):
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


def _is_an_answer(error: OSError) -> bool:
    """Whether the failure is what a server that works says to one message."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code != UNAVAILABLE for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code != UNAVAILABLE
    return isinstance(error, smtplib.SMTPNotSupportedError)


class VerbatimMixin:
    """For a delivery of Mailman's, which makes its connection itself."""

    kind: type[Verbatim] = Verbatim

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._connection = self.kind(self._connection)  # type: ignore[has-type]
