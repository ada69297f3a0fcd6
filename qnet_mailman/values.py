# SPDX-License-Identifier: GPL-3.0-or-later
"""What a single value of a form may be.

Each function takes what a person wrote and returns it in order, or raises
ValueError with the words that follow "expected": the same words for a form in
any format and for `mailman qnet set`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from email.utils import parseaddr
from enum import StrEnum
from functools import partial
from typing import Any

from mailman.email.validate import Validator

MAX_NAME = 255
MAX_DISPLAY_NAME = 110
"""R2."""
MAX_DESCRIPTION = 500
MAX_LOCAL_PART = 50
"""With `-unsubscribe` behind it, a local part stays below RFC 5321's 64."""
MAX_ADDRESS = 254
"""RFC 5321 section 4.5.3.1.3, without the angle brackets."""

SUFFIXES = (
    'bounces',
    'confirm',
    'join',
    'leave',
    'owner',
    'request',
    'subscribe',
    'unsubscribe',
)
"""What Mailman puts behind a list's name for its other addresses."""
BOUNCES, CONFIRM = 'bounces', 'confirm'
"""With a token behind them, what comes back to us at each list domain (R35)."""
TAKEN = ('abuse', 'mailer-daemon', 'mailman', 'noreply', 'postmaster', 'root')
"""Local parts that mail hosts need for themselves (RFC 2142)."""

TO_FILL_IN = 'FILL-IN'
"""A ticket that nobody has given: exports had it where no form made the list."""
NOBODY = 'fill-in@example.invalid'
"""The address of a person whom an export leaves to be named."""

_BIDI = frozenset('\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069')
_LOCAL_PART = re.compile(r'[a-z0-9]+([._-]+[a-z0-9]+)*', re.IGNORECASE)
_TICKET = re.compile(r'[A-Za-z0-9][A-Za-z0-9._/-]{0,99}')

_DOT_ATOMS = re.compile(
    r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@[\w-]+(?:\.[\w-]+)*",
    re.ASCII,
)
"""Addresses of which nobody needs a parser (RFC 5322 section 3.4.1, without quotes and
comments): nearly all, and Python's takes 20 times as long as all other checks."""
_PLAIN = re.compile(
    r"[a-z0-9!#$%&'*+/=?_`{}~-]+(?:\.[a-z0-9!#$%&'*+/=?_`{}~-]+)*"
    r'@[a-z0-9][a-z0-9-]*(?:\.[a-z0-9][a-z0-9-]*)+',
    re.ASCII | re.IGNORECASE,
)
"""Those of them that Mailman's own check takes, too, which is dear as well."""
_address = Validator()


class NumberCell(float):
    """A number in a cell of a spreadsheet, where what was typed may be lost.

    `0123` becomes 123 there, and `1234567890123456` becomes 1234567890123460.
    """

    def __str__(self) -> str:
        return f'{self:.0f}' if self.is_integer() else repr(float(self))


def _text(value: object, expected: str) -> str:
    if isinstance(value, NumberCell):
        raise ValueError(
            'text, and the program has made a number of it: give the cell the format '
            'Text, then type it anew (zeros in front, and the last of many digits, '
            'were lost)'
        )
    # A number that stands for text (a HARP ID, a ticket) is what it looks like.
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError(expected)
    return value.strip()


def _hides(text: str) -> bool:
    # What Python calls printable is, and nearly all text is that.
    return not text.isprintable() and any(map(_is_hidden, text))


def _is_hidden(char: str) -> bool:
    # Line breaks could begin a header field of their own; the others change what
    # a reader sees.
    return unicodedata.category(char) in ('Cc', 'Cs', 'Zl', 'Zp') or char in _BIDI


def line(value: object, most: int, *, optional: bool = False) -> str:
    """One line of text, fit to stand in a header.

    :param most: The number of characters it may have.
    :param optional: Whether it may be empty.
    """
    expected = (
        f'one line of text, at most {most} characters, without control characters'
    )
    text = _text(value, expected)
    if not text and not optional:
        raise ValueError(f'{expected}, not empty')
    if len(text) > most:
        raise ValueError(f'{expected}; this has {len(text)}')
    if _hides(text):
        raise ValueError(expected)
    return text


def paragraph(value: object, most: int) -> str:
    """A few sentences, on as many lines as the writer liked; in one line, or empty.

    :param most: The number of characters they may have.
    """
    expected = f'text, at most {most} characters, without control characters'
    text = ' '.join(_text(value, expected).split())
    if len(text) > most:
        raise ValueError(f'{expected}; this has {len(text)}')
    if _hides(text):
        raise ValueError(expected)
    return text


def email(value: object, *, optional: bool = False) -> str:
    """An e-mail address that Mailman takes."""
    expected = 'an e-mail address such as pat@agency.example.gov'
    text = _text(value, expected)
    if optional and not text:
        return text
    if not text.isascii():
        raise ValueError(
            f'{expected}, in plain ASCII (the domain of an international address '
            'in its xn-- form)'
        )
    if len(text) <= MAX_ADDRESS and _PLAIN.fullmatch(text):
        return text
    # Mailman's check takes two @, which would be the address of somebody else further
    # on.
    if (
        text.count('@') != 1
        or len(text) > MAX_ADDRESS
        or not (_DOT_ATOMS.fullmatch(text) or parseaddr(text) == ('', text))
        or not _address.is_valid(text)
    ):
        raise ValueError(expected)
    return text


