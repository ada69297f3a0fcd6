# SPDX-License-Identifier: GPL-3.0-or-later
"""Base32 (RFC 4648 section 6) in lower case, of which each copy of a post has three.

Python's own writes character by character, which takes longer than all else in a token.
"""

from __future__ import annotations

from collections.abc import Sequence

_ALPHABET = b'abcdefghijklmnopqrstuvwxyz234567' * 8
"""What a byte is of whose bits the last five count."""
_PLACES = [divmod(bit, 8) for bit in range(35, -1, -5)]
"""For each of the eight characters of five bytes, where in these its bits end."""


def encode(data: bytes) -> str:
    """Write bytes, of which there are a multiple of five."""
    return encode_all([data])[0]


def encode_all(some: Sequence[bytes]) -> list[str]:
    """Write many, in a fifth of the time that each alone takes.

    :param some: All of one length, a multiple of five.
    """
    data = b''.join(some)
    if not data:
        return [''] * len(some)
    number = int.from_bytes(data)
    written = bytearray(len(data) // 5 * 8)
    for place, (byte, bit) in enumerate(_PLACES):
        # With its bits at the end of a byte, a character is at every fifth.
        written[place::8] = (number >> bit).to_bytes(len(data))[4 - byte :: 5]
    text = written.translate(_ALPHABET).decode('ascii')
    length = len(text) // len(some)
    return [text[start : start + length] for start in range(0, len(text), length)]
