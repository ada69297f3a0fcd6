# SPDX-License-Identifier: GPL-3.0-or-later
"""A message as the protocol wants it: line ends, long lines, and 8-bit text.

Only the transfer encoding of a part and of its header fields (:mod:`.fields`) changes;
what they decode to stays (R9).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email import message_from_bytes
from email.generator import BytesGenerator
from email.message import Message
from io import BytesIO

from qnet_mailman.mail.body import Body, raw_payload
from qnet_mailman.mail.text import to_bytes
from qnet_mailman.mta import bodies
from qnet_mailman.mta.fields import encode_fields

LONGEST = 998
"""Bytes of a line without its end (RFC 5321 section 4.5.3.1.6)."""

_BARE = re.compile(rb'\r\n|\r|\n')
_AS_IT_IS = ('', '7bit', '8bit', 'binary')


def on_the_wire(msg: Message) -> bytes:
    """A message as it is sent: CRLF line ends, its text untouched.

    Python's SMTP client writes ``>From `` for a line of text that begins with
    ``From `` (a habit of mail folders, not of SMTP), which alters the text that a
    person wrote (R9).
    """
    return _flattened(msg, mangle_from=False)


def as_smtplib(msg: Message) -> bytes:
    """A message as that client writes it, for lists that are not ours (R40)."""
    return _flattened(msg, mangle_from=True)


def _flattened(msg: Message, *, mangle_from: bool) -> bytes:
    buffer = BytesIO()
    BytesGenerator(buffer, mangle_from_=mangle_from).flatten(msg, linesep='\r\n')
    return with_line_ends(buffer.getvalue())


def with_line_ends(data: bytes) -> bytes:
    """The bytes with no CR and no LF by itself (RFC 5321 section 2.3.8).

    A server that takes one for the end of a line can be made to take the text of a
    message for commands.
    """
    ends = data.count(b'\r\n')
    if data.count(b'\r') == ends == data.count(b'\n'):
        return data
    return _BARE.sub(b'\r\n', data)


def shorten_lines(msg: Message) -> None:
    """Encode parts with lines that no server has to take."""
    _encode(msg, lambda data: any(len(line) > LONGEST for line in data.splitlines()))


def in_seven_bits(data: bytes) -> bytes:
    """A written message for a server without 8BITMIME (RFC 6152 section 3)."""
    msg = message_from_bytes(data)
    _encode(msg, lambda part: not part.isascii())
    for part in msg.walk():
        encode_fields(part)
        encoding = str(part.get('Content-Transfer-Encoding', '')).strip().lower()
        if encoding in ('8bit', 'binary'):
            # All that is in it is ASCII now.
            part.replace_header('Content-Transfer-Encoding', '7bit')
        # Nobody reads what stands around parts (RFC 2046 section 5.1.1).
        part.preamble = part.preamble and _ascii_only(part.preamble)
        part.epilogue = part.epilogue and _ascii_only(part.epilogue)
        payload = raw_payload(part)
        if isinstance(payload, str) and not payload.isascii():
            part.set_payload(_declared(payload, encoding))
    return on_the_wire(msg)


def _ascii_only(text: str) -> str:
    return text.encode('ascii', 'ignore').decode('ascii')


def _declared(payload: str, encoding: str) -> str:
    """Content with 8-bit bytes although its transfer encoding has none.

    Readers of base64 pass over them (RFC 2045 section 6.8); of quoted-printable,
    most take them as they are.
    """
    if encoding != 'quoted-printable':
        return _ascii_only(payload)
    return ''.join(
        one if one.isascii() else ''.join(f'={byte:02X}' for byte in to_bytes(one))
        for one in payload
    )


def _encode(msg: Message, wanted: Callable[[bytes], bool]) -> None:
    for part in msg.walk():
        field = str(part.get('Content-Transfer-Encoding', '')).strip().lower()
        if part.is_multipart() or field not in _AS_IT_IS:
            continue
        data = Body.of(raw_payload(part), '').decode()
        if wanted(data):
            text = part.get_content_maintype() == 'text'
            encoding = 'quoted-printable' if text else 'base64'
            # A part that says nothing of its encoding gets a field that does.
            bodies.write(part, data, encoding, None)
