# SPDX-License-Identifier: GPL-3.0-or-later
"""Header and footer in messages of every shape: as bytes that a reader gets (R15)."""

from __future__ import annotations

import base64
import email
import quopri
import re
from email.message import Message
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.mta.bodies import Texts, as_html
from qnet_mailman.mta.copies import filled
from qnet_mailman.mta.decoration import decorate
from qnet_mailman.mta.wire import on_the_wire
from qnet_mailman.subscriptions.one_click import LENGTH

STAND_IN = 'S' * LENGTH
TOKEN = 'abcdefghijkl' * 6
FOOTER = f'_____\nYou read News.\n\nLeave:\n  https://x.example.gov/u/{STAND_IN}/\n'
TEXTS = Texts(footer=FOOTER, token=STAND_IN)
REAL = FOOTER.replace(STAND_IN, TOKEN)
LINK = f'https://x.example.gov/u/{TOKEN}/'


def parsed(data: bytes) -> Message:
    return email.message_from_bytes(data)


def copied(msg: Message, texts: Texts = TEXTS) -> Message:
    """A message with texts in it, as the reader of one copy gets it."""
    places = decorate(msg, texts)
    copy_for = filled(on_the_wire(msg), (STAND_IN, [bytes, *places]))
    data = copy_for(TOKEN)
    assert STAND_IN.encode() not in data
    assert len(data) == len(copy_for('Z' * LENGTH))
    for line in data.split(b'\r\n'):
        assert len(line) <= 998
    return parsed(data)


def single(
    body: bytes, kind: str = 'text/plain', charset: str = '', encoding: str = ''
) -> Message:
    head = f'From: a@example.gov\r\nMIME-Version: 1.0\r\nContent-Type: {kind}'
    if charset:
        head += f'; charset={charset}'
    if encoding:
        head += f'\r\nContent-Transfer-Encoding: {encoding}'
    if encoding == 'base64':
        body = base64.encodebytes(body).replace(b'\n', b'\r\n')
    elif encoding == 'quoted-printable':
        # As mail programs write it, with literal line ends.
        body = quopri.encodestring(body.replace(b'\r\n', b'\n'))
        body = body.replace(b'\n', b'\r\n')
    return parsed(head.encode() + b'\r\n\r\n' + body)


def text_of(part: Message) -> str:
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    return data.decode(part.get_content_charset('us-ascii')).replace('\r\n', '\n')


CHARSETS = {
    'us-ascii': 'Plain words.',
    'utf-8': 'Grüße, 你好, здравствуйте, مرحبا.',
    'iso-8859-1': 'Grüße, déjà vu.',
    'iso-8859-15': 'Euro €.',
    'windows-1252': 'Euro € and “quotes”.',
    'windows-1251': 'Здравствуйте.',
    'koi8-r': 'Здравствуйте.',
    'iso-2022-jp': '日本語のお知らせです。',
    'shift_jis': '表示ソ能のお知らせです。',
    'euc-jp': '日本語のお知らせです。',
    'gb18030': '你好，世界。',
    'big5': '許功蓋',
    'euc-kr': '안녕하세요',
    'utf-16': 'Wide words: ∑.',
    'utf-16-le': 'Wide words: ∑.',
    'utf-32': 'Wide words: ∑.',
    'utf-7': 'Words – in seven bits.',
    'hz': '你好 ~ 世界',
}
WIDE = {'utf-16', 'utf-16-le', 'utf-32'}
CASES = [
    (charset, encoding)
    for charset in CHARSETS
    for encoding in ('', '7bit', '8bit', 'quoted-printable', 'base64')
    if not (charset in WIDE and encoding != 'base64')
    and not (
        encoding in ('', '7bit')
        and charset not in ('us-ascii', 'iso-2022-jp', 'utf-7', 'hz')
    )
]
LINES = [
    '{}',
    '',
    'a long line ' * 20,
    ' trailing ',
    '=20 . \t',
    '.',
    'From here',
    '{}',
]


