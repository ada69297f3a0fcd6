# SPDX-License-Identifier: GPL-3.0-or-later
"""vCards (RFC 6350): the sender's are dropped, other people's are kept (R9)."""

from __future__ import annotations

import quopri
import re

from qnet_mailman.mail.text import decode_bytes
from qnet_mailman.masking.secrets import Secrets

_END = re.compile(rb'^END:VCARD[ \t]*(?:\r\n|\r|\n|$)', re.IGNORECASE | re.MULTILINE)
_FOLD = re.compile(rb'(?:\r\n|\r|\n)[ \t]')
_BREAK = re.compile(r'[\r\n]+')


def mask_cards(data: bytes, charset: str | None, secrets: Secrets) -> bytes:
    """Take the sender's cards out of a file of cards.

    :param data: The decoded content of the part.
    :param charset: The part's charset, if it names one.
    :return: The other people's cards, byte for byte; empty where there are none.
    """
    kept: list[bytes] = []
    start = 0
    for match in _END.finditer(data):
        kept.append(data[start : match.end()])
        start = match.end()
    kept.append(data[start:])
    result = b''.join(c for c in kept if not _names_sender(c, charset, secrets))
    return result if result.strip() else b''


def _names_sender(card: bytes, charset: str | None, secrets: Secrets) -> bool:
    unfolded = _FOLD.sub(b'', card)
    texts = {decode_bytes(unfolded, charset), decode_bytes(unfolded)}
    # vCard 2.1 writes non-ASCII text in quoted-printable.
    texts.add(decode_bytes(quopri.decodestring(unfolded)))
    return any(
        secrets.names_sender(line) or secrets.is_name(line.partition(':')[2])
        for text in texts
        for line in _BREAK.split(text)
    )
