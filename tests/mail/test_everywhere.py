# SPDX-License-Identifier: GPL-3.0-or-later
"""A function is given every text of a message, and what it leaves stays."""

from __future__ import annotations

import base64
import email
import quopri
from email.header import decode_header, make_header
from email.message import Message
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.mail.everywhere import change_texts

WORD = 'SECRETWORD'
BLANK = 'xxxxxxxxxx'
LONG = ('Grüße\nFrom here\n' + 'a' * 70 + WORD + '\n') * 2


def changed(data: bytes) -> tuple[Message, bool]:
    msg = email.message_from_bytes(data)
    return msg, change_texts(msg, lambda text: text.replace(WORD, BLANK))


def leaf(kind: str, data: bytes, encoding: str) -> bytes:
    if encoding == 'base64':
        data = base64.encodebytes(data)
    elif encoding == 'quoted-printable':
        data = quopri.encodestring(data)
    return (
        f'Content-Type: {kind}\nContent-Transfer-Encoding: {encoding}\n\n'.encode()
        + (data)
    )


@pytest.mark.parametrize('encoding', ['8bit', 'base64', 'quoted-printable', 'x', ''])
@pytest.mark.parametrize(
    'charset', ['utf-8', 'iso-8859-1', 'koi8-r', 'utf-16', 'utf-32-be', 'cp500', 'x']
)
def test_contents(charset: str, encoding: str) -> None:
    codec = 'utf-8' if charset == 'x' else charset
    text = LONG if charset != 'koi8-r' else LONG.replace('ü', 'ю').replace('ß', 'б')
    if codec.startswith(('utf-16', 'utf-32', 'cp')) and encoding != 'base64':
        pytest.skip('has bytes that only base64 carries')
    data = text.encode(codec)
    msg, was = changed(leaf(f'text/plain; charset={charset}', data, encoding))
    assert was
    found = msg.get_payload(decode=True)
    assert isinstance(found, bytes)
    assert found.decode(codec) == text.replace(WORD, BLANK)
    assert msg['Content-Transfer-Encoding'] == encoding


def test_uuencode_becomes_base64() -> None:
    body = b'begin 644 a.txt\n*4T5#4D545T]21```\n`\nend\n'
    msg, was = changed(leaf('text/plain', body, 'x-uuencode'))
    assert was
    assert msg['Content-Transfer-Encoding'] == 'base64'
    assert BLANK.encode() in bytes(msg.get_payload(decode=True))  # type: ignore[arg-type]


FIELDS = [
    (b'Subject: a SECRETWORD b', 'a xxxxxxxxxx b'),
    (b'Subject: =?utf-8?q?a_SECRETWORD?=', '=?utf-8?q?a_xxxxxxxxxx?='),
    (b'Subject: =?utf-8?q?=C3=A9_SECRET?= =?utf-8?q?WORD?=', 'é xxxxxxxxxx'),
    (b'Subject: =?utf-8?b?w6kgU0VDUkVUV09SRA==?=', 'é xxxxxxxxxx'),
    (b'Subject: \xc3\xa9 SECRETWORD', '\udcc3\udca9 xxxxxxxxxx'),
    (b'X-Own: SECRETWORD', 'xxxxxxxxxx'),
]


@pytest.mark.parametrize(('field', 'expected'), FIELDS)
def test_fields(field: bytes, expected: str) -> None:
    msg, was = changed(b'A: 1\n' + field + b'\nX-Own: 2\nZ: 3\n\nText.\n')
    assert was
    name = field.partition(b':')[0].decode()
    assert [key for key, _ in msg.raw_items()] == ['A', name, 'X-Own', 'Z']
    value = next(value for key, value in msg.raw_items() if key == name)
    if 'é' in expected:
        value = str(make_header(decode_header(value)))
    assert value == expected


def multi(*parts: bytes) -> bytes:
    inner = b''.join(b'--B\n' + part + b'\n' for part in parts)
    return (
        b'Content-Type: multipart/mixed; boundary=B\n\nP SECRETWORD\n'
        + inner
        + (b'--B--\nE SECRETWORD\n')
    )


INSIDE = b'Subject: SECRETWORD\nFrom: a@example.net\n\n'
FILE = INSIDE.replace(b'\n\n', b'\nContent-Transfer-Encoding: base64\n\n') + (
    base64.encodebytes(b'Hidden SECRETWORD.')
)


def test_messages_inside() -> None:
    msg: Any
    msg, was = changed(
        multi(
            b'Content-Type: message/rfc822\n\n' + INSIDE + b'Text SECRETWORD\n',
            b'Content-Type: message/rfc822\n\n' + FILE,
            leaf('message/rfc822', FILE, 'base64'),
            leaf('application/octet-stream; name=a.eml', FILE, 'base64'),
            leaf('text/rfc822-headers', INSIDE, '7bit'),
            b'Content-Type: message/delivery-status\n\n'
            b'X: SECRETWORD\n\nY: SECRETWORD\n',
        )
    )
    assert was

    assert WORD.encode() not in msg.as_bytes()
    plain, inner, encoded, file, fields, status = msg.get_payload()
    assert b'Text xxxxxxxxxx' in plain.as_bytes()
    # What is encoded, as whoever opens it reads it.
    opened = base64.b64decode(encoded.get_payload(0).get_payload())
    for each in (
        inner.get_payload(0),
        email.message_from_bytes(opened),
        email.message_from_bytes(file.get_payload(decode=True)),
    ):
        assert each['Subject'] == BLANK
        assert each.get_payload(decode=True) == b'Hidden xxxxxxxxxx.'
    assert b'Subject: xxxxxxxxxx' in fields.get_payload(decode=True)
    assert [one.as_string() for one in status.get_payload()] == [
        'X: xxxxxxxxxx\n\n',
        'Y: xxxxxxxxxx\n\n',
    ]
    assert b'P xxxxxxxxxx' in msg.as_bytes()
    assert b'E xxxxxxxxxx' in msg.as_bytes()


@pytest.mark.parametrize(
    'data', [multi(leaf('text/plain', b'a', '7bit')), leaf('text/x', b'\xff=', '8bit')]
)
def test_what_is_left_stays(data: bytes) -> None:
    msg = email.message_from_bytes(data)
    assert not change_texts(msg, lambda text: text)
    assert msg.as_bytes() == email.message_from_bytes(data).as_bytes()


@given(st.binary(max_size=300), st.sampled_from(['base64', 'x-uuencode', '8bit', '']))
def test_garbage(data: bytes, encoding: str) -> None:
    for msg, _ in (
        changed(data),
        changed(leaf('text/plain; charset=x', data, encoding)),
    ):
        msg.as_bytes()
    for kind in ('text/plain; charset=utf-16', 'message/rfc822', 'multipart/mixed'):
        changed(leaf(kind, data, encoding))
    changed(leaf('x/x', b'Content-Transfer-Encoding: base64\n' + data, encoding))


def test_a_message_in_a_message_and_so_on() -> None:
    data = b'Content-Type: message/rfc822\n\n' * 150 + INSIDE + b'SECRETWORD'
    msg, was = changed(data)
    assert was
    assert WORD.encode() not in msg.as_bytes()
