# SPDX-License-Identifier: GPL-3.0-or-later
"""Handing over messages without waiting for each answer (RFC 2920).

A server that says PIPELINING takes MAIL, RCPT and DATA together, and answers each.  A
message's text may be the first of such a group (section 3.1), so that the envelope of
the next message goes with it: one round trip for each message instead of four.  Other
servers are asked step by step.

The outcome for each recipient is that of `smtplib.SMTP.sendmail()` with a new
connection after whatever fails, with the same exceptions, whatever the server answers
and wherever it goes away: one message's text at most is on its way.
"""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import NamedTuple

from qnet_mailman.mta.refusal import UNAVAILABLE
from qnet_mailman.mta.wire import in_seven_bits

MAX_RECIPIENTS = 100
"""Of a message that is handed over so: their answers fit into any window, so that
client and server never wait for each other (RFC 2920 section 3.1)."""

LONGEST_LINE = 8192
"""Bytes of an answer's line, as in smtplib."""

Refused = dict[str, tuple[int, bytes]]
Outcome = Refused | OSError
"""Of a message: the recipients that were refused where others were accepted; or why
nobody gets it, or nobody knows."""
Steps = Generator[None, None, None]
"""Stops where an answer of the server is to be waited for."""

_ALL_TAKEN = re.compile(rb'250 [^\n]*\n25[01] [^\n]*\n354 [^\n]*\n')

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_USUAL = re.compile(rf'{_ATOM}(?:\.{_ATOM})*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*')


def quoted(address: str) -> str:
    """An address for MAIL and RCPT, as `smtplib.quoteaddr`.

    That reads it as a header field, which takes longer than all else here.
    """
    if _USUAL.fullmatch(address):
        return f'<{address}>'
    return smtplib.quoteaddr(address)


class Message(NamedTuple):
    """A message to be handed over.

    :ivar sender: The envelope sender; may be empty.
    :ivar recipients: The envelope recipients.
    :ivar data: The message, with CRLF at the ends of its lines.
    :ivar dotted: Whether a line of the message may begin with a dot; to look for that
        takes as long as much else here.
    """

    sender: str
    recipients: list[str]
    data: bytes
    dotted: bool = True


class _Ready(NamedTuple):
    """A message as one server takes it.

    :ivar envelope: The lines of MAIL, each RCPT, and DATA.
    :ivar text: What is sent after them, with its end.
    :ivar together: Whether the envelope is sent in one go.
    """

    message: Message
    envelope: bytes
    text: bytes
    together: bool


