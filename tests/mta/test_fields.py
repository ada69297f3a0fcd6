# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw 8-bit text in a message, for servers that take none (RFC 2047, 2231, 6857)."""

from __future__ import annotations

import email
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.mail.text import to_bytes
from qnet_mailman.mta.fields import encode_fields, in_ascii
from qnet_mailman.mta.wire import in_seven_bits, on_the_wire


def raw(text: str | bytes) -> str:
    """A value as the parser gives it."""
    data = text.encode() if isinstance(text, str) else text
    return data.decode('ascii', 'surrogateescape')


@pytest.mark.parametrize(
    ('name', 'value', 'expected'),
    [
        ('Subject', 'Grüße', '=?utf-8?b?R3LDvMOfZQ==?='),
        ('Subject', b'Gr\xfc\xdfe', '=?utf-8?b?R3LDvMOfZQ==?='),
        ('X-Any', '=?utf-8?q?=C3=BC?= ü', '=?utf-8?b?w7wgw7w=?='),
        ('From', 'Jürgen <a@example.org>', '=?utf-8?b?SsO8cmdlbg==?= <a@example.org>'),
        ('TO', '"A, b" <a@example.org>, ü@x', '"A, b" <a@example.org>, {} :;'),
        ('reply-to', 'ü@example.org', '=?utf-8?b?w7xAZXhhbXBsZS5vcmc=?= :;'),
        ('Cc', 'a@grün.example.org', 'a@xn--grn-ioa.example.org'),
        ('References', '<ü@x> <y@x>', '<%C3%BC@x> <y@x>'),
        ('Content-Type', 'text/ü; charset=utf-8', 'text/%C3%BC;\n charset=utf-8'),
        (
            'Content-Disposition',
            'attachment; filename="ü 1.pdf"; size=3',
            "attachment;\n filename*=utf-8''%C3%BC%201.pdf;\n size=3",
        ),
    ],
)
def test_each_kind_of_field(name: str, value: str | bytes, expected: str) -> None:
    found = in_ascii(name, raw(value))
    if '{}' in expected:
        before, after = expected.split('{}')
        assert found.startswith(before) and found.endswith(after)
    else:
        assert found == expected


def test_the_order_stays_and_what_is_ascii() -> None:
    data = (
        b'Received: by a;\n\tnow\nSubject: \xc3\xbc\nReceived: by b\n'
        b'X-Long: ' + b'word ' * 30 + b'\n\nx\n'
    )
    msg = email.message_from_bytes(data)
    encode_fields(msg)
    assert msg.keys() == ['Received', 'Subject', 'Received', 'X-Long']
    assert msg.get_all('Received') == ['by a;\n\tnow', 'by b']
    plain = email.message_from_bytes(data.replace(b'\xc3\xbc', b'u'))
    before = on_the_wire(plain)
    encode_fields(plain)
    assert on_the_wire(plain) == before


@given(st.text(st.characters(codec='utf-8', exclude_categories=['C', 'Z']), min_size=1))
def test_a_subject_reads_as_before(text: str) -> None:
    msg = email.message_from_bytes(b'Subject: ' + f'ü{text}'.encode() + b'\n\n')
    encode_fields(msg)
    head = on_the_wire(msg)
    assert head.isascii() and max(map(len, head.split(b'\r\n'))) <= 78
    if '=?' not in text:
        read = email.message_from_bytes(head)['Subject']
        assert str(make_header(decode_header(read))) == f'ü{text}'


@given(
    st.lists(
        st.sampled_from(
            [
                *(b'From: ', b'To: ', b'Subject: ', b'Content-Type: multipart/mixed; '),
                *(b'Content-Type: text/plain; charset=', b'Content-Type: ', b'--B\n'),
                *(b'Content-Transfer-Encoding: ', b'base64', b'quoted-printable'),
                *(b'8bit', b'message/rfc822\n\n', b'boundary=B\n\n', b'--B--\n'),
                *(b'\xc3\xbc', b'\xff', b'\n', b'\n\n', b'<a@', b'"', b'=', b' x-'),
            ]
        )
        | st.binary(max_size=8)
    )
)
def test_seven_bits_whatever_the_message(pieces: list[bytes]) -> None:
    # What Python takes for line ends beside CR and LF is in no message that it wrote
    # before, where what follows could be taken for a field.
    sent = in_seven_bits(b''.join(pieces).translate(None, b'\v\f\x1c\x1d\x1e'))
    assert sent.isascii()
    assert b'\n' not in sent.replace(b'\r\n', b'')


@pytest.mark.parametrize(
    ('encoding', 'content', 'expected'),
    [
        (b'quoted-printable', b'=C3=BC \xc3\xbc', b'=C3=BC =C3=BC'),
        (b'base64', b'w7\xffw=', b'w7w='),
    ],
)
def test_content_that_is_not_what_it_says(
    encoding: bytes, content: bytes, expected: bytes
) -> None:
    head = b'Content-Transfer-Encoding: ' + encoding + b'\r\n\r\n'
    assert in_seven_bits(head + content) == head + expected
    assert to_bytes(raw(content)) == content
