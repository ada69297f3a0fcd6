# SPDX-License-Identifier: GPL-3.0-or-later
"""The header of a masked message (R8)."""

from __future__ import annotations

import email
import email.header
from dataclasses import replace
from email.header import Header

import pytest

from qnet_mailman.masking import Sender, mask, referenced_ids
from tests.masking.tools import (
    DISCUSSION,
    IDENTITY,
    PAT,
    masked,
    parsed,
    traces,
)

FROM = 'From: Pat Example <pat@agency.example.gov>'


def decoded(value: str) -> str:
    return str(email.header.make_header(email.header.decode_header(value)))


@pytest.mark.parametrize(
    ('display_name', 'expected'),
    [
        ('HQR Updates', '"HQR Updates" <hqr-updates@lists.example.org>'),
        ('A "B" \\ C', '"A \\"B\\" \\\\ C" <hqr-updates@lists.example.org>'),
    ],
)
def test_from(display_name, expected):
    result = masked(parsed(FROM, FROM), replace(IDENTITY, display_name=display_name))
    assert result.get_all('From') == [expected]


def test_from_in_another_script():
    name = 'Qualité – nouvelles des hôpitaux ' * 3 + 'é'
    result = masked(parsed(FROM), replace(IDENTITY, display_name=name))
    assert decoded(result['From'].replace('\n', '')) == (
        f'{name} <hqr-updates@lists.example.org>'
    )
    assert result.as_bytes().isascii()
    assert max(map(len, result.as_bytes().splitlines())) <= 78


def test_no_header_at_all():
    result = masked(email.message_from_bytes(b'\nHello\n'))
    assert result.keys() == ['From', 'To', 'Message-ID', 'MIME-Version']
    assert result.get_payload() == 'Hello\n'


def test_reply_to():
    message = ('Reply-To: pat@agency.example.gov', FROM)
    assert masked(parsed(*message))['Reply-To'] is None
    reply_to = masked(parsed(*message), DISCUSSION).get_all('Reply-To')
    assert reply_to == ['hqr-updates@lists.example.org']


@pytest.mark.parametrize(
    ('line', 'expected'),
    [
        ('Date: Wed, 22 Nov 2023 04:00:00 -0500', 'Wed, 22 Nov 2023 09:00:00 +0000'),
        ('Date: 22 Nov 2023 04:00 EST (Pat)', 'Wed, 22 Nov 2023 09:00:00 +0000'),
        ('Date: yesterday', None),
        ('Date: Wed, 99 Nov 99999 04:00:00 -0500', None),
        ('Date: Wed, 22 Nov 2023 04:00:00 +9999999999999999', None),
        ('Importance: HIGH', 'high'),
        ('Importance: as Pat Example likes', None),
        ('Priority: Urgent', 'urgent'),
        ('X-Priority: 1 (Highest)', '1'),
        ('X-Priority: 9', None),
        ('Sensitivity: company-confidential', 'Company-Confidential'),
        ('Auto-Submitted: auto-generated; by=pat', 'auto-generated'),
        ('Keywords: quality, reports', 'quality, reports'),
        ('Keywords: Pat Example', None),
        ('MIME-Version: 1.0 (pat)', '1.0'),
        ('X-Anything: harmless', None),
        ('Bcc: someone@example.net', None),
        ('Organization: Example ADO', None),
        ('Approved: secret', None),
        ('List-Post: <mailto:x@example.net>', None),
        ('Content-MD5: AAAA', None),
        ('Content-Language: en, fr', 'en, fr'),
        ('Content-Language: pat@agency.example.gov', None),
        ('Content-Description: The text', 'The text'),
        ('Content-Description: The text of Pat Example', None),
    ],
)
def test_field(line, expected):
    assert masked(parsed(FROM, line))[line.partition(':')[0]] == expected