@pytest.mark.parametrize('footer', [FOOTER, FOOTER.replace('News', 'Qualité 質 ☂')])
@pytest.mark.parametrize('final', ['', '\r\n'])
@pytest.mark.parametrize(('charset', 'encoding'), CASES)
def test_text_in_every_charset(
    charset: str, encoding: str, final: str, footer: str
) -> None:
    text = '\r\n'.join(LINES).format(CHARSETS[charset], CHARSETS[charset]) + final
    msg = single(text.encode(charset), charset=charset, encoding=encoding)
    copy = copied(msg, Texts(footer=footer, token=STAND_IN))
    assert copy.get_content_type() == 'text/plain'
    lines = text.replace('\r\n', '\n').removesuffix('\n')
    assert text_of(copy).removesuffix('\n') == (
        lines + '\n' + footer.replace(STAND_IN, TOKEN).removesuffix('\n')
    )
    # In its own charset where that can be.
    kept = footer == FOOTER and charset not in WIDE
    if kept:
        assert copy.get_content_charset() == charset
    else:
        assert copy.get_content_charset() in (charset, 'utf-8')
    if charset in WIDE:
        assert copy.get_content_charset() == 'utf-8'


@pytest.mark.parametrize(('charset', 'encoding'), CASES)
def test_html_in_every_charset(charset: str, encoding: str) -> None:
    page = f'<html><BODY class="a">{CHARSETS[charset]}</BODY >\r\n</html>\r\n'
    msg = single(page.encode(charset), 'text/html', charset, encoding)
    footer = FOOTER.replace('News', 'Qualité 質 <News>')
    copy = copied(msg, Texts(header='Hello.\n', footer=footer, token=STAND_IN))
    html = text_of(copy)
    start, end = html.index('<div'), html.rindex('</div>')
    assert html[: start - 1] == '<html><BODY class="a">'
    assert html[end + 6 :].strip() == '</BODY >\n</html>'
    assert CHARSETS[charset] in html
    assert re.search(rf'<a href="{LINK}" style="[^"]*">Leave</a>', html)
    assert html.count(TOKEN) == 1
    assert 'Qualit&#233; &#36074; &lt;News&gt;' in html
    assert copy.get_content_charset() == ('utf-8' if charset in WIDE else charset)


def test_html_without_a_body() -> None:
    copy = copied(single(b'<p>Hello', 'text/html', 'utf-8'))
    assert text_of(copy).startswith('<p>Hello\n<div lang="en" style="')


def test_as_html() -> None:
    text = '_____\nAsk <a@example.gov>, or\n  mailto:b@example.gov.\n'
    plain = re.sub(r' style="[^"]*"', '', as_html(text, 'fr'))
    assert plain.split('\n') == [
        '',
        '<div lang="fr">',
        'Ask &lt;<a href="mailto:a@example.gov">a@example.gov</a>&gt;, or<br>',
        '&nbsp;&nbsp;<a href="mailto:b@example.gov">b@example.gov</a>.',
        '</div>',
        '',
    ]
    assert as_html('', 'en') == ''


@pytest.mark.parametrize(
    ('text', 'shown'),
    [
        # A long URL has the words before it, or the name of its host.
        (f'Leave this list:\n  {LINK}\nBye.\n', ['Leave this list']),
        (f'To leave the list, open\n  {LINK}\n', ['To leave the list, open']),
        (f'Leave: {LINK} now\n', ['x.example.gov']),
        (f'{LINK}\n', ['x.example.gov']),
        (f'Ask a@example.gov\n  {LINK}\n', ['a@example.gov', 'x.example.gov']),
        # One that can be read is shown.
        ('The archive:\n  https://x.example.gov/\n', ['https://x.example.gov/']),
        ('Leave:\n  mailto:a-leave@example.gov\n', ['a-leave@example.gov']),
    ],
)
def test_links_have_words(text: str, shown: list[str]) -> None:
    page = as_html(text, 'en')
    assert re.findall(r'<a [^>]*>([^<]*)</a>', page) == shown


