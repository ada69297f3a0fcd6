# SPDX-License-Identifier: GPL-3.0-or-later
"""Header fields in ASCII: what a message came in with may hold raw 8-bit text.

RFC 5322 knows none, RFC 6532 takes UTF-8 where every server on the way has SMTPUTF8
(RFC 6531).  A mail server that has it passes the message on to servers that do not, or
refuses it there (RFC 6531 section 3.2): members would bounce.  So no copy of ours needs
it for its header; the text stays, and is only written otherwise:

- unstructured fields and names of people in RFC 2047 words;
- parameters, such as the name of a file, as in RFC 2231;
- a domain of an address in IDNA; addresses beyond ASCII otherwise by name only, as an
  empty group (RFC 6857 section 3.1.8);
- other structured fields, which take no such words (RFC 2047 section 5), with the
  bytes percent-encoded: identifiers stay the same from message to message.
"""

from __future__ import annotations

import re
from email.message import Message
from urllib.parse import quote

from qnet_mailman.mail import parameters
from qnet_mailman.mail.addresses import mailboxes
from qnet_mailman.mail.fields import set_fields
from qnet_mailman.mail.text import decode_words, encode_words, raw_text, to_bytes

_ADDRESSES = re.compile(
    r'(resent-)?(from|sender|reply-to|to|cc|bcc)|errors-to|mail-(followup|reply)-to'
    r'|disposition-notification-to|return-receipt-to'
)
_PARAMETERS = re.compile(r'content-(type|disposition)')
_STRUCTURED = re.compile(
    r'(resent-)?(date|message-id)|in-reply-to|references|received(-spf)?|return-path'
    r'|delivered-to|mime-version|content-(?!description).*|dkim-signature|arc-.*'
    r'|authentication-results|list-.*|archived-at|auto-submitted|precedence|autocrypt'
)
_PRINTABLE = ''.join(map(chr, range(32, 127)))


def encode_fields(msg: Message) -> None:
    """Write the fields of a message or part in ASCII; those of its parts stay."""
    fields = list(msg.raw_items())
    if all(str(value).isascii() for _, value in fields):
        return
    set_fields(
        msg,
        [
            # A `Header` is of Mailman's own making and writes itself in ASCII.
            (name, in_ascii(name, value))
            if isinstance(value, str) and not value.isascii()
            else (name, value)
            for name, value in fields
        ],
    )


def in_ascii(name: str, value: str) -> str:
    """The value of a field in ASCII.

    :param value: With surrogate escapes for 8-bit bytes.
    """
    name = name.lower()
    text = raw_text(value)
    if _ADDRESSES.fullmatch(name):
        boxes = mailboxes(text)
        kept = [str(mailbox) for mailbox in boxes if mailbox.address]
        if len(kept) < len(boxes) or not kept:
            kept.append(f'{encode_words(decode_words(text))} :;')
        return ', '.join(kept)
    if _PARAMETERS.fullmatch(name):
        kind, found = parameters.parse(text)
        return parameters.write(quote(to_bytes(kind), safe=_PRINTABLE), found)
    if _STRUCTURED.fullmatch(name):
        return quote(to_bytes(text), safe=_PRINTABLE)
    return encode_words(decode_words(text))