def test_every_field_once():
    lines = ['To: a@example.net', 'Cc: b@example.net', 'Subject: S', 'X-Priority: 1']
    lines += ['Date: Wed, 22 Nov 2023 04:00:00 -0500', 'Message-ID: <a@b.example>']
    lines += ['MIME-Version: 1.0', 'Content-Type: text/plain', 'Importance: low']
    result = masked(parsed(FROM, *lines, *lines, *(ln.upper() for ln in lines)))
    names = [name.lower() for name in result]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize(
    ('to', 'expected'),
    [
        ('lee@other.example.net', 'lee@other.example.net'),
        ('Lee <lee@other.example.net>', '"Lee" <lee@other.example.net>'),
        ('lee@other.example.net (Lee)', '"Lee" <lee@other.example.net>'),
        (
            '"Other, Lee" <lee@other.example.net>',
            '"Other, Lee" <lee@other.example.net>',
        ),
        ('pat@agency.example.gov', None),
        ('PAT@AGENCY.EXAMPLE.GOV, a@example.net', 'a@example.net'),
        ('Group: a@example.net, pat@agency.example.gov;', 'a@example.net'),
        ('undisclosed-recipients:;', None),
        ('Pat Example <assistant@agency.example.gov>', None),
        ('=?utf-8?Q?P=61t_Example?= <assistant@agency.example.gov>', None),
        ('pat=agency.example.gov@relay.example.net', None),
        ('pat_agency.example.gov#EXT#@tenant.example.com', None),
        ('pat@agency.example.gov.relay.example.net', None),
        ('x@[192.0.2.17], y@example.net', 'y@example.net'),
        ('junk, <>, @, "unclosed <a@example.net', '"unclosed" <a@example.net>'),
        ('((((a@example.net', None),
        ('@route,@two:a@example.net, <@r:b@example.net>', None),
        ('jos\xe9@example.net, b@example.net', 'b@example.net'),
        ('a@ex\u00e4mple.net', 'a@xn--exmple-cua.net'),
        ('a@example.net, A@example.net', 'a@example.net'),
        ('mailto:a@example.net', 'a@example.net'),
    ],
)
def test_to(to, expected):
    result = masked(parsed(FROM, f'To: {to}'))['To']
    if expected is None:
        assert result.split(', ')[0] in {IDENTITY.posting_address, 'a@example.net'} | {
            'b@example.net'
        }
    else:
        assert result == expected


def test_to_and_cc_are_each_one_field():
    result = masked(
        parsed(
            FROM, 'To: a@example.net', 'To: b@example.net', 'Cc: pat@agency.example.gov'
        )
    )
    assert result['To'] == 'a@example.net, b@example.net'
    assert result['Cc'] is None


@pytest.mark.parametrize(
    ('subject', 'expected'),
    [
        ('Plain', 'Plain'),
        ('', ''),
        ('=?utf-8?Q?Caf=C3=A9?=', '=?utf-8?Q?Caf=C3=A9?='),
        ('=?iso-2022-jp?B?GyRCJCIbKEI=?=', '=?iso-2022-jp?B?GyRCJCIbKEI=?='),
        ('From Pat Example', 'From HQR Updates'),
        ('From PAT  EXAMPLE, again', 'From HQR Updates, again'),
        ('From Example, Pat', 'From HQR Updates'),
        ('From Pat Examples', 'From Pat Examples'),
        ('Pat and an Example', 'Pat and an Example'),
        ('<pat@agency.example.gov>', '<hqr-updates@lists.example.org>'),
        ('Mail Pat@Agency.example.gov!', 'Mail hqr-updates@lists.example.org!'),
        ('mary.pat@agency.example.gov', 'hqr-updates@lists.example.org'),
        ('relay7.agency.example.gov is down', 'relay7.agency.example.gov is down'),
        ('pat%40agency.example.gov', 'HQR Updates'),
    ],
)
def test_subject(subject, expected):
    received = 'Received: from x (relay7.agency.example.gov [192.0.2.1]) by y; now'
    result = masked(parsed(FROM, received, f'Subject: {subject}'))
    assert result['Subject'] == expected


@pytest.mark.parametrize(
    ('subject', 'expected'),
    [
        (b'=?utf-8?Q?Caf=C3=A9_of_Pat_Example?=', 'Café of HQR Updates'),
        (b'=?utf-8?B?UGF0IEV4?= =?utf-8?B?YW1wbGU=?= says', 'HQR Updates says'),
        ('Café of Pat Example'.encode(), 'Café of HQR Updates'),
        ('Café'.encode('latin-1'), 'Café'),
        (b'=?bogus?Q?Caf=E9?= x', 'Café x'),
        ('Pât Éxample éé'.encode(), 'HQR Updates éé'),
        ('Ｐａｔ Example'.encode(), 'HQR Updates'),
        (b'folded\n\tPat\n Example', 'folded HQR Updates'),
    ],
)
def test_decoded_subject(subject, expected):
    result = masked(parsed(FROM, b'Subject: ' + subject))
    assert result.as_bytes().isascii()
    assert decoded(result['Subject'].replace('\n', '')) == expected


