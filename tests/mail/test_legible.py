# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields that Mailman cannot decode."""

from __future__ import annotations

import email
from email.header import decode_header, make_header
from email.utils import getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailman.email.message import Message

from qnet_mailman.mail.author import author_of
from qnet_mailman.mail.legible import make_legible

# Which fields name the sender is one of Mailman's settings.
pytestmark = pytest.mark.usefixtures('mailman_site')


def read(data: bytes) -> Message:
    return email.message_from_bytes(data, Message)


@pytest.mark.parametrize(
    'head',
    [
        b'From: Rea <reader@example.net>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n',
        b'From: =?iso-8859-1?q?R=E9a?= <reader@example.net>\r\nSubject: News\r\n',
        'From: Réa <reader@example.net>\r\nSubject: Grüße\r\n'.encode(),
    ],
)
def test_what_can_be_decoded_stays(head: bytes) -> None:
    msg = read(head + b'\r\nText.\r\n')
    before = msg.as_bytes()
    make_legible(msg)
    assert msg.as_bytes() == before


def test_what_cannot_is_shown_as_it_is() -> None:
    msg = read(
        b'From: =?bogus?q?Rea?= <reader@example.net>\r\n'
        b'Subject: =?bogus?q?News?=\r\nPrecedence: \xff\r\n\r\n'
    )
    make_legible(msg)
    assert msg['from'] == '= ?bogus?q?Rea?= <reader@example.net>'
    assert msg['subject'] == 'News'
    assert msg.sender == 'reader@example.net'
    assert isinstance(msg['precedence'], str)


@pytest.mark.parametrize('name', ['From', 'Sender', 'Reply-To', 'To', 'Cc'])
def test_a_flood_of_comments_breaks_no_parser(name: str) -> None:
    flood = '(' * 5_000 + ' Rea <reader@example.net>'
    msg = read(f'{name}: {flood}\r\nSubject: News\r\n\r\n'.encode())
    make_legible(msg)
    assert getaddresses(msg.get_all(name)) == [('Rea', 'reader@example.net')]
    assert msg.senders is not None


def test_no_other_author_comes_out_of_it() -> None:
    hidden = b'=?bogus?q?pat=40agency.example.gov=3E=2C?= <reader@example.net>'
    msg = read(b'From: ' + hidden + b'\r\n\r\n')
    make_legible(msg)
    assert author_of(msg).address in (None, 'reader@example.net')
    assert 'agency' not in str(msg.senders)


@given(
    st.binary(max_size=80),
    st.sampled_from([b'%b', b'=?%b?q?x?= <a@b.org>', b'=?utf-8?b?%b?=']),
)
def test_mailman_can_read_what_comes_out(data: bytes, pattern: bytes) -> None:
    field = pattern % data.replace(b'\n', b' ').replace(b'\r', b' ')
    msg = read(
        b'From: %b\r\nSubject: %b\r\nX-Ack: %b\r\nTo: %b\r\n'
        b'Content-Type: text/plain; charset=%b\r\n\r\nText.\r\n' % ((field,) * 5)
    )
    make_legible(msg)
    for name in ('from', 'subject'):
        str(make_header(decode_header(msg.get(name, ''))))
    for name in ('x-ack', 'to'):
        msg.get(name, '').lower()
    for part in msg.walk():
        charset = part.get_content_charset('us-ascii')
        b'Text.'.decode(charset, errors='replace')


@given(
    st.sampled_from('\x0b\x0c\x1c\x1d\x1e'),
    st.sampled_from(
        ['%sReply-To: x@evil.example', 'a%sb', 'a%sX-B: c', '%s', 'a %s b']
    ),
)
def test_a_field_stays_one_when_it_is_written(end: str, pattern: str) -> None:
    value = (pattern % end).encode()
    msg = read(
        b'Subject: %b\r\nX-Other: %b\r\nX-Other: b\r\nMIME-Version: 1.0\r\n'
        b'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n'
        b'Content-Description: %b\r\nContent-Type: text/plain\r\n\r\nText.\r\n--b--\r\n'
        % ((value,) * 3)
    )
    fields = [part.keys() for part in msg.walk()]
    make_legible(msg)
    again = read(msg.as_bytes())
    assert [part.keys() for part in again.walk()] == fields
    assert [value.split() for value in msg.get_all('x-other')] == [
        (pattern % ' ').split(),
        ['b'],
    ]
    assert again.get_payload(0).get_payload() == 'Text.'


@pytest.mark.parametrize(
    ('boundary', 'kinds'),
    [
        ('"b1"', ['multipart/mixed', 'text/plain']),
        ('b1(odd)', ['multipart/mixed', 'text/plain']),
        ('', ['text/plain']),
    ],
)
def test_a_multipart_can_be_written_again(boundary: str, kinds: list[str]) -> None:
    head = f'Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n'.encode()
    msg = read(head + b'\xc3\xa9\r\n--b1\r\n\r\nText \xe9.\r\n--b1--\r\n')
    make_legible(msg)
    again = read(msg.as_bytes())
    assert [part.get_content_type() for part in again.walk()] == kinds
    assert b'Text \xe9.' in msg.as_bytes()


@pytest.mark.parametrize(
    ('label', 'data', 'text'),
    [
        ('iso-8859-8-i', b'\xf9\xec\xe5\xed', '\u05e9\u05dc\u05d5\u05dd'),
        ('windows-874', b'\xa1', '\u0e01'),
        ('x-sjis', b'\x82\xa0', '\u3042'),
        ('x-unknown', 'Gr\u00fc\u00dfe'.encode(), 'Gr\u00fc\u00dfe'),
        ('unknown-8bit', b'Gr\xfc\xdfe', 'Gr\u00fc\u00dfe'),
        ('', b'Gr\xfc\xdfe', 'Gr\u00fc\u00dfe'),
        ('idna', b'Hello', 'Hello'),
    ],
)
def test_a_text_is_read_as_it_was_meant(label: str, data: bytes, text: str) -> None:
    head = f'Content-Type: text/plain; charset="{label}"\r\n\r\n'.encode()
    msg = read(head + data)
    make_legible(msg)
    found = msg.get_payload(decode=True)
    assert found.decode(msg.get_content_charset()) == text


def test_a_text_that_can_be_read_is_not_touched() -> None:
    data = b'Content-Type: text/plain; charset=koi8-r\r\n\r\n\xcd\xc9\xd2\r\n'
    msg = read(data)
    before = msg.as_bytes()
    make_legible(msg)
    assert msg.as_bytes() == before
