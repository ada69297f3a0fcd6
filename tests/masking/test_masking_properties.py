# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever somebody sends: no trace of the sender, and the text stays (R8-R10)."""

from __future__ import annotations

import base64
import binascii
import email
import urllib.parse

from cryptography.hazmat.primitives.serialization import pkcs7
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from qnet_mailman.masking import CannotMask
from qnet_mailman.masking.message import build
from tests.examples import examples
from tests.masking.test_masked_signatures import opaque, signed
from tests.masking.tools import (
    HOSTILE,
    IDENTITY,
    NEW_ID,
    PAT,
    calendar_traces,
    leaves,
    masked,
    traces,
)

searched = examples(
    few=120,
    many=600,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

FROM = b'From: Pat Example <pat@agency.example.gov>\n'
RECEIVED = (
    b'Received: from PATS-LAPTOP (relay7.agency.example.gov [192.0.2.17])\n'
    b'\tby y ([IPv6:2001:db8:17::5]); now\n'
    b'X-Source-Host: pats-desktop.home.example.com\n'
)


def quoted_word(text: str) -> str:
    return '=?utf-8?Q?' + ''.join(f'={b:02X}' for b in text.encode()) + '?='


def base64_word(text: str) -> str:
    return f'=?iso-8859-1?B?{base64.b64encode(text.encode()).decode()}?='


def split_word(text: str) -> str:
    half = len(text) // 2
    return f'{quoted_word(text[:half])}\n {base64_word(text[half:])}'


def folded(text: str) -> str:
    return text.replace(' ', '\n ', 1)


def percent(text: str) -> str:
    return urllib.parse.quote(text, safe='')


def percent_all(text: str) -> str:
    return ''.join(f'%{b:02x}' for b in text.encode())


def escaped(text: str) -> str:
    return ''.join(f'\\{c}' for c in text)


secret = st.sampled_from(
    [
        'pat@agency.example.gov',
        'PAT@Agency.Example.gov',
        'pat=agency.example.gov',
        'pexample@home.example.com',
        'Pat Example',
        'Example, Pat',
        'Pat_Example',
        'pat.example',
        'PATS-LAPTOP',
        'relay7.agency.example.gov',
        '192.0.2.17',
        '2001:db8:17::5',
    ]
)
disguise = st.sampled_from(
    [
        str,
        str.upper,
        quoted_word,
        base64_word,
        split_word,
        folded,
        percent,
        percent_all,
        escaped,
    ]
)
disguised = st.builds(lambda text, change: change(text), secret, disguise)
junk = st.one_of(
    st.sampled_from(['', ' ', '"', '<', '>', '(', ')', ';', ',', ':', '@', '=?', '?='])
    | st.sampled_from(['\\', 'x', '\n ', '=', "utf-8''", '\t', 'é', '%', '*0*=', '\0']),
)
hostile_text = st.lists(disguised | junk, max_size=6).map(''.join)
FIELDS = """
    From To Cc Bcc Sender Reply-To Subject Date Message-ID In-Reply-To References
    Keywords Comments MIME-Version Content-Type Content-Disposition Content-ID
    Content-Description Content-Language Content-Location Content-Transfer-Encoding
    Content-MD5 Received DKIM-Signature ARC-Seal Resent-From Autocrypt X-Priority
    Importance Priority Sensitivity Auto-Submitted List-Id Errors-To Thread-Topic
    X-pat@agency.example.gov subject TO
"""
TYPES = """
    text/plain text/html image/png multipart/mixed message/rfc822 inline attachment
    application/pat.example text/calendar
"""
PARAMETERS = """
    name filename charset filename*0* name*1 boundary x start format type name*0
    filename*1*=utf-8''
"""
PROPERTIES = 'ORGANIZER ATTENDEE UID SUMMARY X-A URL PRODID CONTACT'
KINDS = 'mixed alternative related signed digest report'


def word_of(text: str) -> st.SearchStrategy[str]:
    return st.sampled_from(text.split())


field_name = word_of(FIELDS) | st.from_regex(r'[A-Za-z][!-9;-~]{0,12}', fullmatch=True)
structured = st.builds(
    '{}; {}={}; {}="{}"'.format,
    word_of(TYPES),
    word_of(PARAMETERS),
    hostile_text,
    word_of(PARAMETERS),
    hostile_text,
)
field = st.builds(
    lambda name, value, end: (
        f'{name}: {value}{end}'.encode()
        if end != 'latin'
        else f'{name}: {value}'.encode('latin-1', 'replace')
    ),
    field_name,
    hostile_text | structured,
    st.sampled_from(['', '\r', 'latin']),
)
fields = st.lists(field, max_size=6).map(
    lambda lines: b''.join(ln + b'\n' for ln in lines)
)


def encoded(raw: bytes, encoding: str) -> bytes:
    """A transfer encoding field, an empty line, and the encoded content."""
    content = {
        'base64': base64.encodebytes,
        'quoted-printable': lambda data: binascii.b2a_qp(data, istext=False),
        '8bit': bytes,
    }[encoding](raw)
    return f'Content-Transfer-Encoding: {encoding}\n\n'.encode() + content


encoding = st.sampled_from(['base64', 'quoted-printable', '8bit'])
calendar_line = st.builds(
    '{}{}:{}'.format,
    word_of(PROPERTIES),
    st.sampled_from(
        ['', ';CN=Lee', ';CN="Pat Example"', ';X="a:pat@agency.example.gov"']
    ),
    st.builds(
        lambda text, change: change(text), secret, st.sampled_from([str, percent])
    ),
)


def make_calendar(lines: list[str], width: int, charset: str, encoding: str) -> bytes:
    text = '\r\n'.join(['BEGIN:VCALENDAR', *lines, 'END:VCALENDAR', ''])
    if width:
        cut = (ln for ln in text.split('\r\n'))
        text = '\r\n'.join(
            '\r\n '.join(ln[i : i + width] for i in range(0, len(ln) or 1, width))
            for ln in cut
        )
    encoding = 'base64' if charset == 'utf-16' else encoding
    header = f'Content-Type: text/calendar; charset={charset}; method=REQUEST\n'
    return header.encode() + encoded(text.encode(charset), encoding)


calendar = st.builds(
    make_calendar,
    st.lists(calendar_line, min_size=1, max_size=6),
    st.sampled_from([0, 7, 60]),
    st.sampled_from(['utf-8', 'iso-8859-1', 'utf-16']),
    encoding,
)
text_part = st.builds(
    lambda head, raw, cte: head + b'Content-Type: text/plain\n' + encoded(raw, cte),
    fields,
    st.sampled_from([b'Hello Pat', b'', b'\xe9\n']),
    encoding,
)
leaf = (
    text_part
    | calendar
    | st.builds(lambda head: head + b'\nbody\n', fields)
    | st.sampled_from(
        [
            b'Content-Type: text/vcard\n\nBEGIN:VCARD\nFN:Pat Example\nEND:VCARD\n',
            b'Content-Type: application/pgp-signature; name=Pat_Example\n\nx\n',
            opaque(b'X-Me: Pat Example\n\nhello\n', 'application/pkcs7-mime'),
            signed(
                b'X-Me: Pat Example\n\nhello\n',
                pkcs7.PKCS7Options.DetachedSignature,
                der=False,
            ),
        ]
    )
)


def make_multipart(
    kind: str, boundary: str, head: bytes, parts: list[bytes], around: bytes
) -> bytes:
    line = b'--' + boundary.encode()
    body = b''.join(line + b'\n' + part + b'\n' for part in parts)
    header = f'Content-Type: multipart/{kind}; boundary="{boundary}"\n'.encode()
    return header + head + b'\n' + around + b'\n' + body + line + b'--\n' + around


def make_forwarded(head: bytes, inner: bytes, encoding: str) -> bytes:
    header = b'Content-Type: message/rfc822\n' + head
    if encoding == '8bit':
        return header + b'\n' + inner
    return header + encoded(inner, encoding)


entity = st.recursive(
    leaf,
    lambda children: (
        st.builds(
            make_multipart,
            word_of(KINDS),
            st.sampled_from(
                ['b1', 'b2', 'b 3', 'pat@agency.example.gov', 'Pat Example']
            ),
            fields,
            st.lists(children, max_size=4),
            hostile_text.map(str.encode),
        )
        | st.builds(make_forwarded, fields, children, encoding)
    ),
    max_leaves=6,
)
message = st.builds(
    lambda before, first, content: before + first + content,
    fields,
    st.sampled_from([FROM + RECEIVED, RECEIVED + FROM]),
    entity,
)


@searched
@given(message)
def test_no_trace_of_the_sender(data):
    try:
        result = build(email.message_from_bytes(data), IDENTITY, PAT, NEW_ID, {})
    except CannotMask as error:
        # Random structures may say that they are encrypted or in pieces.
        assert 'cannot be taken out' not in error.reason
        return
    read = email.message_from_bytes(result.as_bytes())
    assert traces(read) == []
    for part in read.walk():
        if part.get_content_type() == 'text/calendar' and not part.is_multipart():
            charset = part.get_param('charset') or 'utf-8'
            assert calendar_traces(part.get_payload(decode=True), charset) == []
    assert len({name.lower() for name in read}) == len(read.keys())


CHARSETS = [
    'us-ascii utf-8 iso-8859-1 iso-8859-15 windows-1252 koi8-r iso-2022-jp shift_jis',
    'euc-jp gb18030 big5 euc-kr utf-7 utf-16 utf-16le utf-32 hz cp037 x-unknown utf8',
]


@searched
@given(
    text=st.text(max_size=200),
    charset=st.sampled_from(' '.join(CHARSETS).split()),
    kind=st.sampled_from(['text/plain', 'text/html', 'text/x-log', 'application/x-a']),
    cte=encoding,
    nested=st.booleans(),
)
def test_text_arrives_as_it_was(text, charset, kind, cte, nested):
    text = f'Pat Example <pat@agency.example.gov> {text}'
    codec = 'utf-8' if charset == 'x-unknown' else charset
    raw = text.encode(codec, 'replace')
    if cte == '8bit':
        raw = raw.replace(b'\r', b'')
        nested = nested and b'--b' not in raw
    data = f'Content-Type: {kind}; charset={charset}\n'.encode() + encoded(raw, cte)
    if nested:
        data = (
            b'Content-Type: multipart/mixed; boundary=b\n\n--b\n' + data + b'\n--b--\n'
        )
    original = email.message_from_bytes(FROM + data)
    before = leaves(original)
    assert leaves(masked(original)) == before
    assert before[0][1].rstrip() == raw.rstrip()


@searched
@given(
    st.binary(max_size=300), st.sampled_from(['image/png', 'application/zip', 'text/x'])
)
def test_attachments_arrive_as_they_were(raw, kind):
    data = f'Content-Type: {kind}\n'.encode() + encoded(raw, 'base64')
    assert leaves(masked(FROM + data)) == [(kind, raw)]


@searched
@given(st.binary(max_size=400))
def test_any_bytes(data):
    build(email.message_from_bytes(data), IDENTITY, PAT, NEW_ID, {})


@examples(few=60, many=300, deadline=None, derandomize=True)
@given(st.data())
def test_damaged_post(data):
    """Only CannotMask is raised, whatever bytes of the hostile post are changed."""
    post = bytearray(HOSTILE.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        index = data.draw(st.integers(0, len(post) - 1))
        change = data.draw(st.binary(max_size=3))
        post[index : index + data.draw(st.integers(0, 40))] = change
    try:
        result = build(email.message_from_bytes(bytes(post)), IDENTITY, PAT, NEW_ID, {})
    except CannotMask:
        return
    assert traces(email.message_from_bytes(result.as_bytes()), SURE) == []


# Found whatever the damage: the caller gives these.
SURE = ('pat@agency.example.gov', 'pexample@home.example.com', 'pat example')


@searched
@given(message)
def test_masking_twice(data):
    try:
        once = masked(data)
    except CannotMask:
        return
    twice = masked(once.as_bytes())
    assert traces(twice) == []
    assert len(leaves(twice)) == len(leaves(once))
