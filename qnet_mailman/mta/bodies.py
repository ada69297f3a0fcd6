# SPDX-License-Identifier: GPL-3.0-or-later
"""A text before and a text after the content of a text part.

What a person wrote is never altered: it decodes to the same text, and bytes that are
wrong in their charset stay.  The added texts hold a *stand-in*, a token of the length
of the real ones, and are encoded so that each copy can put its own token there by
replacing bytes (see :mod:`.copies`).
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from urllib.parse import urlsplit

from qnet_mailman.letter.html import LINK
from qnet_mailman.mail.body import Body, raw_payload, transfer_encoding
from qnet_mailman.mail.text import charset_name

Place = Callable[[bytes], bytes]
"""The bytes of a message that hold a token, for any token."""

BASE64_LINE = 57
"""Bytes in a line of base64 (RFC 2045 section 6.8: 76 characters)."""

_BODY_START = re.compile(rb'<body(?:\s[^>]*)?>', re.IGNORECASE)
_BODY_END = re.compile(rb'</body\s*>', re.IGNORECASE)
_RULE = re.compile(r'[_=*-]{5,}')
_LONG_URL = 60
"""Characters of a URL that is not shown where there are words for it."""
_BLACK, _BLUE, _WHITE = '#1b1b1b', '#005ea2', '#ffffff'
_FONT = (
    f'background-color:{_WHITE};font-family:Arial,sans-serif;font-size:14px;'
    'font-weight:normal;font-style:normal;line-height:1.5'
)
_STYLE = f'color:{_BLACK};{_FONT};text-align:left;padding:8px'
"""Its own colours and size, whatever those of the page are (WCAG 2.1, 1.4.3)."""
_LINK_STYLE = f'color:{_BLUE};{_FONT};text-decoration:underline'


class CannotAdd(Exception):
    """The part cannot take the texts without being altered."""


@dataclass(frozen=True)
class Texts:
    """What is added to a message.

    :ivar header: Before the text; lines end in LF.
    :ivar footer: After it.
    :ivar language: Code of the language they are in.
    :ivar token: The stand-in, where they hold one.
    """

    header: str = ''
    footer: str = ''
    language: str = 'en'
    token: str | None = None

    def __bool__(self) -> bool:
        return bool(self.header or self.footer)


def add_to(part: Message, texts: Texts) -> list[Place]:
    """Add texts to a part of the type text/plain or text/html.

    :return: Where the stand-in is.
    :raises CannotAdd: where that would alter what is there; the part is unchanged.
    """
    field = str(part.get('Content-Transfer-Encoding', ''))
    encoding = transfer_encoding(field)
    if encoding == 'x-uuencode' or (field.strip() and not encoding):
        raise CannotAdd(f'transfer encoding {field}')
    data = Body.of(raw_payload(part), encoding).decode()
    charset = _charset_of(part)
    if part.get_content_type() == 'text/html':
        front, back = (
            as_html(text, texts.language) for text in (texts.header, texts.footer)
        )
        ends_of = _html_ends
    else:
        flowed = str(part.get_param('format', '')).lower() == 'flowed'
        front, back = _framed(texts, data, flowed=flowed)
        ends_of = _plain_ends
    token = texts.token or ''
    new, new_charset = _joined(data, charset, (front, back), ends_of, token)
    if new_charset != charset:
        part.set_param('charset', new_charset)
    return write(part, new, encoding, texts.token)


def _charset_of(part: Message) -> str:
    value = part.get_param('charset')
    if isinstance(value, tuple):
        value = value[2]
    return str(value or 'us-ascii').strip().lower()


def _plain_ends(data: bytes) -> tuple[int, int]:
    """All of it, but for a byte order mark."""
    bom = data.startswith(codecs.BOM_UTF8)
    return len(codecs.BOM_UTF8) if bom else 0, len(data)


def _html_ends(data: bytes) -> tuple[int, int]:
    """Behind the beginning of the body, and before its last end."""
    begins = _BODY_START.search(data)
    start = begins.end() if begins else 0
    end = len(data)
    for match in _BODY_END.finditer(data):
        end = match.start()
    return (start, end) if start <= end else (0, len(data))


def _framed(texts: Texts, data: bytes, *, flowed: bool) -> tuple[str, str]:
    """The texts as whole lines, ready to be put before and after a plain text."""
    front, back = (
        text if not text or text.endswith('\n') else text + '\n'
        for text in (texts.header, texts.footer)
    )
    if flowed:
        front, back = _flowed(front), _flowed(back)
    # UTF-16 and UTF-32 may have NULs behind the line end.
    ends_its_line = data.rstrip(b'\0').endswith(b'\n')
    # RFC 3676 section 4.2: a space would join the footer to the paragraph.
    flows_on = flowed and data.rstrip(b'\r\n').endswith(b' ')
    if back and data and (flows_on or not ends_its_line):
        back = '\n' + back
    return front, back


def _flowed(text: str) -> str:
    """Lines that stand for themselves (RFC 3676 sections 4.2 and 4.4)."""
    lines = (line.rstrip(' ') for line in text.split('\n'))
    return '\n'.join(
        f' {line}' if line.startswith((' ', '>', 'From ')) else line for line in lines
    )


def as_html(text: str, language: str) -> str:
    """A text as HTML, in ASCII; the same for every charset.

    Where a line has nothing but a long URL, the line before it has the words of the
    link; elsewhere the name of its host is shown.  A first line that is a rule becomes
    one.
    """
    if not text:
        return ''
    lines = text.strip('\n').split('\n')
    style = _STYLE
    if _RULE.fullmatch(lines[0].strip()):
        style += ';border-top:1px solid #71767a'
        del lines[0]
    shown: list[str] = []
    words = ''
    for line in lines:
        match = LINK.fullmatch(line.strip())
        url = '' if match is None else match['url'] or ''
        if words and len(url) > _LONG_URL:
            shown[-1] = _anchor(url, words.strip().rstrip(':'))
            words = ''
        else:
            shown.append(_linked(line))
            words = line if line.strip() and not LINK.search(line) else ''
    body = '<br>\n'.join(shown)
    page = f'\n<div lang="{html.escape(language)}" style="{style}">\n{body}\n</div>\n'
    return page.encode('ascii', 'xmlcharrefreplace').decode('ascii')


def _anchor(target: str, shown: str) -> str:
    href, words = html.escape(target), html.escape(shown)
    return f'<a href="{href}" style="{_LINK_STYLE}">{words}</a>'


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url


def _linked(line: str) -> str:
    """A line with its links and addresses made clickable."""
    pieces: list[str] = []
    end = 0
    for match in LINK.finditer(line):
        target = match['url'] or f'mailto:{match["address"]}'
        shown = match['url'] or match['address']
        if match['url'] and len(shown) > _LONG_URL:
            shown = _host_of(shown)
        pieces += [
            html.escape(line[end : match.start()]),
            _anchor(target, shown),
        ]
        end = match.end()
    pieces.append(html.escape(line[end:]))
    indent = len(line) - len(line.lstrip(' '))
    return '&nbsp;' * indent + ''.join(pieces).lstrip(' ')


def _joined(
    data: bytes,
    charset: str,
    added: tuple[str, str],
    ends_of: Callable[[bytes], tuple[int, int]],
    token: str,
) -> tuple[bytes, str]:
    """The content with the texts in it, and its charset.

    The charset stays where it can: where the texts can be written in it, the stand-in
    is the same bytes in it, and all of it reads as before.  It becomes UTF-8 otherwise.

    :param ends_of: Says where the texts go.
    """
    newline = '\r\n' if b'\r\n' in data or b'\r\0\n' in data else '\n'
    front, back = (text.replace('\n', newline) for text in added)
    codec = charset_name(charset)
    try:
        text = None if codec is None else data.decode(codec)
    except (LookupError, ValueError):
        # Python has codecs that are not of texts, too.
        text = None
    if codec is None or text is None:
        # Nobody can tell what it says: bytes that mean the same in most charsets.
        if b'\0' in data or not (front + back).isascii():
            raise CannotAdd(f'undecodable {charset}')
        return _put(data, front.encode(), back.encode(), ends_of), charset
    start, end = ends_of(data)
    try:
        first, last = front.encode(codec), back.encode(codec)
        new = _put(data, first, last, ends_of)
        pieces = [data[:start], data[start:end], data[end:]]
        before, inside, after = (piece.decode(codec) for piece in pieces)
        if (
            before + inside + after == text
            and new.decode(codec) == before + front + inside + back + after
            and (first + last).count(token.encode()) == (front + back).count(token)
        ):
            return new, charset
    except (LookupError, ValueError):
        pass
    if '-----BEGIN PGP' in text:
        # What is signed are bytes of this charset.
        raise CannotAdd('signed text')
    try:
        return _put(text.encode(), front.encode(), back.encode(), ends_of), 'utf-8'
    except ValueError:
        raise CannotAdd('text that is none') from None


def _put(
    data: bytes,
    front: bytes,
    back: bytes,
    ends_of: Callable[[bytes], tuple[int, int]],
) -> bytes:
    start, end = ends_of(data)
    return data[:start] + front + data[start:end] + back + data[end:]


# ---------------------------------------------------------- transfer encodings


def write(part: Message, data: bytes, encoding: str, token: str | None) -> list[Place]:
    """Make bytes the content of a part, in its transfer encoding where that holds them.

    :param encoding: The transfer encoding until now.
    :param token: The stand-in in the content.
    :return: Where it is.
    """
    mark = token.encode('ascii') if token else None
    places: list[Place] = []
    if encoding == 'base64':
        payload, places = _base64(data, mark)
    elif encoding in ('8bit', 'binary') or (
        encoding != 'quoted-printable' and data.isascii()
    ):
        payload, places = data, [bytes] if mark and mark in data else []
    else:
        encoding = 'quoted-printable'
        payload, places = _quoted_printable(data, mark)
    del part['Content-MD5']
    if encoding and 'Content-Transfer-Encoding' in part:
        part.replace_header('Content-Transfer-Encoding', encoding)
    elif encoding:
        if 'Content-Type' not in part:
            part['Content-Type'] = 'text/plain'
        part['Content-Transfer-Encoding'] = encoding
    part.set_payload(payload.decode('ascii', 'surrogateescape'))
    return places


def _base64(data: bytes, mark: bytes | None) -> tuple[bytes, list[Place]]:
    """All lines before the one in which the stand-in begins are the same for all."""
    if mark is None or mark not in data:
        return base64.encodebytes(data), []
    split = data.index(mark) // BASE64_LINE * BASE64_LINE
    head, tail = data[:split], data[split:]

    def place(token: bytes) -> bytes:
        encoded = base64.encodebytes(tail.replace(mark, token))
        return encoded.replace(b'\n', b'\r\n')

    return base64.encodebytes(head) + base64.encodebytes(tail), [place]


def _quoted_printable(data: bytes, mark: bytes | None) -> tuple[bytes, list[Place]]:
    """The stand-in has a line of its own between two soft line breaks, which no reader
    sees (RFC 2045 section 6.7)."""
    lines = []
    for line in data.replace(b'\r\n', b'\n').split(b'\n'):
        pieces = [line] if mark is None else line.split(mark)
        encoded = [binascii.b2a_qp(piece, istext=False) for piece in pieces]
        lines.append((b'=\n' + (mark or b'') + b'=\n').join(encoded))
    found = mark is not None and mark in data
    return b'\n'.join(lines), [bytes] if found else []
