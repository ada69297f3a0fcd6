# SPDX-License-Identifier: GPL-3.0-or-later
"""The content of a leaf part and its transfer encoding (RFC 2045 section 6).

The content stays encoded as it came unless somebody has to look into it.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from email.message import Message

from qnet_mailman.mail.text import to_bytes

TRANSFER_ENCODINGS = frozenset({'7bit', '8bit', 'binary', 'base64', 'quoted-printable'})

_CLEAN_BASE64 = re.compile(r'[A-Za-z0-9+/\s]*(?:=\s*){0,2}')


def raw_payload(part: Message) -> str | list[Message] | None:
    """The payload of a part as the parser left it.

    :meth:`~email.message.Message.get_payload` decodes 8-bit content in the charset
    that the part names and puts replacement characters where it cannot.
    """
    payload = part._payload  # type: ignore[attr-defined]
    return payload if isinstance(payload, str | list) else None


def transfer_encoding(field: str) -> str:
    """The transfer encoding that a field names.

    :param field: The unfolded value of Content-Transfer-Encoding.
    :return: One of the five standard tokens, ``x-uuencode``, or '' for anything
        else, which mail programs show as it is.
    """
    words = field.partition('(')[0].strip(' ;"').lower().split(';')[0].split()
    token = words[0] if words else ''
    if token in {'x-uuencode', 'uuencode', 'uue', 'x-uue'}:
        return 'x-uuencode'
    return token if token in TRANSFER_ENCODINGS else ''


@dataclass(frozen=True)
class Body:
    """The content of a leaf part.

    :ivar payload: As the parser gave it: encoded, 8-bit bytes as surrogates.
    :ivar encoding: The transfer encoding.
    """

    payload: str
    encoding: str

    @classmethod
    def of(cls, payload: object, encoding: str) -> Body:
        """The content of a parsed part, made fit to be written again.

        What stands in base64 outside of its alphabet reaches no reader's eye, but
        might name the sender: such content is encoded anew, and so is uuencoded
        content, which has a file name in its first line.
        """
        text = payload if isinstance(payload, str) else ''
        if not text.isascii():
            text = to_bytes(text).decode('ascii', 'surrogateescape')
        body = cls(text, encoding)
        if encoding == 'x-uuencode' or (
            encoding == 'base64' and not _CLEAN_BASE64.fullmatch(text)
        ):
            return cls(_base64(body.decode()), 'base64')
        if encoding in {'', '7bit'} and not text.isascii():
            return cls(text, '8bit')
        return body

    def decode(self) -> bytes:
        """The content as bytes."""
        probe = Message()
        probe['Content-Transfer-Encoding'] = self.encoding or '8bit'
        probe.set_payload(self.payload)
        data = probe.get_payload(decode=True)
        return data if isinstance(data, bytes) else b''

    def with_content(self, data: bytes) -> Body:
        """Other content in the same transfer encoding, where that can hold it."""
        if self.encoding == 'quoted-printable':
            # As text, CRLF would be written bare and made LF on the way.
            encoded = binascii.b2a_qp(data, istext=b'\r' not in data)
            return Body(encoded.decode('ascii'), self.encoding)
        if self.encoding == 'base64' or not (
            data.isascii() or self.encoding in {'8bit', 'binary'}
        ):
            return Body(_base64(data), 'base64')
        return Body(data.decode('ascii', 'surrogateescape'), self.encoding)


def _base64(data: bytes) -> str:
    return base64.encodebytes(data).decode('ascii')
