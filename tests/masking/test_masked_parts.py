# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a masked message (R8, R9)."""

from __future__ import annotations

import base64
import email
import quopri
from copy import deepcopy

import pytest

from qnet_mailman.masking import CannotMask, mask
from tests.masking.tools import (
    IDENTITY,
    NEW_ID,
    PAT,
    leaves,
    masked,
    parsed,
    part,
    traces,
)

FROM = 'From: Pat Example <pat@agency.example.gov>'


@pytest.mark.parametrize(
    ('line', 'expected'),
    [
        ('Content-Type: TEXT/Plain; CHARSET=UTF-8', 'text/plain; charset=UTF-8'),
        ('Content-Type: text/plain (by Pat); format=flowed; delsp=yes', None),
        ('Content-Type: text', 'text/plain'),
        ('Content-Type: text/pl ain', 'application/octet-stream'),
        ('Content-Type: text/pl\u00e4in', 'application/octet-stream'),
        ('Content-Type: text/pat@agency.example.gov', 'application/octet-stream'),
        ('Content-Type: image/png; x-unknown=1', 'image/png'),
        ('Content-Type: text/plain; charset="pat@agency.example.gov"', 'text/plain'),
        ('Content-Type: text/x; format=pat', 'text/x'),
        ('Content-Type: image/png; name="a b.png"', 'image/png; name="a b.png"'),
        (
            "Content-Type: image/png; name*=utf-8''caf%C3%A9.png",
            "image/png; name*=utf-8''caf%C3%A9.png",
        ),
        (
            'Content-Type: image/png; name="=?utf-8?Q?caf=C3=A9.png?="',
            "image/png; name*=utf-8''caf%C3%A9.png",
        ),
    ],
)
def test_content_type(line, expected):
    expected = expected or 'text/plain; format=flowed; delsp=yes'
    result = part(line, body=b'x')
    assert result['Content-Type'].replace('\n', '') == expected


@pytest.mark.parametrize(
    'name',
    [
        'filename="Pat_Example_CV.pdf"',
        'filename="PatExampleCV.pdf"',
        'filename=pat.example.pdf',
        'filename="example, pat.pdf"',
        'filename="2023-PAT-EXAMPLE2.pdf"',
        'filename="pat@agency.example.gov.pdf"',
        'filename="for pat%40agency.example.gov.pdf"',
        "filename*=utf-8''%50at%20%45xample.pdf",
        'filename*0="Pat Ex"; filename*1="ample.pdf"',
        "filename*0*=utf-8''Pat%20Ex; filename*1*=ample.pdf",
        'filename="=?utf-8?B?UGF0IEV4YW1wbGUucGRm?="',
        'filename="P\u00e2t \u00c9xample.pdf"',
        'filename="Pat\\ Example.pdf"',
        'filename="notes from PATS-LAPTOP.pdf"',
    ],
)
def test_file_name_with_a_secret(name):
    data = (
        'From: Pat Example <pat@agency.example.gov>\n'
        'Received: from PATS-LAPTOP by mx.example; now\n'
        f'Content-Disposition: attachment; {name}\n'
        'Content-Type: application/pdf\n\n%PDF'
    ).encode()
    result = masked(data)
    assert result.get_filename() == 'attachment-1.pdf'
    assert traces(result) == []


@pytest.mark.parametrize(
    ('disposition', 'expected'),
    [
        ('inline', 'inline'),
        ('ATTACHMENT; filename=a.pdf; size=3', 'attachment; filename=a.pdf'),
        ('strange; filename="a b.pdf"', 'attachment; filename="a b.pdf"'),
        ('inline; filename="a\\"b.pdf"', 'inline; filename="a\\"b.pdf"'),
        ('attachment; creation-date="Wed, 22 Nov 2023"', 'attachment'),
        ('attachment; filename="unclosed', 'attachment; filename=unclosed'),
    ],
)
def test_disposition(disposition, expected):
    result = part(f'Content-Disposition: {disposition}', body=b'x')
    assert result['Content-Disposition'].replace('\n', '') == expected


@pytest.mark.parametrize(
    ('encoding', 'expected', 'content'),
    [
        ('base64', 'base64', b'abc'),
        ('BASE64 (Pat)', 'base64', b'abc'),
        ('base64; x=pat', 'base64', b'abc'),
        ('utf-8', None, b'YWJj'),
        ('7bit', '7bit', b'YWJj'),
        ('binary', 'binary', b'YWJj'),
    ],
)
def test_transfer_encoding(encoding, expected, content):
    result = part(f'Content-Transfer-Encoding: {encoding}', body=b'YWJj')
    assert result['Content-Transfer-Encoding'] == expected
    assert result.get_payload(decode=True) == content


