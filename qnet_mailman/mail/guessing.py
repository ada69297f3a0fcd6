# SPDX-License-Identifier: GPL-3.0-or-later
"""Text in a charset that nobody names, or names wrongly, as bounce reports have it.

A guess is taken only if the characters of its language show that it was right; where
nothing fits, the text is read as cp1252, with what cannot be read replaced.  Nothing is
raised.
"""

from __future__ import annotations

import re

from qnet_mailman.mail.text import decode_words


def header_text(value: str) -> str:
    """A header value on one line, its encoded words decoded (RFC 2047)."""
    if '=?' in value:
        value = decode_words(value, guess)
    return ' '.join(value.split())


def guess(data: bytes, charset: str = '') -> str:
    """Decode a text, whether or not it says truly what it is written in."""
    if b'\x1b$' in data or b'\x1b(' in data:
        return data.decode('iso2022_jp', 'replace')
    if data.isascii():
        return data.decode('ascii')
    declared = charset.lower()
    for known in (declared if declared not in _SAYS_NOTHING else '', 'utf-8'):
        if known and (text := _decode_strictly(data, known)) is not None:
            return text
    for charset, telling in _GUESSES:
        text = _decode_strictly(data, charset) or ''
        if text and len(telling.findall(text)) * 8 >= _beyond_ascii(text):
            return text
    # A few damaged characters of UTF-8, or something Western.
    text = data.decode('utf-8', 'replace')
    if text.count('\ufffd') * 20 < _beyond_ascii(text):
        return text
    return data.decode('cp1252', 'replace')


def _beyond_ascii(text: str) -> int:
    """How many characters of a text are not ASCII."""
    return len(text) - len(text.encode('ascii', 'ignore'))


def guess_whole(data: bytes, charset: str = '') -> str:
    """As `guess`, of a text whose end is not cut: its last characters count as well."""
    end = ' ' * 8
    return guess(data + end.encode(), charset).removesuffix(end)


def _decode_strictly(data: bytes, charset: str) -> str | None:
    """Decode, but for a character that a cap cut through; None if it is not that."""
    try:
        return data.decode(charset)
    except UnicodeDecodeError as error:
        if error.start < len(data) - 4:
            return None
        return data.decode(charset, 'ignore')
    except (LookupError, ValueError):
        return None


#: Charsets that say nothing, and codecs that are none (and take their time).
_SAYS_NOTHING = frozenset(
    {'', 'us-ascii', 'ascii', 'unknown', 'unknown-8bit', '8bit', 'punycode', 'idna'}
)
# Charsets that undeclared 8-bit text comes in, and the characters that, where an eighth
# of the text consists of them, show that the guess was right.
_GUESSES = [
    ('euc_jp', re.compile('[ぁ-ん]')),
    ('shift_jis', re.compile('[ぁ-ん]')),
    ('gb18030', re.compile('[的件不邮收信您址无到]')),
    ('big5', re.compile('[的件不郵收信您址無到]')),
    ('euc_kr', re.compile('[이다을를메일니는의]')),
    ('koi8_r', re.compile('[оеаинтсп]{2}')),
    ('cp1251', re.compile('[оеаинтсп]{2}')),
]
