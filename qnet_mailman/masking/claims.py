# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom an address field may be read to name, in whatever way it is written (R8).

A strict reader answers "nobody" to ``Pat Example pat@agency.test``, and a person sees
at once who that is.  What must be hidden is what any reader could see, so everything
here is taken in every reading, and rather too much than too little.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message

from qnet_mailman.mail.addresses import comment_end, find_addresses, mailboxes
from qnet_mailman.mail.text import decode_words, raw_text

PERSON_FIELDS = frozenset(
    {
        'from',
        'sender',
        'reply-to',
        'resent-from',
        'resent-sender',
        'resent-reply-to',
        'original-from',
        'x-original-from',
        'x-google-original-from',
    }
)
"""Fields with the sender's addresses and names."""

_AUTHOR_FIELDS = ('from', 'sender', 'resent-from', 'resent-sender')
_LONGEST_NAME = 200
_LONGEST_FIELD = 10_000
"""Characters of a field that are read in other ways than by :func:`mailboxes`."""
_MINIMUM = 3
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_QUOTED_PAIR = re.compile(r'\\(.)')
_AROUND_AT = re.compile(r'\s*@\s*')
_WRITTEN_AT = re.compile(r'\s+at\s+', re.IGNORECASE)
_AROUND_DOT = re.compile(r'\s*\.\s*')
_QUOTED_LOCAL = re.compile(r'"((?:[^"\\]|\\.){1,128})"@([^\s<>(),;:"]{1,255})')
_LITERAL = re.compile(r'([^\s<>(),;:"\[\]@]{1,128}@\[[^\[\]]{1,255}\])')
_ANGLE = re.compile(r'<([^<>]*)>?')
_PIECES = re.compile(r'[,;:]')


def addresses_of(text: str) -> set[str]:
    """Every address that a field may be read to hold.

    :param text: The unfolded value of a field.
    :return: As they are written, without quotation marks.
    """
    found: set[str] = set()
    for reading in _readings(text):
        found |= find_addresses(reading)
        found |= {m.address for m in mailboxes(reading) if m.address}
        for form in _address_spellings(reading[:_LONGEST_FIELD]):
            found |= find_addresses(form)
            found |= set(_LITERAL.findall(form))
            for local, domain in _QUOTED_LOCAL.findall(form):
                found.add(_QUOTED_PAIR.sub(r'\1', local) + '@' + domain)
    return found


def names_of(text: str) -> set[str]:
    """Every display name that a field may be read to hold.

    :param text: The unfolded value of a field.
    :return: Decoded; some hold an address, too.
    """
    found: set[str] = set()
    for reading in _readings(text):
        boxes = mailboxes(reading)
        found |= {box.name for box in boxes}
        short = reading[:_LONGEST_FIELD]
        # A comment beside a name may be a department, which is no secret.
        bare, comments = _without_comments(short)
        found |= {c for c in comments if len(c.split()) > 1}
        is_plain = all(b.address for b in boxes) and (
            {b.address for b in boxes} == find_addresses(reading)
        )
        if not is_plain or ':' in bare:
            for form in (bare, _AROUND_AT.sub('@', bare), _WRITTEN_AT.sub('@', bare)):
                found |= _phrases(form)
    names = (' '.join(decode_words(name).split()).strip('<> ') for name in found)
    return {name for name in names if _MINIMUM <= len(name) <= _LONGEST_NAME}


def names_beside(text: str, addresses: set[str]) -> set[str]:
    """The display names that stand beside some addresses in a field.

    :param text: The unfolded value of a field with any people's addresses.
    :param addresses: In lower case.
    """
    return {
        name
        for box in mailboxes(text)
        if box.address.lower() in addresses
        and _MINIMUM <= len(name := decode_words(box.name)) <= _LONGEST_NAME
    }


def authors(message: Message, most: int) -> list[str]:
    """Whom a message may be read to come from, where its From field does not tell.

    :param message: The message, as it came.
    :param most: How many addresses are wanted at most.
    :return: Addresses in lower case, those of From first.
    """
    found: dict[str, None] = {}
    for name in _AUTHOR_FIELDS:
        for value in message.get_all(name, []):
            for address in sorted(addresses_of(raw_text(value))):
                found[address.lower()] = None
    for address in sorted(find_addresses(raw_text(message.get_unixfrom() or ''))):
        found[address.lower()] = None
    return list(found)[:most]


def _readings(text: str) -> Iterator[str]:
    """A field as it is, and with its encoded words decoded.

    An encoded word that Mailman cannot decode has been made unreadable for it by a
    space (:mod:`qnet_mailman.mail.legible`).
    """
    words = text.replace('= ?', '=?')
    yield from dict.fromkeys((text, decode_words(text), decode_words(words)))


def _address_spellings(text: str) -> Iterator[str]:
    """A field without what may stand within an address (RFC 5322 section 4.4)."""
    bare, _ = _without_comments(text)
    tight = _AROUND_AT.sub('@', bare)
    yield tight
    yield _AROUND_DOT.sub('.', tight)
    # RFC 733 wrote it as a word.
    yield _WRITTEN_AT.sub('@', bare)
    for angle in _ANGLE.findall(bare):
        yield ''.join(angle.split())


def _without_comments(text: str) -> tuple[str, list[str]]:
    """A field without its comments, and these."""
    kept: list[str] = []
    comments: list[str] = []
    index = 0
    while (start := text.find('(', index)) >= 0:
        end = comment_end(text, start)
        kept.append(text[index:start])
        comments.append(_QUOTED_PAIR.sub(r'\1', text[start + 1 : end].rstrip(')')))
        index = end
    kept.append(text[index:])
    return ''.join(kept), comments


def _phrases(text: str) -> set[str]:
    """What is written beside the addresses of a field that is not plain."""
    quoted = {_QUOTED_PAIR.sub(r'\1', q) for q in _QUOTED.findall(text)}
    pieces = set(_PIECES.split(_without_addresses(_QUOTED.sub(' ', text))))
    whole = _without_addresses(text.replace('"', ' '))
    return {phrase.strip('<>:;, ') for phrase in (*quoted, *pieces, whole)}


def _without_addresses(text: str) -> str:
    return ' '.join(w for w in _ANGLE.sub(' ', text).split() if '@' not in w)