def test_uuencode_has_a_file_name_of_its_own():
    body = b'begin 644 pat_example.txt\n#86)C\n`\nend\n'
    result = part('Content-Transfer-Encoding: x-uuencode', body=body)
    assert result['Content-Transfer-Encoding'] == 'base64'
    assert result.get_payload(decode=True) == b'abc'


def test_what_stands_outside_of_base64_is_not_kept():
    body = b'YWJj\nZA==\n-- pat@agency.example.gov\n'
    result = part('Content-Transfer-Encoding: base64', body=body)
    assert b'pat@' not in result.as_bytes()
    assert result.get_payload(decode=True) == b'abcd'


def test_part_fields():
    result = part(
        'Content-Type: text/plain',
        'Content-Location: http://example.net/',
        'Content-Base: http://example.net/',
        'X-Attachment-Id: 1',
        'Content-ID: <one@example.net>',
        body=b'x',
    )
    assert result.keys() == ['Content-Type', 'Content-ID']


@pytest.mark.parametrize('charset', ['utf-8', 'iso-8859-1', 'utf-16'])
@pytest.mark.parametrize('encoding', ['quoted-printable', 'base64', '8bit'])
def test_content_ids(charset, encoding):
    page = (
        '<img src="cid:logo.pat@agency.example.gov"><img src=cid:other@x.example>\n'
        "<img src='CID:logo.pat%40agency.example.gov'> pat@agency.example.gov \u00e9\n"
        '<img src="cid:logo.pat@agency.example.gov.more">\n'
    )
    raw = page.encode(charset)
    coded = {
        'base64': base64.encodebytes(raw),
        'quoted-printable': quopri.encodestring(raw),
        '8bit': raw,
    }[encoding]
    if (charset, encoding) == ('utf-16', '8bit'):
        pytest.skip('UTF-16 is not text of lines')
    data = (
        f'{FROM}\nContent-Type: multipart/related; boundary=b; start="<pat@agency.'
        'example.gov>"\n\n--b\n'
        f'Content-Type: text/html; charset={charset}\nContent-ID: <pat@agency.example.'
        f'gov>\nContent-Transfer-Encoding: {encoding}\n\n'
    ).encode() + coded
    data += (
        b'\n--b\nContent-Type: image/png\nContent-ID: <logo.pat@agency.example.gov>\n\n'
        b'x\n--b\nContent-ID: <other@x.example>\n\nx\n--b--\n'
    )
    result = masked(data)
    assert traces(result) == []
    html, image, other = result.get_payload()
    assert result.get_param('start') == html['Content-ID']
    new = image['Content-ID'].strip('<>')
    other = other['Content-ID'].strip('<>')
    assert new != other and b'x.example' not in result.as_bytes()
    expected = page.replace('cid:logo.pat@agency.example.gov"', f'cid:{new}"').replace(
        'CID:logo.pat%40agency.example.gov', f'CID:{new}'
    )
    expected = expected.replace('cid:other@x.example', f'cid:{other}')
    assert html.get_payload(decode=True).decode(charset).rstrip() == expected.rstrip()


def test_text_is_unchanged_where_no_content_id_is():
    body = b'<a href=3D"cid:x@example.net">Pat Example =\npat@agency.example.gov</a>'
    result = part(
        'Content-Type: text/html',
        'Content-Transfer-Encoding: quoted-printable',
        body=body,
    )
    assert result.get_payload().encode() == body


def test_nothing_but_what_is_dropped():
    body = b'Pat Example <pat@agency.example.gov>'
    result = masked(parsed(FROM, 'Content-Type: application/pgp-keys', body=body))
    assert result.get_payload() == ''
    assert result.get_content_type() == 'text/plain'


