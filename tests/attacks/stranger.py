# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stranger finds in a message who wants the links of others: all of it, by hand.

Written without a look at how the service finds them, and slower.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from urllib.parse import unquote

LEAVING = re.compile(r'(?=([a-z2-7]{72}))')
_BASE64_LINES = re.compile(
    r'(?:^[A-Za-z0-9+/]{60,76}\r?$\n)*^[A-Za-z0-9+/=]+\r?$', re.M
)


def links_in(data: bytes) -> set[str]:
    """What may be the token of a link to leave."""
    return {
        token
        for text in _readings(data)
        for token in LEAVING.findall(text.lower())
        # What they all begin with; any part of a long word might be one otherwise.
        if token[:2] in ('ai', 'am')
    }


def _readings(data: bytes) -> Iterator[str]:
    for text in set(_texts(data)):
        for plain in {text, html.unescape(text)}:
            once = unquote(plain)
            gateway = unquote(plain.replace('-', '%'))
            for one in {plain, once, unquote(once), gateway}:
                whole = re.sub('=\r?\n', '', one)
                joined = re.sub('[ \t]*\r?\n[ \t>|]*', '', one)
                for each in {one, whole, joined}:
                    yield from {each, re.sub('<[^<>]*>', '', each)}


def _texts(data: bytes, depth: int = 0) -> Iterator[str]:
    text = data.decode('latin-1')
    yield text
    yield text.replace('\0', '')
    if depth > 4:
        return
    for part in message_from_bytes(data).walk():
        yield from (str(value) for value in part.values())
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes) and payload != data:
            yield from _texts(payload, depth + 1)
        yield from _encoded(part, depth)


def _encoded(part: Message, depth: int) -> Iterator[str]:
    if part.is_multipart():
        return
    for block in _BASE64_LINES.findall(str(part.get_payload())):
        try:
            inside = base64.b64decode(block)
        except binascii.Error:
            continue
        yield from _texts(inside, depth + 1)
