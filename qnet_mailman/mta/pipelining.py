# SPDX-License-Identifier: GPL-3.0-or-later
"""Handing over a message in two round trips instead of four (RFC 2920).

A server that says PIPELINING takes MAIL, RCPT and DATA together, and answers each.
The outcome is that of `smtplib.SMTP.sendmail()`, with the same exceptions, whatever
the server answers and wherever it goes away.
"""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

MAX_RECIPIENTS = 100
"""Of a message that is handed over so: their answers fit into any window, so that
client and server never wait for each other (RFC 2920 section 3.1)."""

Refused = dict[str, tuple[int, bytes]]


def sendmail(
    client: smtplib.SMTP,
    sender: str,
    recipients: Sequence[str],
    data: bytes,
    options: Sequence[str] = (),
    *,
    dotted: bool = True,
) -> Refused:
    """Hand over a message, as `smtplib.SMTP.sendmail()`.

    :param client: A connection that has been greeted.
    :param sender: The envelope sender; may be empty.
    :param recipients: The envelope recipients.
    :param data: The message, with CRLF at the ends of its lines.
    :param options: Parameters of MAIL.
    :param dotted: Whether a line of the message may begin with a dot; to look for that
        takes as long as much else here.
    :return: The recipients that were refused, where others were accepted.
    :raises smtplib.SMTPException: where nobody gets it, or nobody knows.
    """
    if len(recipients) > MAX_RECIPIENTS or not client.has_extn('pipelining'):
        return client.sendmail(sender, recipients, data, options)
    if client.has_extn('size'):
        options = (*options, f'size={len(data)}')
    mail = ' '.join((f'mail FROM:{smtplib.quoteaddr(sender)}', *options))
    rcpts = [f'rcpt TO:{smtplib.quoteaddr(each)}' for each in recipients]
    _send(client, _commands([mail, *rcpts, 'data'], 'SMTPUTF8' in options))
    refused = _envelope(client, sender, recipients)
    if dotted:
        data = _stuffed(data)
    _send(client, data + (b'.\r\n' if data.endswith(b'\r\n') else b'\r\n.\r\n'))
    code, reply = client.getreply()
    if code != 250:
        _give_up(client, code)
        raise smtplib.SMTPDataError(code, reply)
    return refused


def _stuffed(data: bytes) -> bytes:
    """With a second dot where a line begins with one (RFC 5321 section 4.5.2)."""
    stuffed = data.replace(b'\r\n.', b'\r\n..')
    return b'.' + stuffed if stuffed.startswith(b'.') else stuffed


def _commands(lines: list[str], utf8: bool) -> bytes:
    # A line end within an address would be a command of somebody else's.
    if any('\r' in line or '\n' in line for line in lines):
        raise ValueError('an address or parameter has a line end in it')
    text = ''.join(f'{line}\r\n' for line in lines)
    return text.encode('utf-8' if utf8 else 'ascii')


def _send(client: smtplib.SMTP, data: bytes) -> None:
    if client.sock is None:
        raise smtplib.SMTPServerDisconnected('please run connect() first')
    try:
        client.sock.sendall(data)
    except OSError as error:
        client.close()
        raise smtplib.SMTPServerDisconnected('Server not connected') from error


def _envelope(client: smtplib.SMTP, sender: str, recipients: Sequence[str]) -> Refused:
    """The answers to MAIL, RCPT and DATA; the message is due after them."""
    code, reply = client.getreply()
    if code != 250:
        failure = smtplib.SMTPSenderRefused(code, reply, sender)
        if code == 421:
            client.close()
            raise failure
        _end(client, failure, after=len(recipients))
    refused: Refused = {}
    for each in recipients:
        code, reply = client.getreply()
        if code in (250, 251):
            continue
        refused[each] = (code, reply)
        if code == 421:
            client.close()
            raise smtplib.SMTPRecipientsRefused(refused)
    if len(refused) == len(recipients):
        _end(client, smtplib.SMTPRecipientsRefused(refused))
    code, reply = client.getreply()
    if code != 354:
        _give_up(client, code)
        raise smtplib.SMTPDataError(code, reply)
    return refused


def _end(
    client: smtplib.SMTP, failure: smtplib.SMTPException, *, after: int = 0
) -> NoReturn:
    """Read what is still answered, though nobody gets the message.

    A server that said no and went away (as Exim's "drop") said no all the same.

    :param after: How many answers come before that to DATA.
    :raises smtplib.SMTPException: the failure.
    """
    with suppress(smtplib.SMTPServerDisconnected):
        for _each in range(after):
            code, _reply = client.getreply()
            if code == 421:
                client.close()
                raise failure
        code, _reply = client.getreply()
        if code == 354:
            # It waits for a message that nobody gets (RFC 2920 section 3.1).
            _send(client, b'.\r\n')
            code, _reply = client.getreply()
        _give_up(client, code)
    raise failure


def _give_up(client: smtplib.SMTP, code: int) -> None:
    """Begin anew, or not at all where the server has closed the connection."""
    if code == 421:
        client.close()
        return
    with suppress(smtplib.SMTPServerDisconnected):
        client.rset()