@pytest.mark.parametrize('encoding', ['8bit', 'quoted-printable', 'base64'])
@pytest.mark.parametrize(
    ('charset', 'data'),
    [
        ('utf-8', b'Wrong: \xff\xfe.'),
        ('us-ascii', b'Wrong: \xe9.'),
        ('x-unknown', b'What: \xe9.'),
        ('', b'None: \xe9.'),
        ('shift_jis', b'Cut: \x81'),
    ],
)
def test_bytes_that_are_wrong_stay(charset: str, data: bytes, encoding: str) -> None:
    copy = copied(single(data, charset=charset, encoding=encoding))
    found = copy.get_payload(decode=True)
    assert isinstance(found, bytes)
    assert found.replace(b'\r\n', b'\n') == data + b'\n' + REAL.encode()
    # Where the footer is not ASCII, a part of its own has it.
    msg = single(data, charset=charset, encoding=encoding)
    copy = copied(msg, Texts(footer='Qualité\n' + FOOTER, token=STAND_IN))
    first, last = copy.get_payload()
    assert first.get_payload(decode=True) == data
    assert text_of(last) == 'Qualité\n' + REAL


def test_flowed_text() -> None:
    # RFC 3676: the footer's lines neither flow nor lose their first space, and the
    # text's last paragraph does not flow into them.
    text = b'One \r\nparagraph \r\n'
    footer = '-----\n> quoted? \nFrom here\n  indented\n'
    copy = copied(single(text, 'text/plain; format=flowed'), Texts(footer=footer))
    assert text_of(copy) == (
        'One \nparagraph \n\n-----\n > quoted?\n From here\n   indented\n'
    )


def test_byte_order_mark() -> None:
    copy = copied(
        single(b'\xef\xbb\xbfText.', charset='utf-8'), Texts(header='Hello.\n')
    )
    assert copy.get_payload(decode=True) == b'\xef\xbb\xbfHello.\r\nText.'


def test_a_clear_signed_text_keeps_its_bytes() -> None:
    signed = (
        '-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nGrüße\r\n'
        '-----BEGIN PGP SIGNATURE-----\r\n\r\nabc\r\n-----END PGP SIGNATURE-----\r\n'
    ).encode('latin-1')
    copy = copied(single(signed, charset='iso-8859-1', encoding='8bit'))
    assert signed in copy.get_payload(decode=True)  # type: ignore[operator]
    msg = single(signed, charset='iso-8859-1', encoding='8bit')
    copy = copied(msg, Texts(footer='質\n' + FOOTER, token=STAND_IN))
    assert copy.get_payload(0).get_payload(decode=True) == signed  # type: ignore[union-attr]


# -------------------------------------------------------------------- shapes


def part(kind: str, body: str, *fields: str) -> str:
    return '\r\n'.join([f'Content-Type: {kind}', *fields, '', body])


def multi(sub: str, *parts: str, boundary: str = 'B', more: str = '') -> str:
    inner = ''.join(f'--{boundary}\r\n{one}\r\n' for one in parts)
    return part(
        f'multipart/{sub}; boundary="{boundary}"{more}', f'{inner}--{boundary}--\r\n'
    )


PLAIN = part('text/plain', 'Plain.')
HTML = part('text/html', '<body>Rich.</body>')
ICS = part('text/calendar; method=REQUEST', 'BEGIN:VCALENDAR\r\nEND:VCALENDAR')
PDF = part('application/pdf', 'JVBERi0=', 'Content-Transfer-Encoding: base64')
FILE = part('text/plain', 'File.', 'Content-Disposition: attachment; filename=a.txt')
SIGNATURE = part('application/pgp-signature', '-----BEGIN PGP SIGNATURE-----')
SIGNED = multi(
    'signed',
    PLAIN,
    SIGNATURE,
    boundary='S',
    more='; protocol="application/pgp-signature"',
)
ALTERNATIVE = multi('alternative', PLAIN, HTML, ICS, boundary='A')
RELATED = multi('related', HTML, part('image/png', 'iVBO'), boundary='R')


