# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounce reports as other people's mail servers write them (RFC 3464)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, make_msgid

_TEXT = """\
Return-Path: <>
Date: {date}
From: MAILER-DAEMON@{host} (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="report.{host}"
Message-ID: {message_id}

--report.{host}
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host {host}.

I'm sorry to have to inform you that your message could not be delivered to
one or more recipients. It's attached below.

<{address}>: {said}

--report.{host}
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; {host}
X-Postfix-Sender: rfc822; {to}
Arrival-Date: {date}

Final-Recipient: rfc822; {address}
Original-Recipient: rfc822;{address}
Action: failed
Status: {status}
Diagnostic-Code: smtp; {said}

--report.{host}
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

Return-Path: <{to}>
Subject: {subject}

--report.{host}--
"""


@dataclass(frozen=True)
class Failure:
    """Why a server did not deliver a message.

    :ivar status: The enhanced status code (RFC 3463).
    :ivar said: The server's reply.
    """

    status: str
    said: str


MAILBOX_FULL = Failure('5.2.2', '552 5.2.2 Mailbox full: quota exceeded')
USER_UNKNOWN = Failure('5.1.1', '550 5.1.1 User unknown: no such mailbox here')


def report(failure: Failure, address: str, to: str, subject: str) -> bytes:
    """A report about one recipient.

    :param failure: What went wrong.
    :param address: The recipient.
    :param to: The envelope sender of the message, to which reports go.
    :param subject: The subject of the message.
    """
    host = f'mx.{address.partition("@")[2]}'
    text = _TEXT.format(
        date=format_datetime(datetime.now(UTC)),
        host=host,
        to=to,
        message_id=make_msgid(domain=host),
        address=address,
        said=failure.said,
        status=failure.status,
        subject=subject,
    )
    return text.replace('\n', '\r\n').encode()