def domain(value: str) -> str:
    """A mail domain."""
    if not _address.is_valid(f'x@{value}') or '@' in value or len(value) > 190:
        raise ValueError('a mail domain such as lists.example.gov')
    return value.lower()


def list_name(value: object) -> str:
    """A list's local part, or its whole address; in lower case."""
    expected = (
        'the name of a list: letters, digits, and single or several of ".", "_", "-" '
        f'between them, at most {MAX_LOCAL_PART} characters; or its whole address'
    )
    text = _text(value, expected).lower()
    local, at, host = text.partition('@')
    if not text.isascii() or not _LOCAL_PART.fullmatch(local):
        raise ValueError(expected)
    if len(local) > MAX_LOCAL_PART or '..' in local:
        raise ValueError(expected)
    ending = local.rpartition('-')[2]
    if '-' in local and ending in SUFFIXES:
        raise ValueError(
            f'a name that does not end in "-{ending}": Mailman uses that ending for '
            "another address of a list's own"
        )
    if local in TAKEN:
        raise ValueError(
            f'another name: "{local}" is an address of the mail host itself'
        )
    return f'{local}@{domain(host)}' if at else local


def list_reference(value: object) -> str:
    """The local part or the whole address of a list that is there; in lower case.

    Whatever made the list may have taken names that `list_name` does not.
    """
    expected = 'the name of a list, or its whole address'
    text = _text(value, expected).lower()
    local, at, host = text.partition('@')
    if not _address.is_valid(f'{local}@{host if at else "example.org"}'):
        raise ValueError(expected)
    return text


def ticket(value: object, *, optional: bool = False) -> str:
    """The number that a service desk has given a request.

    :param optional: Whether it may be empty.
    """
    expected = (
        'a ticket number: letters, digits, ".", "_", "/" and "-", beginning with a '
        'letter or digit, at most 100 characters'
    )
    text = _text(value, expected)
    if optional and not text:
        return text
    if not _TICKET.fullmatch(text):
        raise ValueError(expected)
    return text


def whole(value: object, least: int, most: int) -> int:
    """A whole number within bounds."""
    if isinstance(value, str) and re.fullmatch(r'\d{1,9}', value.strip(), re.ASCII):
        value = int(value)
    if isinstance(value, NumberCell) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f'a whole number from {least} to {most}')
    if not least <= value <= most:
        raise ValueError(f'a whole number from {least} to {most}')
    return value


threshold = partial(whole, least=1, most=100)
window = partial(whole, least=1, most=365)


def boolean(value: object) -> bool:
    """Yes or no."""
    if isinstance(value, bool):
        return value
    known = {'yes': True, 'no': False, 'true': True, 'false': False}
    if isinstance(value, str) and value.strip().lower() in known:
        return known[value.strip().lower()]
    raise ValueError('true or false')


def choice(value: object, words: type[StrEnum]) -> str:
    """One of some words."""
    if isinstance(value, str) and value.strip().lower() in list(words):
        return value.strip().lower()
    raise ValueError(alternatives(list(words)))


def alternatives(words: list[str] | tuple[str, ...]) -> str:
    """Words as somebody reads them out: `a, b or c`."""
    *first, last = words
    return f'{", ".join(first)} or {last}' if first else last


def found(value: object) -> str:
    """What somebody wrote, in a few characters that any terminal can show."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return 'nothing'
    if isinstance(value, dict):
        return 'a section with keys' if value else 'an empty section'
    if isinstance(value, list):
        return 'a list' if value else 'an empty list'
    text = str(value)
    clean = ''.join(
        char if char.isprintable() else '\N{REPLACEMENT CHARACTER}' for char in text
    )
    short = clean if len(clean) <= 60 else clean[:57] + '...'
    return f'"{short}"' if isinstance(value, str) else short


class ListType(StrEnum):
    """Who writes (R1)."""

    notification = 'notification'
    discussion = 'discussion'


class Visibility(StrEnum):
    """Who may join without approval (R1, R2)."""

    public = 'public'
    private = 'private'


class Mask(StrEnum):
    """Whose posts are masked (R7)."""

    administrators = 'administrators'
    everyone = 'everyone'
    off = 'off'


class Personalize(StrEnum):
    """Whether each member has a copy of their own (R15)."""

    on = 'on'
    off = 'off'


class Replies(StrEnum):
    """What becomes of a member's message on a discussion list (R4)."""

    accept = 'accept'
    hold = 'hold'
    reject = 'reject'


class Closing(StrEnum):
    """What becomes of a closed list once that cannot be undone any more."""

    archive = 'archive'
    """It stays closed, and its archive can be read by whoever could read it."""
    delete = 'delete'


def conflicts(section: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Settings of a list that do not go together.

    :param section: Keys and values as in a form's `list`.
    :return: Key and message of each.
    """
    if word(section.get('type')) != ListType.notification:
        return
    replies = word(section.get('replies'))
    if replies in (Replies.accept, Replies.hold):
        yield (
            'replies',
            f'found "{replies}"; expected reject: on a notification list only people '
            'with posting privileges write, and messages of all others are rejected',
        )


def word(value: object) -> str:
    """A value that is one of a few words, however it was written."""
    return value.strip().lower() if isinstance(value, str) else ''


def list_id_of(address: str) -> str:
    """The List-ID of the list that has an address."""
    return address.replace('@', '.', 1)
