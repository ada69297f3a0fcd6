# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounce reports for tests, and a clock that they can set."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any, cast

from mailman.email.message import Message
from sqlalchemy import select

from qnet_mailman.bounces.whose import RECIPIENT
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounce
from qnet_mailman.mta.copies import Copies
from tests.helpers import message

FULL = '452 4.2.2 mailbox full'
UNKNOWN = '550 5.1.1 no such user'
BLOCKED = '550 5.7.1 blocked using zen.spamhaus.org'

REPORT = """\
From: MAILER-DAEMON@mx.example.net
To: {to}
Subject: Undelivered Mail Returned to Sender
Message-ID: <{serial}@mx.example.net>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

<{address}>: host {host} said: {said}
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; {address}
Action: failed
Status: {status}
Diagnostic-Code: smtp; {said}

--b
Content-Type: text/rfc822-headers

Subject: News
--b--
"""

VACATION = """\
From: {address}
To: {to}
Subject: Out of office
Auto-Submitted: auto-replied
Message-ID: <v1@example.net>

I am away.
"""


_posts = itertools.count(1)


def verp(
    mlist: Any, address: str, *, post: object = None, day: date | None = None
) -> str:
    """Our envelope sender for a recipient.

    :param post: The Message-ID of the post; that of a new one if not given.
    :param day: When it was sent; today if not given.
    """
    msg = {'message-id': str(post or f'<post{next(_posts)}@lists.example.gov>')}
    copies = Copies(mlist, cast(Message, msg), {'recipients': [address]})
    if day is not None:
        copies.__dict__['_today'] = day
    return copies.sender_for(copies.memberships([address]).get(address.lower()))


def old_verp(mlist: Any, address: str) -> str:
    """Mailman's, and ours before there were tokens."""
    local, _, domain = mlist.bounces_address.partition('@')
    mailbox, _, host = address.partition('@')
    return f'{local}+{mailbox}={host}@{domain}'


def report_text(
    to: str, address: str, said: str = UNKNOWN, host: str = '', serial: object = 1
) -> str:
    """A report of a failed recipient, as a mail server writes it."""
    return REPORT.format(
        to=to,
        address=address,
        host=host or f'mx.{address.rpartition("@")[2]}',
        said=said,
        status=said.split()[1],
        serial=serial,
    )


def report(
    mlist: Any,
    address: str,
    said: str = UNKNOWN,
    *,
    to: str | None = None,
    serial: object = 1,
    host: str = '',
) -> Message:
    """A report of a failed recipient, at the recipient's VERP address."""
    text = report_text(to or verp(mlist, address), address, said, host, serial)
    return message(text, '')


def received(msg: Message, **msgdata: Any) -> dict[str, Any]:
    """What LMTP notes of a report that came to the address in `To:`."""
    return {RECIPIENT: str(msg['to']), **msgdata}


def rows(**where: Any) -> list[QNetBounce]:
    """Rows of the ledger."""
    query = select(QNetBounce).order_by(QNetBounce.id)
    store().expire_all()
    return list(store().scalars(query.filter_by(**where)))
