# SPDX-License-Identifier: GPL-3.0-or-later
"""Authors, the ways in which a post may tell of them, and a search for what is left.

The search shares no code with what it checks.
"""

from __future__ import annotations

import base64
import quopri
import re
import unicodedata
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message

from hypothesis import strategies as st

from tests.masking.tools import IDENTITY, readings

# Words of the formats, which a header may have anyhow.
_FORMAT = """
    text plain html calendar vcard charset utf base64 attachment inline request part
    mon tue wed thu fri sat sun jan feb mar apr may jun jul aug sep oct nov dec
    mailto begin end version xxx
"""
_OWN = (IDENTITY.display_name, IDENTITY.posting_address, IDENTITY.owner_address)
NOT_NAMES = {
    *_FORMAT.split(),
    *re.split(r'[\W_]+', ' '.join(_OWN).casefold()),
}


@dataclass(frozen=True)
class Author:
    """Somebody who writes to a list."""

    name: str
    address: str

    @property
    def is_plain(self) -> bool:
        return self.name.isascii()


def _is_a_name(name: str) -> bool:
    words = _words(name).split()
    return len(''.join(words)) >= 3 and not any(word in NOT_NAMES for word in words)


ALPHABETS = (
    'abcdefghiklmnoprstuvwz',
    'äöüßéèêñçåøõ' + 'abdeg',
    'абвгдежзиклмнопрст',
    'αβγδεζηθλμνξ',
)
word = st.sampled_from(ALPHABETS).flatmap(
    lambda letters: st.text(letters, min_size=3, max_size=9).map(str.title)
)
names = (
    st.sampled_from(
        [
            'Pat Example',
            'Lee',
            "Dr. Pat O'Example",
            'Example, Pat',
            'Pat Q. Example',
            'Anne-Marie Example',
            'Pat (Office) Example',
            '山田 太郎',
            'José Ángel Núñez',
        ]
    )
    | st.lists(word, min_size=1, max_size=3).map(' '.join)
).filter(_is_a_name)
addresses = st.builds(
    '{}@{}'.format,
    st.from_regex(r'[a-z][a-z0-9]{2,8}([._+-][a-z0-9]{1,6})?', fullmatch=True),
    st.sampled_from(['agency.test', 'mail.agency.test', 'xn--bcher-kva.test']),
)
authors = st.builds(Author, names, addresses)


def _q(text: str, charset: str, codec: str = 'utf-8') -> str:
    raw = ''.join(f'={b:02X}' for b in text.encode(codec, 'replace'))
    return f'=?{charset}?q?{raw}?='


def _b(text: str, charset: str, codec: str = 'utf-8') -> str:
    raw = base64.b64encode(text.encode(codec, 'replace')).decode()
    return f'=?{charset}?B?{raw}?='


WAYS: tuple[Callable[[str], str], ...] = (
    str,
    str.upper,
    lambda text: '"' + text.replace('"', r'\"') + '"',
    lambda text: _q(text, 'utf-8'),
    lambda text: _b(text, 'utf-8'),
    lambda text: _b(text, 'utf-16', 'utf-16'),
    lambda text: _q(text, 'x-unknown'),
    lambda text: _b(text, 'unknown-8bit'),
    lambda text: text.replace(' ', '\n '),
    lambda text: ' '.join(_q(half, 'utf-8') for half in _halves(text)),
)
"""Ways to write a text that programs and people read as that text."""


def _halves(text: str) -> tuple[str, str]:
    middle = len(text) // 2
    return text[:middle], text[middle:]


ENDS = {
    'plain': '{name} <{address}>',
    'quoted': '"{name}" <{address}>',
    'comment': '{address} ({name})',
    'bare words': '{name} {address}',
    'words after': '{address} {name}',
    'quoted words': '"{name}" {address}',
    'name after': '<{address}> {name}',
    'unclosed': '{name} <{address}',
    'doubled brackets': '{name} <<{address}>>',
    'spaces': '{name} <{local} @ {domain}>',
    'bare spaces': '{name} {local} @ {domain}',
    'comment inside': '{name} <{local}(x)@{domain}>',
    'route': '{name} <@relay.test:{address}>',
    'mailto': '{name} <mailto:{address}>',
    'group': 'Staff: {name} <{address}>;',
    'group of nobody': '{name}: {address};',
    'two': '{name} <{address}>, Kim Other <kim@other.test>',
    'semicolon': '{name} <{address}>; Kim Other <kim@other.test>',
    'brackets': '{name} [{address}]',
    'only the address': '{address}',
    'word for the sign': '{name} {local} at {domain}',
}
"""From fields, good and bad; all of them name an author to a person who looks."""


def from_line(author: Author, end: str, way: Callable[[str], str]) -> bytes:
    """A From field."""
    local, _, domain = author.address.partition('@')
    # Quotes within quotes would end them.
    name = way(author.name)
    if '"' in ENDS[end]:
        name = name.strip('"')
    return (
        ENDS[end]
        .format(name=name, address=author.address, local=local, domain=domain)
        .encode('utf-8')
    )


def _words(text: str) -> str:
    text = unicodedata.normalize('NFKD', text)
    text = ''.join(c for c in text if not unicodedata.combining(c)).casefold()
    return ' '.join(re.sub(r'[\W_]+', ' ', text).split())


def named(text: str, author: Author) -> str | None:
    """What of an author stands in a text."""
    squeezed = re.sub(r'\s+', '', text).casefold()
    if author.address.casefold() in squeezed:
        return f'{author.address} in {text!r}'
    if f' {_words(author.name)} ' in f' {_words(text)} ':
        return f'{author.name} in {text!r}'
    return None


def _calendar(text: str) -> Iterator[str]:
    for line in re.sub(r'\r?\n[ \t]', '', text).splitlines():
        head = line.split(':', 1)[0]
        # What a person wrote is never altered (R9).
        yield head if head.split(';')[0] in ('SUMMARY', 'DESCRIPTION') else line


def what_is_left(message: Message, author: Author) -> list[str]:
    """What of an author stands in any header, calendar or card of a message."""
    found = []
    for name, text in readings(message):
        if name.lower() != 'date' and (left := named(text, author)):
            found.append(f'{name}: {left}')
    for part in message.walk():
        kind = part.get_content_type()
        if part.is_multipart() or kind not in ('text/calendar', 'text/vcard'):
            continue
        data = part.get_payload(decode=True)
        for reading in (data, quopri.decodestring(data)):
            text = reading.decode('utf-8', 'replace')
            lines = _calendar(text) if kind == 'text/calendar' else text.splitlines()
            for line in lines:
                if left := named(line, author) or named(
                    urllib.parse.unquote(line), author
                ):
                    found.append(f'{kind}: {left}')
    return found