@pytest.mark.parametrize(
    ('lines', 'body', 'kept'),
    [
        (['Content-Type: text/vcard'], b'BEGIN:VCARD\nFN:Pat Example\nEND:VCARD', b''),
        (
            ['Content-Type: text/x-vcard'],
            b'BEGIN:VCARD\r\nFN:Lee\r\nEND:VCARD\r\nBEGIN:VCARD\r\nN:Exam\r\n ple;Pat;;'
            b'\r\nEND:VCARD\r\n',
            b'BEGIN:VCARD\r\nFN:Lee\r\nEND:VCARD\r\n',
        ),
        (
            ['Content-Type: application/octet-stream; name=x.VCF'],
            b'BEGIN:VCARD\nEMAIL:PAT@agency.example.gov\nEND:VCARD',
            b'',
        ),
        (
            ['Content-Type: text/directory; charset=utf-16'],
            'BEGIN:VCARD\nFN:Pat Example\nEND:VCARD'.encode('utf-16'),
            b'',
        ),
        (
            ['Content-Type: text/vcard'],
            b'BEGIN:VCARD\nN;ENCODING=QUOTED-PRINTABLE:=45xample;Pat\nEND:VCARD',
            b'',
        ),
        (
            ['Content-Type: text/vcard'],
            b'BEGIN:VCARD\nFN:Lee \xe9\nEND:VCARD',
            b'BEGIN:VCARD\nFN:Lee \xe9\nEND:VCARD',
        ),
    ],
)
def test_cards(lines, body, kept):
    lines = [*lines, 'Content-Transfer-Encoding: base64']
    result = part(*lines, body=base64.encodebytes(body))
    assert (result.get_payload(decode=True) if result else b'') == kept


def forwarded(*lines: str, body: str = '', wrap: str = '') -> email.message.Message:
    data = '\n'.join([*lines, '', body]).encode()
    header = ['Content-Type: message/rfc822']
    if wrap:
        header.append(f'Content-Transfer-Encoding: {wrap}')
        encode = base64.encodebytes if wrap == 'base64' else quopri.encodestring
        data = encode(data)
    return part(*header, body=data).get_payload(0)


@pytest.mark.parametrize('wrap', ['', 'base64', 'quoted-printable'])
def test_forwarded_message(wrap):
    result = forwarded(
        'Received: from PATS-LAPTOP by x; now',
        'From: Lee Other <lee@other.example.net>',
        'To: Pat Example <pat@agency.example.gov>, kim@third.example.net',
        'Cc: pat@agency.example.gov',
        'Reply-To: lee@other.example.net',
        'Subject: Hello Pat Example',
        'Date: Wed, 22 Nov 2023 10:00:00 +0100',
        'Message-ID: <1@other.example.net>',
        'References: <pat@agency.example.gov> <0@other.example.net>',
        'X-Other: 1',
        'MIME-Version: 1.0',
        'Content-Type: multipart/mixed; boundary="b = 2"',
        body='--b = 2\n\nDear Pat Example = 1\n--b = 2--\n',
        wrap=wrap,
    )
    assert result.items() == [
        ('From', '"Lee Other" <lee@other.example.net>'),
        ('Reply-To', 'lee@other.example.net'),
        ('To', 'kim@third.example.net'),
        ('Subject', 'Hello HQR Updates'),
        ('Date', 'Wed, 22 Nov 2023 09:00:00 +0000'),
        ('Message-ID', '<1@other.example.net>'),
        ('References', '<0@other.example.net>'),
        ('MIME-Version', '1.0'),
        ('Content-Type', result['Content-Type']),
    ]
    assert result.get_payload(0).get_payload() == 'Dear Pat Example = 1'


@pytest.mark.parametrize(
    ('author', 'expected'),
    [
        ('Pat Example <pat@agency.example.gov>', '"HQR Updates" <hqr-updates@lists'),
        ('a@example.net, pat@agency.example.gov', 'a@example.net'),
        ('Mail system', 'Mail system'),
        ('<>', '<>'),
    ],
)
def test_author_of_a_forwarded_message(author, expected):
    assert forwarded(f'From: {author}', body='x')['From'].startswith(expected)


def test_digest():
    data = (
        f'{FROM}\nContent-Type: multipart/digest; boundary=b\n\n--b\n\n'
        'From: a@example.net\nX-A: pat@agency.example.gov\n\nPat Example\n--b\n'
        'Content-Type: text/plain\n\ntext\n--b--\n'
    )
    result = masked(data.encode())
    first, second = result.get_payload()
    assert first.get_content_type() == 'message/rfc822'
    assert first.get_payload(0).items() == [('From', 'a@example.net')]
    assert second.get_content_type() == 'text/plain'


@pytest.mark.parametrize('kind', ['message/delivery-status', 'message/feedback-report'])
def test_fields_of_a_report(kind):
    result = part(
        f'Content-Type: {kind}',
        body=b'Reporting-MTA: dns; mx.example.net\nX-From: pat@agency.example.gov\n\n'
        b'Final-Recipient: rfc822; pat@agency.example.gov\nAction: failed\n'
        b'Status: 5.1.1\n\nFinal-Recipient: rfc822; pat@agency.example.gov\n',
    )
    assert traces(result) == []
    assert b'Reporting-MTA: dns; mx.example.net' in result.as_bytes()