def test_header_objects():
    message = parsed()
    message['From'] = Header('Pat Example <pat@agency.example.gov>', 'utf-8')
    message['Subject'] = Header('Café of Pat Example', 'utf-8')
    result = masked(message)
    assert decoded(result['Subject']) == 'Café of HQR Updates'
    assert traces(result) == []


def test_thread():
    message = parsed(
        FROM,
        'In-Reply-To: <1@a.example> (Pat)',
        'References: <0@a.example>\n <1@a.example>',
    )
    assert referenced_ids(message) == ['<1@a.example>', '<0@a.example>']
    thread = {
        '<1@a.example>': '<m1@lists.example.org>',
        '<0@a.example>': '<m0@lists.example.org>',
    }
    result = masked(message, thread=thread)
    assert result['In-Reply-To'] == '<m1@lists.example.org>'
    assert result['References'] == '<m0@lists.example.org> <m1@lists.example.org>'


def test_unknown_thread_is_dropped():
    message = parsed(FROM, 'In-Reply-To: <1@a.example>', 'References: <1@a.example> x')
    result = masked(message)
    assert 'In-Reply-To' not in result
    assert 'References' not in result


@pytest.mark.parametrize(
    ('line', 'secret'),
    [
        ('From: pat2@agency.example.gov (Sam Sender)', 'sam sender'),
        ('From: Sender, Sam <pat2@agency.example.gov>', 'sam sender'),
        ('From: "Sender, Sam J. (OA/XY)" <pat2@agency.example.gov>', 'Sam Sender'),
        ('Sender: Sam Sender <s@example.gov>', 'Sam_Sender'),
        ('Resent-From: =?utf-8?Q?S=61m?= Sender <s@example.gov>', 's@example.gov'),
        ('Return-Path: <s@example.gov>', 's@example.gov'),
        ('X-MailFrom: s@example.gov', 's@example.gov'),
        ('From: s@b\u00fcro.example', 's@xn--bro-hoa.example'),
        ('From: s@xn--bro-hoa.example', 's@b\u00fcro.example'),
        ('From: s+list@example.gov', 's@example.gov'),
        ('Received: from SAMS-PC ([2001:db8::7]) by m.example; now', 'sams-pc'),
        ('Received: from SAMS-PC ([IPv6:2001:DB8::7]) by m.example', '2001:db8::7'),
        ('X-Originating-IP: [192.0.2.99]', '192.0.2.99'),
        ('X-Client-IP: 192.0.2.99', '192.0.2.99'),
        ('Message-ID: <1@sams-pc.example.gov>', 'sams-pc.example.gov'),
        ('Received-SPF: pass client-ip=192.0.2.99; helo=h.example;', 'h.example'),
    ],
)
def test_what_the_message_says_is_secret(line, secret):
    cc = f'Cc: ok@example.net, "about {secret}" <x@example.net>'
    result = masked(parsed(line, cc), sender=Sender())
    assert result['Cc'] == 'ok@example.net'


@pytest.mark.parametrize(
    'line',
    [
        'From: HQR Updates <hqr-updates@lists.example.org>',
        'Return-Path: <hqr-updates-bounces@lists.example.org>',
        'Received: from localhost (localhost [127.0.0.1]) by lists.example.org; now',
        'Received: from x by y for <ok@example.net>; now',
        'Message-ID: <1@agency.example.gov>',
        'From: Al <x1@example.gov>',
        'Received: from x by y (Postfix 3.7.2) with ESMTP id 1.2.3; now',
    ],
)
def test_what_is_no_secret(line):
    cc = (
        '"HQR Updates" <hqr-updates@lists.example.org>, '
        '"localhost" <hqr-updates-bounces@lists.example.org>, '
        '"lists.example.org 127.0.0.1" <ok@example.net>, "Al" <q@agency.example.gov>'
    )
    result = masked(parsed(line, f'Cc: {cc}'), sender=PAT)
    assert result['Cc'].replace('\n', '').count('@') == 4


def test_message_is_changed_in_place():
    message = parsed(FROM, 'X-One: 1')
    message.set_unixfrom('From pat@agency.example.gov')
    assert mask(message, IDENTITY, PAT, message_id='a@b.example', thread={}) is message
    assert message['Message-ID'] == '<a@b.example>'
    assert message.get_unixfrom() is None
