# SPDX-License-Identifier: GPL-3.0-or-later
"""Posts whose shape costs much, from the wire to the copy, without a database.

`bench.hostile` gives each in its size and in half of it, too: no stage may cost more
than its share.
"""

from __future__ import annotations

from email.message import Message as StandardMessage
from functools import partial

from mailman.email.message import Message

from bench.dear import Dear
from bench.dear.others import LIST, PAT
from qnet_mailman.mail import answers, automatic, intake
from qnet_mailman.mail.author import author_of
from qnet_mailman.mail.fields import raw_values
from qnet_mailman.mail.legible import make_legible
from qnet_mailman.mail.subjects import with_prefix
from qnet_mailman.mail.text import decode_words, encode_words, raw_text
from qnet_mailman.masking import CannotMask, mask
from qnet_mailman.mta.fields import encode_fields
from qnet_mailman.mta.wire import on_the_wire, shorten_lines


def go_through(content: bytes, *, masked: bool) -> bytes | None:
    """What all stages compute of a post; None where it is refused."""
    msg, _is_too_deep = intake.parse(content, Message)
    if intake.has_too_many_parts(msg):
        return None
    make_legible(msg)
    automatic.automatic_answer(msg)
    answers.decoded_subject(msg['subject'])
    author_of(msg)
    if masked:
        try:
            mask(msg, LIST, PAT, message_id='<x@lists.example.gov>', thread={})
        except CannotMask:
            return None
    _prefix(msg)
    encode_fields(msg)
    shorten_lines(msg)
    return on_the_wire(msg)


def _prefix(msg: StandardMessage) -> None:
    old = next(iter(raw_values(msg, 'subject')), '')
    text, _bare = with_prefix(decode_words(raw_text(old)), '[news] ', 1, '(none)')
    del msg['subject']
    msg['Subject'] = encode_words(text)


def _post(*lines: str) -> bytes:
    start = ('From: Pat Example <pat@agency.example.gov>', 'MIME-Version: 1.0')
    return '\r\n'.join((*start, *lines, '', 'x', '')).encode()


def raw_subject(size: int = 100_000) -> bytes:
    """A subject of accented characters."""
    return _post(f'Subject: {"é" * (size // 2)}')


def encoded_subject(size: int = 100_000) -> bytes:
    """A subject in very many encoded words."""
    return _post('Subject: ' + '\r\n '.join(['=?utf-8?b?w6nDqcOp?='] * (size // 23)))


def many_fields(size: int = 100_000) -> bytes:
    """A header of very many fields with 8-bit text."""
    return _post(*(f'X-F{n}: é' for n in range(size // 12)))


def many_parameters(size: int = 100_000) -> bytes:
    """A type with very many parameters."""
    return _post('Content-Type: text/plain', *(f' ;a{n}=b' for n in range(size // 12)))


def many_parts(count: int = 50_000) -> bytes:
    """A message of empty parts."""
    return _post(
        'Content-Type: multipart/mixed; boundary=b', '', *['--b', '', ''] * count
    )


def as_many_as_are_taken(count: int = intake.MAX_PARTS - 2) -> bytes:
    """A message of as many parts as are taken."""
    return many_parts(count)


def pictures(count: int = intake.MAX_PARTS - 3) -> bytes:
    """A page with very many pictures."""
    names = [f'{number}@agency.example.gov' for number in range(count)]
    page = '\r\n'.join(f'<img src="cid:{name}">' for name in names)
    images = (each for n in names for each in ('--b', f'Content-ID: <{n}>', '', 'x'))
    return _post(
        'Content-Type: multipart/related; boundary=b',
        '',
        '--b',
        'Content-Type: text/html',
        '',
        page,
        *images,
    )


_MADE = (
    ('a raw subject', raw_subject, 100_000),
    ('a subject of encoded words', encoded_subject, 100_000),
    ('very many fields', many_fields, 100_000),
    ('very many parameters', many_parameters, 100_000),
    ('50,000 empty parts', many_parts, 50_000),
    ('as many parts as are taken', as_many_as_are_taken, intake.MAX_PARTS - 2),
    ('very many pictures', pictures, intake.MAX_PARTS - 3),
)
INPUTS = tuple(
    Dear(
        'post',
        f'{name}{", masked" if masked else ""}',
        make,
        partial(go_through, masked=masked),
        partial(make, size // 2),
    )
    for name, make, size in _MADE
    for masked in (False, True)
)
