# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailboxes of address fields (RFC 5322 section 3.4), read liberally in linear time.

:func:`email.utils.getaddresses` answers differently from one patch release of
Python to the next and recurses on nested comments, hence this small reader.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from qnet_mailman.mail.text import clean, decode_words, encode_words

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ANGLE = re.compile(r'<([^<>]*)>?')
_RUN = re.compile(r'[^"(<,;:]+')
_QUOTED_PAIR = re.compile(r'\\(.)', re.DOTALL)
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(rf'{_ATOM}(?:\.{_ATOM})*@[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*')
_DELIMITERS = re.compile(r'[\s<>()\[\],;:"\\]+')
# RFC 5321 section 4.5.3.1: 64 for the local part, 255 for the domain, and the @.
_MAXIMUM_ADDRESS = 320


@dataclass(frozen=True)
class Mailbox:
    """A mailbox of an address field.

    :ivar name: The display name or comment, decoded; may be empty.
    :ivar address: The address, in ASCII; empty where there is no usable one.
    """

    name: str
    address: str

    def __str__(self) -> str:
        return format_mailbox(self.name, self.address)


def comment_end(text: str, start: int) -> int:
    """The index after the comment that begins at *start*; nested ones included."""
    depth = 0
    index = start
    while index < len(text):
        character = text[index]
        if character == '\\':
            index += 1
        elif character == '(':
            depth += 1
        elif character == ')':
            depth -= 1
            if depth == 0:
                return index + 1
        index += 1
    return len(text)


def valid_address(text: str) -> str:
    """An address as it may be written to a header.

    :param text: What stands in the place of an address.
    :return: The address with its domain in IDNA form, or '' where it is none.
    """
    local, _, domain = clean(text).strip().rpartition('@')
    if not domain.isascii() and len(domain) < _MAXIMUM_ADDRESS:
        try:
            domain = domain.encode('idna').decode('ascii')
        except ValueError:
            return ''
    address = f'{local}@{domain}'
    if len(address) <= _MAXIMUM_ADDRESS and _ADDRESS.fullmatch(address):
        return address
    return ''


def mailboxes(text: str) -> list[Mailbox]:
    """The mailboxes of an address field.

    Groups are dissolved into their members.  A mailbox without a usable address
    has an empty one.

    :param text: The unfolded value; RFC 2047 words are decoded after it is taken
        apart, since a comma may be inside of one.
    """
    found: list[Mailbox] = []
    phrase: list[str] = []
    comments: list[str] = []
    angle: str | None = None
    quotes = True
    index = 0
    while index <= len(text):
        character = text[index : index + 1]
        if character in ('', ',', ';', ':'):
            if character == ':':
                phrase, comments = [], []
            elif phrase or comments or angle is not None:
                found.append(_mailbox(phrase, comments, angle))
            if character != ':':
                phrase, comments, angle = [], [], None
            index += 1
        elif character == '"' and quotes and (match := _QUOTED.match(text, index)):
            phrase.append(_QUOTED_PAIR.sub(r'\1', match[1]))
            index = match.end()
        elif character == '(':
            end = comment_end(text, index)
            comment = text[index + 1 : end].removesuffix(')')
            comments.append(_QUOTED_PAIR.sub(r'\1', comment))
            index = end
        elif character == '<' and (match := _ANGLE.match(text, index)):
            angle = match[1]
            index = match.end()
        elif match := _RUN.match(text, index):
            phrase.append(match[0])
            index = match.end()
        else:
            # An unclosed quote is looked for once, not at each quote that follows.
            quotes = quotes and character != '"'
            index += 1
    return found


def _mailbox(phrase: list[str], comments: list[str], angle: str | None) -> Mailbox:
    words = ' '.join(' '.join(phrase).split())
    if angle is None and '@' in words:
        address, words = words.replace(' ', ''), ''
    else:
        address = (angle or '').rpartition(':')[2]
    name = words or ' '.join(' '.join(comments).split())
    return Mailbox(clean(decode_words(name)).strip(), valid_address(address))


def find_addresses(text: str) -> set[str]:
    """Whatever looks like an address anywhere in a text."""
    if '@' not in text:
        return set()
    tokens = (token.strip(".'`") for token in _DELIMITERS.split(text) if '@' in token)
    return {
        token
        for token in tokens
        if len(token) <= _MAXIMUM_ADDRESS and all(token.rpartition('@')[::2])
    }


def shortened(address: str) -> str:
    """An address as its owner knows it again, and others learn little of it.

    :return: Such as ``k***@clinic.example.org``.
    """
    local, _, domain = address.rpartition('@')
    return f'{local[:1]}***@{domain}'


def format_mailbox(name: str, address: str) -> str:
    """``"Name" <address>`` with the name quoted or in RFC 2047 words."""
    name = ' '.join(clean(name).split())
    if not name:
        return address
    words = encode_words(name)
    if words == name:
        escaped = name.replace('\\', r'\\').replace('"', r'\"')
        words = f'"{escaped}"'
    return f'{words} <{address}>'