def test_header_of_a_message():
    result = part(
        'Content-Type: text/rfc822-headers',
        'Content-Transfer-Encoding: base64',
        body=base64.encodebytes(
            b'From: lee@other.example.net\nTo: pat@agency.example.gov\nReceived: x\n'
        ),
    )
    assert result.get_payload(decode=True) == b'From: lee@other.example.net\n\n'
    assert result['Content-Transfer-Encoding'] is None


def test_external_body():
    result = part(
        'Content-Type: message/external-body; access-type=URL; URL="http://a.example/x"',
        body=b'Content-Type: image/png; name=Pat_Example.png\nX-Me: Pat Example\n\n',
    )
    assert result.get_param('url') == 'http://a.example/x'
    assert result.get_payload(0).items() == [
        ('Content-Type', 'image/png;\n name=attachment-1.png')
    ]


@pytest.mark.parametrize(
    'header',
    [
        'Content-Type: multipart (Pat)/mixed; boundary=b',
        'Content-Type: multipart/mixed (Pat); boundary=b',
        "Content-Type: multipart/mixed; boundary*=us-ascii''b",
    ],
)
def test_boundary_that_only_some_programs_understand(header):
    body = b'--b\nX-Me: Pat Example\nContent-Type: image/png\n\nx\n--b--\n'
    result = masked(parsed(FROM, header, body=body))
    assert traces(result) == []
    assert leaves(result) == [('image/png', b'x')]


def test_multipart_encoded_as_a_whole():
    body = base64.encodebytes(b'--b\nX-Me: Pat Example\n\nx\n--b--\n')
    header = ('Content-Type: multipart/mixed; boundary=b',)
    result = masked(
        parsed(FROM, *header, 'Content-Transfer-Encoding: base64', body=body)
    )
    assert leaves(result) == [('text/plain', b'x')]


def test_multipart_without_parts_is_text():
    result = masked(parsed(FROM, 'Content-Type: multipart/mixed', body=b'Hello\n'))
    assert leaves(result) == [('text/plain', b'Hello\n')]


REFUSED = [
    ('multipart/encrypted; boundary=b', b'--b\n\nx\n--b--', 'PGP/MIME'),
    ('application/pgp-encrypted', b'Version: 1\n', 'PGP/MIME'),
    ('application/ms-tnef', b'x', 'winmail.dat'),
    ('application/octet-stream; name=WINMAIL.dat', b'x', 'winmail.dat'),
    ('message/partial; number=1; id=a', b'From: a@b.example\n\nx', 'several pieces'),
    ('application/pkcs7-mime', b'x', 'S/MIME'),
]


@pytest.mark.parametrize('nested', [False, True])
@pytest.mark.parametrize(('kind', 'body', 'reason'), REFUSED)
def test_refused_and_unchanged(kind, body, reason, nested):
    if nested:
        body = f'--out\n\ntext\n--out\nContent-Type: {kind}\n\n'.encode() + body
        body += b'\n--out--\n'
        kind = 'multipart/mixed; boundary=out'
    message = parsed(FROM, 'X-Mailer: x', f'Content-Type: {kind}', body=body)
    message.preamble = 'Pat'
    before = deepcopy(message)
    with pytest.raises(CannotMask) as caught:
        mask(message, IDENTITY, PAT, message_id=NEW_ID, thread={})
    assert reason in caught.value.reason
    assert message.items() == before.items()
    assert message.preamble == before.preamble
    assert message.as_bytes() == before.as_bytes()


@pytest.mark.parametrize(('depth', 'possible'), [(45, True), (60, False)])
@pytest.mark.parametrize(
    'opening',
    ['Content-Type: message/rfc822\n\n', 'Content-Type: multipart/mixed; boundary={}'],
)
def test_depth(opening, depth, possible):
    text = ''
    for level in range(depth):
        text += opening.format(f'b{level}')
        if 'multipart' in opening:
            text += f'\n\n--b{level}\n'
    data = f'{FROM}\n{text}\n\nHello\n'.encode()
    if possible:
        ((kind, content),) = leaves(masked(data))
        assert (kind, content.strip()) == ('text/plain', b'Hello')
    else:
        with pytest.raises(CannotMask, match='deeply'):
            masked(data)
