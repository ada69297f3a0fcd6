# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a message down as it came, for people to look at.

Python's generator folds header fields anew, writes each part several times over on its
way out, makes boundaries up within the message that it is given, and raises all kinds
of errors at messages that its own parser took.  Nothing of that is wanted of a report
of which the first bytes are kept.
"""

from __future__ import annotations

import contextlib
import re
from email.message import Message
from typing import Any

MAX_DEPTH = 50
"""Of parts within parts; what is deeper is left out."""

_BOUNDARY = re.compile(
    r'boundary\s{0,9}=\s{0,9}(?:"([^"\n]{1,100})"|([^\s;"]{1,100}))', re.IGNORECASE
)
_NEWLINE = re.compile(r'\r\n|\r')


class _Full(Exception):
    """Enough was written."""


class _Writer:
    """Collects text until there is enough of it.

    :param most: In characters; bytes are at least as many.
    """

    def __init__(self, most: int) -> None:
        self.written: list[str] = []
        self._left = most

    def write(self, text: str) -> None:
        if '\r' in text:
            text = _NEWLINE.sub('\n', text)
        self.written.append(text)
        self._left -= len(text)
        if self._left < 0:
            raise _Full

    def message(self, msg: Any, depth: int = 0, *, is_block: bool = False) -> None:
        """Write a message, or a part of one.

        :param is_block: It is some fields, with no blank line behind them.
        """
        self.write(''.join([f'{name}: {value}\n' for name, value in msg.raw_items()]))
        payload = msg._payload
        if payload or not is_block:
            self.write('\n')
        if isinstance(payload, str):
            self.write(payload)
        elif isinstance(payload, list) and depth < MAX_DEPTH:
            parts = [part for part in payload if isinstance(part, Message)]
            kind = msg.get_content_type()
            if kind.startswith('message/'):
                # Blocks of fields (RFC 3464 section 2.1), or one message.
                is_block = kind.endswith('delivery-status')
                for number, part in enumerate(parts):
                    self.write('\n' if number else '')
                    self.message(part, depth + 1, is_block=is_block)
            else:
                self._multipart(msg, parts, depth)

    def _multipart(self, msg: Any, parts: list[Any], depth: int) -> None:
        boundary = _boundary_of(msg)
        if isinstance(msg.preamble, str):
            self.write(f'{msg.preamble}\n')
        for number, part in enumerate(parts):
            self.write(f'{chr(10) if number else ""}--{boundary}\n')
            self.message(part, depth + 1)
        self.write(f'\n--{boundary}--\n')
        if isinstance(msg.epilogue, str):
            self.write(msg.epilogue)


def first_bytes(msg: Message, most: int) -> bytes:
    """The first bytes of a message, in UTF-8 where its header has other text.

    :param most: How many.
    """
    writer = _Writer(most)
    with contextlib.suppress(_Full):
        writer.message(msg)
    return ''.join(writer.written).encode('utf-8', 'surrogateescape')[:most]


def _boundary_of(msg: Any) -> str:
    for name, value in msg.raw_items():
        if name.lower() == 'content-type':
            found = _BOUNDARY.search(str(value))
            return (found[1] or found[2]) if found else ''
    return ''
