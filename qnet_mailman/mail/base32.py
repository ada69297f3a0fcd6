# SPDX-License-Identifier: GPL-3.0-or-later
"""Base32 (RFC 4648 section 6) in lower case, of which each copy of a post has three.

Python's own takes twice as long, more than all else in a token.
"""

from __future__ import annotations

from itertools import product

_PAIRS = [
    ''.join(pair) for pair in product('abcdefghijklmnopqrstuvwxyz234567', repeat=2)
]
"""What ten bits are."""


def encode(data: bytes) -> str:
    """Write bytes, of which there are a multiple of five."""
    number = int.from_bytes(data)
    return ''.join(
        [_PAIRS[number >> bit & 1023] for bit in range(len(data) * 8 - 10, -1, -10)]
    )