def shape(text: str) -> Message:
    return parsed(f'From: a@example.gov\r\nMIME-Version: 1.0\r\n{text}'.encode())


def leaves(msg: Message) -> list[tuple[str, bytes]]:
    return [
        (one.get_content_type(), bytes(one.get_payload(decode=True) or b''))  # type: ignore[arg-type]
        for one in msg.walk()
        if not one.is_multipart()
    ]


@pytest.mark.parametrize(
    ('text', 'with_footer'),
    [
        (PLAIN, ['text/plain']),
        (HTML, ['text/html']),
        (ALTERNATIVE, ['text/plain', 'text/html']),
        (RELATED, ['text/html']),
        (multi('alternative', PLAIN, RELATED), ['text/plain', 'text/html']),
        (multi('mixed', PLAIN, PDF), ['text/plain']),
        (multi('mixed', ALTERNATIVE, ICS, PDF), ['text/plain', 'text/html']),
        (multi('mixed', FILE, PLAIN), ['text/plain']),
        # A remark of some server's, after alternatives.
        (multi('mixed', ALTERNATIVE, PLAIN), ['text/plain', 'text/html']),
        (multi('mixed', PLAIN, SIGNED), ['text/plain']),
        (multi('related', PLAIN, PDF), ['text/plain']),
    ],
)
def test_shapes(text: str, with_footer: list[str]) -> None:
    before = leaves(shape(text))
    copy = copied(shape(text))
    after = leaves(copy)
    assert [kind for kind, _ in after] == [kind for kind, _ in before]
    changed = [
        new[0] for old, new in zip(before, after, strict=True) if old[1] != new[1]
    ]
    assert changed == with_footer
    for (_, old), (kind, new) in zip(before, after, strict=True):
        assert (LINK.encode() in new) is (old != new)
        if kind == 'text/plain' and old != new:
            assert new.startswith(old)


@pytest.mark.parametrize(
    'text',
    [
        SIGNED,
        multi('encrypted', part('application/pgp-encrypted', 'Version: 1'), PDF),
        part('application/pkcs7-mime; smime-type=signed-data', 'MIIB'),
        part('application/x-pkcs7-mime', 'MIIB'),
        ICS,
        part('multipart/mixed', 'no boundary'),
        part('multipart/alternative; boundary=x', 'no parts'),
    ],
)
def test_what_is_never_touched(text: str) -> None:
    before = on_the_wire(shape(text))
    msg = shape(text)
    assert decorate(msg, TEXTS) == []
    assert on_the_wire(msg) == before


@pytest.mark.parametrize(
    'text',
    [
        PDF,
        FILE,
        part('text/csv', 'a;b'),
        part('text/plain', 'begin 644 a\r\n', 'Content-Transfer-Encoding: x-uuencode'),
        part('text/plain', '???', 'Content-Transfer-Encoding: x-own'),
        multi('report', PLAIN, part('message/delivery-status', 'Status: 5.0.0')),
        multi('alternative', ICS),
        part('message/rfc822', 'Subject: forwarded\r\n\r\nText.'),
    ],
)
def test_a_part_of_its_own(text: str) -> None:
    alone = shape(text)
    copy = copied(shape(text), Texts(header='Hello.\n', footer=FOOTER, token=STAND_IN))
    assert copy.get_content_type() == 'multipart/mixed'
    header, inner, footer = copy.get_payload()
    assert text_of(header) == 'Hello.\n'
    assert text_of(footer) == REAL
    assert footer.get_content_disposition() == 'inline'
    del alone['From'], alone['MIME-Version']
    assert on_the_wire(inner).rstrip() == on_the_wire(alone).rstrip()
    assert copy['From'] == 'a@example.gov'


def test_a_part_beside_those_that_are_there() -> None:
    copy = copied(shape(multi('mixed', SIGNED, PDF)))
    kinds = [one.get_content_type() for one in copy.get_payload()]
    assert kinds == ['multipart/signed', 'application/pdf', 'text/plain']
    signed = shape(SIGNED)
    del signed['From'], signed['MIME-Version']
    assert on_the_wire(copy.get_payload(0)).rstrip() == on_the_wire(signed).rstrip()


