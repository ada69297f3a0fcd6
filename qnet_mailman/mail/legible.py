# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields that Mailman can read, whatever a stranger wrote into them.

Mailman decodes some fields of each message that it takes out of a queue, and shunts
the message where that fails: one with an encoded word (RFC 2047) of an unknown or
wrong charset waits for an operator, who can do nothing with it.
"""

from __future__ import annotations

import re
from email.errors import MessageError
from email.header import decode_header, make_header
from typing import Any

from qnet_mailman.mail.charsets import settle_charsets
from qnet_mailman.mail.guessing import header_text

_DECODED = ('from', 'sender', 'reply-to', 'subject')
_PLAIN = ('precedence', 'x-ack', 'x-archive', 'to')
"""Fields that Mailman takes for text, and that 8-bit bytes make a `Header`."""
_ADDRESSES = ('from', 'sender', 'reply-to', 'to', 'cc', 'resent-to', 'resent-cc')
_PARENTHESES = re.compile(r'[()]')
_LINE_ENDS = re.compile('[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]')
"""What Python takes for the end of a line, and mail does not (RFC 5322)."""
_MAX_COMMENTS = 100
"""Python's parser of addresses calls itself for a comment inside another, and fails
where several hundred begin."""


def make_legible(msg: Any) -> None:
    """Change what of a message Mailman would fail at; nothing else.

    Of a subject, as much as can be read.  In fields with addresses, an encoded word
    that cannot be decoded is shown as it is written: what is in it might read as
    another address.  For texts see :mod:`.charsets`.
    """
    settle_charsets(msg)
    for part in msg.walk():
        _keep_in_line(part)
    for name in _DECODED:
        values = msg.get_all(name, [])
        if not all(_is_legible(value) for value in values):
            read = header_text if name == 'subject' else _one_line
            _replace(msg, name, [read(str(value)) for value in values])
    subject = msg.get('subject', '')
    if isinstance(subject, str) and subject.isspace():
        # Mailman looks for the first word of what is not empty.
        msg.replace_header('subject', '')
    for name in _ADDRESSES:
        values = [str(value) for value in msg.get_all(name, [])]
        if any(value.count('(') > _MAX_COMMENTS for value in values):
            _replace(msg, name, [_one_line(_PARENTHESES.sub(' ', v)) for v in values])
    for name in _PLAIN:
        values = msg.get_all(name, [])
        if not all(isinstance(value, str) for value in values):
            _replace(msg, name, [str(value) for value in values])


def _keep_in_line(part: Any) -> None:
    """Leave no character in a field at which Python would end it when it is written.

    What follows would stand before the next field, and be one of its own or end the
    header.
    """
    fields = list(part.raw_items())
    if not any(_LINE_ENDS.search(str(value)) for _name, value in fields):
        return
    for name in set(part.keys()):
        del part[name]
    for name, value in fields:
        if _LINE_ENDS.search(str(value)):
            value = _LINE_ENDS.sub(' ', str(value))
        part.set_raw(name, value)


def _replace(msg: Any, name: str, values: list[str]) -> None:
    del msg[name]
    for value in values:
        msg[name] = value.replace('=?', '= ?')


def _is_legible(value: Any) -> bool:
    try:
        str(make_header(decode_header(value)))
    except (MessageError, ValueError, LookupError):
        return False
    return True


def _one_line(value: str) -> str:
    return ' '.join(value.split())
