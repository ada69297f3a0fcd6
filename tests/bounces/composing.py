# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounce reports as mail servers of many kinds write them."""

from __future__ import annotations

from email.message import Message

from qnet_mailman.bounces.reading.classify import Kind, Reason

HARD, SOFT = Kind.hard, Kind.soft
FULL = Reason.mailbox_full
LARGE = Reason.message_too_large
SUSPENDED = Reason.account_suspended
UNKNOWN = Reason.address_unknown
DOMAIN = Reason.domain_unknown
MOVED = Reason.moved
TRANSIENT = Reason.transient
POLICY = Reason.policy
SENDER = Reason.sender_refused
AUTH = Reason.authentication
CONTENT = Reason.content
UNDETERMINED = Reason.undetermined

WHO = 'reader@agency.example.gov'
OTHER = 'second.reader@agency.example.gov'

# The copy of a post that discusses, of all things, bounces.
COPY = """\
Received: from mailer.example.org (mailer.example.org [192.0.2.1])
\tby mx.example.net with ESMTP; Sun, 22 Nov 2026 01:00:00 +0000
From: admin@example.org
To: hqr-updates@mailer.example.org
Subject: mailbox full, user unknown, delayed
Message-ID: <1@example.org>

550 5.1.1 user unknown. Your mailbox is full. bystander@example.com: 552 over quota
"""


def plain(
    body: str,
    subject: str = 'Undelivered Mail Returned to Sender',
    sender: str = 'MAILER-DAEMON@mx.example.net',
    charset: str = 'utf-8',
    **fields: str,
) -> bytes:
    """A report of text alone."""
    message = Message()
    message['From'] = sender
    message['To'] = 'hqr-updates-bounces@mailer.example.org'
    message['Subject'] = subject
    for name, value in fields.items():
        message[name.replace('_', '-')] = value
    message.set_payload(body.encode(charset), charset)
    return message.as_bytes()


def dsn(
    *recipients: str, text: str = 'Not delivered.', subject: str = 'Delivery Status'
) -> bytes:
    """A report with the fields of RFC 3464."""
    return multipart(
        'delivery-status',
        subject,
        ('text/plain; charset=utf-8', text),
        (
            'message/delivery-status',
            'Reporting-MTA: dns; mx.example.net\n\n' + '\n\n'.join(recipients),
        ),
        ('message/rfc822', COPY),
    )


def multipart(kind: str, subject: str, *parts: tuple[str, str]) -> bytes:
    """A report (RFC 6522) of these types and texts."""
    body = ''.join(f'--b\nContent-Type: {type_}\n\n{text}\n' for type_, text in parts)
    return (
        'From: Mail Delivery System <MAILER-DAEMON@mx.example.net>\n'
        'To: hqr-updates-bounces@mailer.example.org\n'
        f'Subject: {subject}\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n'
        f'Content-Type: multipart/report; report-type={kind}; boundary="b"\n\n'
        f'{body}--b--\n'
    ).encode()


def fields(
    status: str, diagnostic: str = '', address: str = WHO, action: str = 'failed'
) -> str:
    """The fields of one recipient."""
    lines = [f'Final-Recipient: rfc822; {address}', f'Action: {action}']
    if status:
        lines.append(f'Status: {status}')
    if diagnostic:
        lines.append(f'Diagnostic-Code: smtp; {diagnostic}')
    return '\n'.join(lines)


def exim(error: str) -> bytes:
    return plain(
        'This message was created automatically by mail delivery software.\n\n'
        'A message that you sent could not be delivered to one or more of its\n'
        'recipients. This is a permanent error. The following address(es) failed:\n\n'
        f'  {WHO}\n    {error}\n\n'
        '------ This is a copy of the message, including all the headers. ------\n\n'
        + COPY,
        'Mail delivery failed: returning message to sender',
        X_Failed_Recipients=WHO,
        Auto_Submitted='auto-replied',
    )


def qmail(error: str) -> bytes:
    return plain(
        'Hi. This is the qmail-send program at mx.example.net.\n'
        "I'm afraid I wasn't able to deliver your message to the following addresses."
        "\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n"
        f'<{WHO}>:\n{error}\n\n--- Below this line is a copy of the message.\n\n{COPY}',
        'failure notice',
    )


def exchange(introduction: str, error: str, diagnostics: str = '') -> bytes:
    return plain(
        f'{introduction}\n\n{WHO}<mailto:{WHO}>\n{error}\n\n{diagnostics}\n{WHO}\n\n'
        f'Original message headers:\n\n{COPY}',
        'Undeliverable: HQR Updates',
        'Microsoft Outlook <postmaster@agency.example.gov>',
    )


def opensmtpd(error: str) -> bytes:
    return plain(
        '    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this email.\n'
        '    An error has occurred while attempting to deliver a message for\n'
        f'    the following list of recipients:\n\n{WHO}: {error}\n\n'
        f'    Below is a copy of the original message:\n\n{COPY}',
        'Delivery status notification: error',
    )


def sendmail5(transcript: str) -> bytes:
    return plain(
        f'   ----- Transcript of session follows -----\n{transcript}\n\n'
        f'   ----- Unsent message follows -----\n{COPY}',
        'Returned mail: see transcript for details',
    )
