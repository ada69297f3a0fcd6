# SPDX-License-Identifier: GPL-3.0-or-later
"""Every text of a message: fields, contents, and messages inside of it.

A function is given each of them as it reads without its transfer encoding, and what it
changes is written back in the same.  What it leaves as it is stays byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email import message_from_bytes
from email.message import Message

from qnet_mailman.mail.body import Body, raw_payload, transfer_encoding
from qnet_mailman.mail.fields import set_fields
from qnet_mailman.mail.text import (
    charset_name,
    decode_words,
    encode_words,
    raw_text,
    to_bytes,
)

Change = Callable[[str], str]

_UNSTRUCTURED = frozenset({'subject', 'thread-topic', 'content-description'})
"""Fields that may be written anew as one text."""
_DEPTH = 5
"""How many messages are looked into that are files inside of each other."""
_IS_ENCODED_MESSAGE = re.compile(
    r'^content-transfer-encoding:[ \t]*base64', re.IGNORECASE | re.MULTILINE
)


def change_texts(msg: Message, change: Change, depth: int = 0) -> bool:
    """Change the texts of a message, in place.

    :param change: Gets a text, and returns it, or another.  Bytes of no charset, or of
        one in which ASCII is what it is elsewhere, are a character each.
    :return: Whether it has changed any.
    """
    changed = False
    # Not by recursion, as a message may be nested deeply.
    waiting = [msg]
    while waiting:
        part = waiting.pop()
        changed |= _change_fields(part, change)
        for around in ('preamble', 'epilogue'):
            text = getattr(part, around)
            if isinstance(text, str) and (new := change(text)) != text:
                setattr(part, around, new)
                changed = True
        payload = raw_payload(part)
        if isinstance(payload, list):
            waiting += [each for each in payload if isinstance(each, Message)]
            changed |= _change_encoded_message(part, payload, change, depth)
        elif payload:
            changed |= _change_content(part, payload, change, depth)
    return changed


def _change_fields(part: Message, change: Change) -> bool:
    fields = list(part.raw_items())
    new = [(name, _changed_field(name, value, change)) for name, value in fields]
    if new == fields:
        return False
    set_fields(part, new)
    return True


def _changed_field(name: str, value: object, change: Change) -> object:
    if not isinstance(value, str):
        # With 8-bit bytes, and of our own making.
        return value
    new = change(value)
    if new == value and '=?' in value and name.lower() in _UNSTRUCTURED:
        # RFC 2047 section 2 lets no long word be one encoded word.
        text = decode_words(raw_text(value))
        if (clean := change(text)) != text:
            new = encode_words(clean)
    return new


def _change_content(part: Message, payload: str, change: Change, depth: int) -> bool:
    """Change the content of a part without parts."""
    encoding = transfer_encoding(raw_text(part.get('Content-Transfer-Encoding', '')))
    is_encoded = encoding in ('base64', 'quoted-printable', 'x-uuencode')
    data = Body(payload, encoding).decode() if is_encoded else to_bytes(payload)
    new = _changed(data, _codec(part), change, depth)
    if new == data:
        return False
    if not is_encoded:
        part.set_payload(new.decode('ascii', 'surrogateescape'))
        return True
    body = Body.of(payload, encoding).with_content(new)
    part.set_payload(body.payload)
    if body.encoding != encoding:
        del part['Content-Transfer-Encoding']
        part['Content-Transfer-Encoding'] = body.encoding
    return True


def _changed(data: bytes, codec: str | None, change: Change, depth: int) -> bytes:
    if codec is not None:
        try:
            text = data.decode(codec)
            new = change(text)
            return data if new == text else new.encode(codec)
        except ValueError:
            pass
    text = data.decode('latin-1')
    if (new := change(text)) != text:
        data = new.encode('latin-1')
    if depth < _DEPTH and _IS_ENCODED_MESSAGE.search(text):
        return _changed_message(data, change, depth)
    return data


def _changed_message(data: bytes, change: Change, depth: int) -> bytes:
    inside = message_from_bytes(data)
    if not change_texts(inside, change, depth + 1):
        return data
    try:
        return inside.as_bytes()
    except Exception:
        # Python reads what it cannot write again; few others show that at all.
        return data


def _codec(part: Message) -> str | None:
    """The charset of a text in which ASCII is written otherwise; None for others."""
    if part.get_content_maintype() != 'text':
        return None
    try:
        codec = charset_name(part.get_content_charset())
        return codec if codec and 'a0='.encode(codec) != b'a0=' else None
    except (LookupError, TypeError, ValueError):
        return None


def _change_encoded_message(
    part: Message, payload: list[Message], change: Change, depth: int
) -> bool:
    """Change a message inside that is encoded as a whole.

    RFC 2046 section 5.2.1 forbids that, some programs do it, and others show it.
    """
    if part.get_content_maintype() != 'message' or len(payload) != 1:
        return False
    encoding = transfer_encoding(raw_text(part.get('Content-Transfer-Encoding', '')))
    text = raw_payload(payload[0])
    if encoding not in ('base64', 'quoted-printable') or not isinstance(text, str):
        return False
    body = Body(text, encoding)
    data = body.decode()
    if depth >= _DEPTH or (new := _changed_message(data, change, depth)) == data:
        return False
    payload[0].set_payload(body.with_content(new).payload)
    return True
