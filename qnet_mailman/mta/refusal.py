# SPDX-License-Identifier: GPL-3.0-or-later
"""A recipient whom the mail server refused while we delivered (RFC 5321 4.2).

Which replies are final:

- 5yz, except a 552 that says "too many recipients" (RFC 5321 4.5.3.1.10), which is to
  be tried again.  Any other 552 is about a full mailbox or a large message.  Stock
  Mailman tries them all again for five days, and then forgets them.
- Anything else, once it was tried for Mailman's ``delivery_retry_period``.

No reply at all (Mailman writes 444) is never a bounce: it is our own mail server that
does not answer, and says nothing about anybody's address.  Nor is 421, with which it
closes the connection (RFC 5321 section 3.8).
"""

from __future__ import annotations

import re
from email.utils import formatdate, make_msgid
from typing import Any

from mailman.email.message import Message
from mailman.interfaces.mta import SomeRecipientsFailed

from qnet_mailman.mlist import Mlist

EXCEEDED = 552
NO_REPLY = 444
UNAVAILABLE = 421

Reply = tuple[int, str]

_TOO_MANY = re.compile(r'too\s+many\s+(recipients|rcpt)', re.IGNORECASE)
_SIZE = re.compile(r'\b5\.[23]\.[34]\b|\bsize\b|too (large|big|long)', re.IGNORECASE)
_STATUS = re.compile(r'\b[245]\.\d{1,3}\.\d{1,3}\b')


def text_of(reply: Any) -> str:
    """The text of a reply, which smtplib gives as bytes."""
    if isinstance(reply, bytes):
        return reply.decode('utf-8', 'replace')
    return str(reply)


def is_final(code: int, text: str) -> bool:
    """Whether a reply is the last word about a message and recipient."""
    if code == EXCEEDED:
        return _TOO_MANY.search(text) is None
    return code >= 500


def is_about_size(code: int, reply: Any) -> bool:
    """Whether a refusal of MAIL is about the size of the message (RFC 1870 6.1).

    552 is its code; others have the status 5.3.4 (RFC 3463), or say so.
    """
    return code >= 500 and (
        code == EXCEEDED or _SIZE.search(text_of(reply)) is not None
    )


class RecipientsFailed(SomeRecipientsFailed):
    """Recipients were refused.

    :ivar replies: What was said about those with temporary failures.
    :ivar too_large: What the mail server said to the size of the message, before it
        heard of any recipient; empty if nothing.
    """

    def __init__(
        self,
        temporary: dict[str, Reply],
        permanent: list[tuple[str, int, str]],
    ) -> None:
        super().__init__(list(temporary), permanent)
        self.replies = temporary
        self.too_large = ''


class Refusal(Message):
    """The report of a refusal, as nobody else writes one.

    :ivar code: The SMTP reply code.
    :ivar text: The reply's text.
    :ivar status: The enhanced status code in it (RFC 3463), or None.
    """

    code: int
    text: str
    status: str | None


def report(mlist: Mlist, recipient: str, code: int, reply: Any) -> Refusal:
    """Write the report of a refusal."""
    text = text_of(reply)
    msg = Refusal()
    msg.code, msg.text = code, text
    found = _STATUS.search(text)
    msg.status = found[0] if found else None
    msg['From'] = f'Mailman <{mlist.posting_address}>'
    msg['To'] = f'Mailman Bounces <{mlist.bounces_address}>'
    msg['Subject'] = 'SMTP Delivery Failure'
    msg['Message-ID'] = make_msgid()
    msg['Date'] = formatdate(localtime=True)
    body = f'Mail to {recipient} was refused.\n\nReply: {code} {text}\n'
    msg.set_payload(body.encode('utf-8', 'replace'), 'utf-8')
    return msg