class Session:
    """A connection on which messages are handed over, one after the other.

    :param client: It has been greeted.
    :param all_to: Who gets all of it in place of its recipients; None where they do.
    """

    def __init__(self, client: smtplib.SMTP, all_to: str | None = None) -> None:
        self.client = client
        self._all_to = all_to
        self._has = {
            name
            for name in ('pipelining', 'size', '8bitmime', 'smtputf8')
            if client.has_extn(name)
        }
        self._unread = b''
        # Of TLS: what was received and cannot be waited for any more.
        self._pending: Callable[[], int] = getattr(client.sock, 'pending', int)

    def hand_over(
        self,
        following: Callable[[], Message | None],
        told: Callable[[Message, Outcome], None],
        put_back: Callable[[Message], None],
    ) -> Steps:
        """Hand over messages until there are no more, or one fails.

        :param following: Gives the next message.
        :param told: Takes the outcome of each.
        :param put_back: Takes a message that is to go over another connection: the
            one before it failed on this, and the server has not seen its text.
        """
        ready, announced, one_failed = self._next(following, told), False, False
        while ready is not None:
            message, after, has_text = ready.message, None, False
            try:
                if announced and len(message.recipients) == 1 and self._is_taken():
                    refused: Refused = {}
                else:
                    refused = yield from self._envelope(ready, announced)
                if ready.together and not one_failed:
                    after = self._next(following, told)
                announced = after is not None and after.together
                more = after.envelope if after is not None and announced else b''
                has_text = True
                self._send(ready.text + more)
                code, reply = yield from self._reply()
                if code != 250:
                    raise smtplib.SMTPDataError(code, reply)
            except (OSError, smtplib.SMTPException) as error:
                if one_failed and not has_text:
                    # Step by step it would have had a connection of its own.
                    put_back(message)
                    return
                told(message, error)
                one_failed = True
                if after is not None and not (announced and self.client.sock):
                    put_back(after.message)
                    return
                ready = after
            else:
                told(message, refused)
                ready = after or (None if one_failed else self._next(following, told))

    def _next(
        self,
        following: Callable[[], Message | None],
        told: Callable[[Message, Outcome], None],
    ) -> _Ready | None:
        """The next message that this server can take at all."""
        while (message := following()) is not None:
            try:
                return self._ready(message)
            except smtplib.SMTPNotSupportedError as error:
                told(message, error)
        return None

    def _ready(self, message: Message) -> _Ready:
        sender, recipients, data, dotted = message
        if self._all_to is not None:
            recipients = [self._all_to] * len(recipients)
        options = ''
        charset = 'ascii'
        if not ''.join((sender, *recipients)).isascii():
            if 'smtputf8' not in self._has:
                raise smtplib.SMTPNotSupportedError(
                    'the mail server takes no addresses beyond ASCII (RFC 6531)'
                )
            options, charset = ' SMTPUTF8', 'utf-8'
        if not data.isascii():
            if '8bitmime' in self._has:
                options += ' BODY=8BITMIME'
            else:
                data, dotted = in_seven_bits(data), True
        if 'size' in self._has:
            options += f' size={len(data)}'
        lines = [
            f'mail FROM:{quoted(sender)}{options}',
            *[f'rcpt TO:{quoted(each)}' for each in recipients],
            'data\r\n',
        ]
        envelope = '\r\n'.join(lines).encode(charset)
        # A line end within an address would be a command of somebody else's.
        if not envelope.count(b'\r') == envelope.count(b'\n') == len(lines):
            raise ValueError('an address has a line end in it')
        together = 'pipelining' in self._has and len(recipients) <= MAX_RECIPIENTS
        return _Ready(message, envelope, _text(data, dotted), together)

    def _is_taken(self) -> bool:
        """Whether all of an envelope with one recipient was accepted, at a glance."""
        if _ALL_TAKEN.fullmatch(self._unread) is None:
            return False
        self._unread = b''
        return True

    def _envelope(
        self, ready: _Ready, announced: bool
    ) -> Generator[None, None, Refused]:
        """Until the text is due; the recipients who were refused.

        :param announced: Whether it was sent already.
        :raises smtplib.SMTPException: where nobody gets it.
        """
        recipients = ready.message.recipients
        if ready.together:
            if not announced:
                self._send(ready.envelope)
            commands = [b''] * (len(recipients) + 2)
        else:
            commands = ready.envelope.splitlines(keepends=True)
        of_mail, *of_recipients, of_data = commands
        code, reply = yield from self._answer(of_mail)
        if code != 250:
            if ready.together:
                yield from self._pass_by(len(recipients))
            raise smtplib.SMTPSenderRefused(code, reply, ready.message.sender)
        refused: Refused = {}
        for each, command in zip(recipients, of_recipients, strict=True):
            code, reply = yield from self._answer(command)
            if code in (250, 251):
                continue
            refused[each] = (code, reply)
            if code == UNAVAILABLE:
                raise smtplib.SMTPRecipientsRefused(refused)
        if len(refused) == len(recipients):
            if ready.together:
                yield from self._pass_by(0)
            raise smtplib.SMTPRecipientsRefused(refused)
        code, reply = yield from self._answer(of_data)
        if code != 354:
            raise smtplib.SMTPDataError(code, reply)
        return refused

    def _pass_by(self, before_data: int) -> Steps:
        """Read what is still answered, though nobody gets the message.

        A server that said no and went away (as Exim's "drop") said no all the same.

        :param before_data: How many answers come before that to DATA.
        """
        with suppress(smtplib.SMTPException):
            code = 0
            for _each in range(before_data + 1):
                code, _reply = yield from self._reply()
            if code == 354:
                # It waits for a message that nobody gets (RFC 2920 section 3.1).
                self._send(b'.\r\n')
                yield from self._reply()

    def _answer(self, command: bytes) -> Generator[None, None, tuple[int, bytes]]:
        """The answer to a command, which was sent already where it is empty."""
        if command:
            self._send(command)
        return (yield from self._reply())

    def _reply(self) -> Generator[None, None, tuple[int, bytes]]:
        """The next answer, as `smtplib.SMTP.getreply()` reads it."""
        texts = []
        while True:
            line, end, rest = self._unread.partition(b'\n')
            if len(line) + len(end) > LONGEST_LINE:
                self.client.close()
                raise smtplib.SMTPResponseException(500, b'Line too long.')
            if not end:
                if self.client.sock is None:
                    raise smtplib.SMTPServerDisconnected('please run connect() first')
                if self._pending() == 0:
                    yield
                if self._receive():
                    continue
                # What was left of a line counts as one.
                if not line:
                    self.client.close()
                    raise smtplib.SMTPServerDisconnected(
                        'Connection unexpectedly closed'
                    )
            self._unread = rest
            texts.append(line[4:].strip(b' \t\r\n'))
            try:
                code = int(line[:3])
            except ValueError:
                code = -1
            if code == -1 or line[3:4] != b'-':
                break
        if code == UNAVAILABLE:
            # It says nothing more (RFC 5321 section 3.8).
            self.client.close()
        return code, b'\n'.join(texts)

    def _receive(self) -> bool:
        """Read what is there; whether there was anything."""
        assert self.client.sock is not None
        try:
            more = self.client.sock.recv(LONGEST_LINE)
        except OSError as error:
            self.client.close()
            raise smtplib.SMTPServerDisconnected(
                f'Connection unexpectedly closed: {error}'
            ) from error
        self._unread += more
        return bool(more)

    def _send(self, data: bytes) -> None:
        if self.client.sock is None:
            raise smtplib.SMTPServerDisconnected('please run connect() first')
        try:
            self.client.sock.sendall(data)
        except OSError as error:
            self.client.close()
            raise smtplib.SMTPServerDisconnected('Server not connected') from error


def _text(data: bytes, dotted: bool) -> bytes:
    """As it is sent after DATA: a second dot where a line begins with one, and the end
    (RFC 5321 section 4.5.2)."""
    if dotted:
        data = data.replace(b'\r\n.', b'\r\n..')
        if data.startswith(b'.'):
            data = b'.' + data
    return data + (b'.\r\n' if data.endswith(b'\r\n') else b'\r\n.\r\n')