def inline(kind: str) -> str:
    return part(f'{kind}; name=a.pdf', 'JVBERi0=', 'Content-Disposition: inline')


REST = part('text/plain', 'The rest.')
RICH_REST = part('text/html', '<body>The rest.</body>')


@pytest.mark.parametrize(
    ('text', 'header_in', 'footer_in'),
    [
        # Apple Mail: a text, what is attached, and the rest of the text.
        (multi('mixed', PLAIN, PDF, REST), [0], [2]),
        (multi('mixed', HTML, inline('application/pdf'), RICH_REST), [0], [2]),
        (multi('mixed', PLAIN, PDF, PLAIN, inline('image/png'), REST, FILE), [0], [4]),
        (
            multi(
                'alternative',
                PLAIN,
                multi('mixed', HTML, PDF, RICH_REST, boundary='M'),
            ),
            [0, 1],
            [0, 3],
        ),
    ],
)
def test_the_footer_stands_at_the_end(
    text: str, header_in: list[int], footer_in: list[int]
) -> None:
    before = leaves(shape(text))
    copy = copied(shape(text), Texts('Hello.\n', FOOTER, token=STAND_IN))
    after = leaves(copy)
    assert [kind for kind, _ in after] == [kind for kind, _ in before]
    found = range(len(after))
    assert [n for n in found if b'Hello.' in after[n][1]] == header_in
    assert [n for n in found if TOKEN.encode() in after[n][1]] == footer_in
    # What takes neither is as it was.
    for number in set(found) - {*header_in, *footer_in}:
        assert after[number] == before[number]


def test_nothing_to_add() -> None:
    before = on_the_wire(shape(ALTERNATIVE))
    msg = shape(ALTERNATIVE)
    assert decorate(msg, Texts()) == []
    assert on_the_wire(msg) == before


def test_mime_version_where_it_is_needed_now() -> None:
    msg = parsed(b'From: a@example.gov\r\n\r\nText.\r\n')
    copy = copied(msg, Texts(footer='質\n' + FOOTER, token=STAND_IN))
    assert copy['MIME-Version'] == '1.0'
    assert text_of(copy) == 'Text.\n質\n' + REAL


# -------------------------------------------------------------------- hostile


encodings = st.sampled_from(
    ['', '7bit', '8bit', 'base64', 'quoted-printable', 'BASE64 ', 'x', '\xe9']
)
charsets = st.sampled_from([*CHARSETS, '', 'x', 'rot13', 'idna', '\xe9', '"utf-8'])
kinds = st.sampled_from(
    ['text/plain', 'text/html', 'text/plain; format=flowed', 'text', '', 'text/plain;']
)


@given(st.binary(max_size=300), kinds, charsets, encodings)
def test_garbage(data: bytes, kind: str, charset: str, encoding: str) -> None:
    head = (
        f'Content-Type: {kind}; charset={charset}\r\n'
        f'Content-Transfer-Encoding: {encoding}\r\n\r\n'
    ).encode('latin-1')
    copy = copied(parsed(head + data), Texts('Oh.\n', '質\n' + FOOTER, 'en', STAND_IN))
    assert TOKEN.encode() in on_the_wire(copy).replace(b'=\r\n', b'') or any(
        TOKEN in str(body) for _kind, body in leaves(copy)
    )


@given(st.text(), st.sampled_from(['8bit', 'quoted-printable', 'base64']))
def test_any_text_stays(text: str, encoding: str) -> None:
    text = text.replace('\r', '').replace('\n', '\r\n')
    data = text.encode('utf-8', 'replace')
    copy = copied(single(data, charset='utf-8', encoding=encoding))
    found: Any = copy.get_payload(decode=True)
    expected = data.replace(b'\r\n', b'\n')
    assert found.replace(b'\r\n', b'\n').startswith(expected)
    assert found.replace(b'\r\n', b'\n')[len(expected) :].lstrip(b'\n') == REAL.encode()
