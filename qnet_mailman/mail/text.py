# SPDX-License-Identifier: GPL-3.0-or-later
"""Header values as text: unfolding, RFC 2047 words, and the disguises of a text.

Everything here takes whatever ``email.message_from_bytes()`` may yield and never
raises.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import quopri
import re
import unicodedata
from collections.abc import Callable, Iterator
from urllib.parse import unquote_to_bytes

# RFC 2047 section 2; programs differ in what text they take inside of a word.
_ENCODED_WORD = re.compile(r'=\?([^?\s]{1,60})\?([bBqQ])\?(.*?)\?=')
_STRICT_TEXT = re.compile(r'[!->@-~]*')
_BREAK_AND_SPACE = re.compile(r'[\r\n]+(?=[ \t])')
_BREAK = re.compile(r'[\r\n]+')
_CONTROLS = re.compile('[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]')
_INVISIBLE = re.compile('[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]')
_QUOTED_PAIR = re.compile(r'\\(.)')
# Codecs of Python that are not charsets of mail, or not linear in time.
_NOT_CHARSETS = frozenset(
    {
        'idna',
        'punycode',
        'unicode-escape',
        'raw-unicode-escape',
        'undefined',
        'mbcs',
        'oem',
    }
)
# RFC 2047 section 2: an encoded word has at most 75 characters; this many bytes let
# the first one stand beside the name of its field.
_WORD_BYTES = 36


def charset_name(charset: str | None) -> str | None:
    """The codec's name for a charset.

    :param charset: A charset as a message names it.
    :return: Python's name of it, or None where Python cannot decode it.
    """
    if not charset or len(charset) > 60:
        return None
    try:
        codec = codecs.lookup(charset)
    except (LookupError, ValueError):
        return None
    # Python has codecs that make bytes of bytes, "base64" for one.
    is_text = codec._is_text_encoding
    return codec.name if is_text and codec.name not in _NOT_CHARSETS else None


def decode_bytes(raw: bytes, charset: str | None = None) -> str:
    """Decode bytes in the given charset, else as UTF-8, else as Latin-1."""
    for name in (charset_name(charset), 'utf-8'):
        if name is not None:
            try:
                return raw.decode(name)
            except ValueError:
                continue
    return raw.decode('latin-1')


def to_bytes(text: str) -> bytes:
    """The bytes that a string of the parser stands for."""
    try:
        return text.encode('utf-8', 'surrogateescape')
    except UnicodeEncodeError:
        return text.encode('utf-8', 'replace')


def raw_text(value: object) -> str:
    """A header value unfolded (RFC 5322 section 2.2.3), without control characters.

    :param value: A string, with surrogate escapes for 8-bit bytes, or a
        :class:`email.header.Header`.
    :return: The text; RFC 2047 words stay encoded.
    """
    try:
        text = str(value)
    except (LookupError, ValueError):
        return ''
    if not text.isascii():
        text = decode_bytes(to_bytes(text))
    text = _BREAK.sub(' ', _BREAK_AND_SPACE.sub('', text))
    return clean(text.replace('\t', ' ')).strip()


def clean(text: str) -> str:
    """Take control characters and lone surrogates out of a text."""
    return _CONTROLS.sub('', text)


def _word_bytes(encoding: str, text: str) -> bytes:
    raw = to_bytes(text)
    if encoding in 'qQ':
        return quopri.decodestring(raw, header=True)
    raw = re.sub(rb'[^A-Za-z0-9+/]', b'', raw)
    if len(raw) % 4 == 1:
        raw = raw[:-1]
    try:
        return binascii.a2b_base64(raw + b'=' * (-len(raw) % 4))
    except binascii.Error:
        return b''


def _encoded_words(text: str) -> Iterator[re.Match[str]]:
    # Without an end to look for, each beginning would be searched to the end.
    return _ENCODED_WORD.finditer(text, 0, text.rfind('?=') + 2)


def decode_words(text: str, decode: Callable[[bytes, str], str] = decode_bytes) -> str:
    """Decode RFC 2047 encoded words wherever they stand.

    Adjacent words in one charset are decoded together: some mail programs cut a
    multi-byte character in two.

    :param decode: Makes a text of a word's bytes and charset.
    """
    if '=?' not in text:
        return text
    pieces: list[str] = []
    charset = ''
    pending = b''
    end = 0
    for match in _encoded_words(text):
        between = text[end : match.start()]
        new_charset = match[1].partition('*')[0].lower()
        if pending and (between.strip() or new_charset != charset):
            pieces.append(decode(pending, charset))
            pending = b''
        if between.strip() or end == 0:
            pieces.append(between)
        pending += _word_bytes(match[2], match[3])
        charset = new_charset
        end = match.end()
    if pending:
        pieces.append(decode(pending, charset))
    pieces.append(text[end:])
    return ''.join(pieces)


def words_are_valid(text: str) -> bool:
    """Whether every program decodes the encoded words of an ASCII text alike.

    Each must be decodable by itself and stand between spaces (RFC 2047 section 5).
    """
    for match in _encoded_words(text):
        around = text[max(0, match.start() - 1) : match.start()]
        around += text[match.end() : match.end() + 1]
        if around.strip(' ') or not _STRICT_TEXT.fullmatch(match[3]):
            return False
        name = charset_name(match[1].partition('*')[0])
        if name is None:
            return False
        try:
            _word_bytes(match[2], match[3]).decode(name)
        except ValueError:
            return False
    return True


def encode_words(text: str) -> str:
    """RFC 2047 words in UTF-8 where the text needs them, else the text itself."""
    if text.isascii() and '=?' not in text:
        return text
    chunks: list[bytes] = []
    chunk = b''
    for character in text:
        encoded = character.encode('utf-8', 'replace')
        if len(chunk) + len(encoded) > _WORD_BYTES:
            chunks.append(chunk)
            chunk = b''
        chunk += encoded
    chunks.append(chunk)
    return ' '.join(f'=?utf-8?b?{base64.b64encode(c).decode()}?=' for c in chunks)


def plain(text: str) -> str:
    """The text for comparison: without case, accents and invisible characters."""
    if text.isascii():
        return text.lower()
    text = _INVISIBLE.sub('', text)
    text = unicodedata.normalize('NFKD', text)
    return ''.join(c for c in text if not unicodedata.combining(c)).casefold()


def _unpercent(text: str) -> str:
    if '%' not in text:
        return text
    return decode_bytes(unquote_to_bytes(to_bytes(text)))


def _unescape(text: str) -> str:
    return _QUOTED_PAIR.sub(r'\1', text) if '\\' in text else text


def views(text: str) -> Iterator[str]:
    """The text and what it reads once its disguises are taken off.

    The disguises are RFC 2047 words, percent-encoding (RFC 2231 and URLs) and
    quoted pairs, also one inside the other.

    :param text: An unfolded text.
    :return: Each reading once, made :func:`plain`.
    """
    seen = {text}
    fresh = [text]
    for _ in range(3):
        steps = [s(t) for t in fresh for s in (decode_words, _unpercent, _unescape)]
        fresh = [t for t in dict.fromkeys(steps) if t not in seen]
        seen.update(fresh)
        if not fresh:
            break
    yield from dict.fromkeys(plain(t) for t in seen)
