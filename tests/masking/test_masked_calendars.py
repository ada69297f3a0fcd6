# SPDX-License-Identifier: GPL-3.0-or-later
"""Meeting invitations (R9, RFC 5545)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace

import icalendar
import pytest

from qnet_mailman.masking.calendars import mask_calendar
from qnet_mailman.masking.secrets import Secrets, collect
from tests.masking.tools import (
    IDENTITY,
    PAT,
    calendar_traces,
    leaves,
    masked,
    parsed,
    part,
)


@pytest.fixture(scope='module')
def secrets() -> Secrets:
    received = 'Received: from PATS-LAPTOP (x [192.0.2.17]) by y; now'
    return collect(parsed('From: pat@agency.example.gov', received), IDENTITY, PAT)


def file(*lines: str, end: str = '\r\n') -> bytes:
    return end.join(['BEGIN:VCALENDAR', *lines, 'END:VCALENDAR', '']).encode()


ORGANIZER = 'ORGANIZER;CN="HQR Updates":mailto:hqr-updates-owner@lists.example.org'


@pytest.mark.parametrize(
    ('line', 'expected'),
    [
        ('ORGANIZER:mailto:pat@agency.example.gov', ORGANIZER),
        (
            'organizer;CN=Lee:mailto:lee@x.example',
            ORGANIZER.replace('ORGANIZER', 'organizer'),
        ),
        ('ORGANIZER;CN="a:b;c":MAILTO:x@y.example', ORGANIZER),
        ('ATTENDEE:mailto:Pat@agency.example.gov', None),
        ('ATTENDEE;CN=Pat Example:mailto:x@y.example', None),
        ('ATTENDEE;CN="Example\\, Pat":mailto:x@y.example', None),
        ('ATTENDEE;EMAIL=pat@agency.example.gov:urn:uuid:1', None),
        (
            'ATTENDEE;CN=Lee:mailto:lee@x.example',
            'ATTENDEE;CN=Lee:mailto:lee@x.example',
        ),
        (
            'ATTENDEE;SENT-BY="mailto:pat@agency.example.gov";CN=Lee:mailto:lee@x.example',
            'ATTENDEE;CN=Lee:mailto:lee@x.example',
        ),
        ('SUMMARY:By Pat Example', 'SUMMARY:By Pat Example'),
        ('DESCRIPTION;ALTREP="CID:pat@agency.example.gov":a\\nb', 'DESCRIPTION:a\\nb'),
        ('X-ALT-DESC;FMTTYPE=text/html:Pat Example', None),
        ('URL:https://x.example/?u=pat%40agency.example.gov', None),
        ('CONTACT:Pat Example', None),
        ('X-HOST:PATS-LAPTOP', None),
        ('X-IP:192.0.2.17', None),
        ('X-IP:192.0.2.170', 'X-IP:192.0.2.170'),
        ('PRODID:-//Pat Example//EN', 'PRODID:-//QualityNet Mailer//EN'),
        ('METHOD:REQUEST', 'METHOD:REQUEST'),
        ('no property, Pat Example', None),
        ('no property', 'no property'),
        ('X-BAD;="unclosed:pat@agency.example.gov', None),
        ('SUMMARY and Pat Example without a colon', None),
        ('SUMMARY;X="unclosed:Pat Example', 'SUMMARY;X="unclosed:Pat Example'),
        ('N;ENCODING=QUOTED-PRINTABLE:P=61t Example', None),
        (
            'ATTACH;FILENAME=Pat_Example.pdf:https://x.example/1',
            'ATTACH:https://x.example/1',
        ),
    ],
)
@pytest.mark.parametrize('end', ['\r\n', '\n'])
def test_line(line, expected, end, secrets):
    if line.startswith('X-ALT'):
        expected = line
    result = mask_calendar(file(line, end=end), None, IDENTITY, secrets)
    assert result == (file(expected, end=end) if expected else file(end=end))


def test_nothing_to_mask_gives_the_same_bytes(secrets):
    data = file('X-LONG:' + 'a' * 70, ' folded', 'SUMMARY:é Pat Example', ' \t', '')
    assert mask_calendar(data, None, IDENTITY, secrets) is data


def test_fold_inside_of_a_character(secrets):
    data = (
        'BEGIN:VEVENT\r\nATTENDEE;CN="P\u00e2t Example":mailto:x@y.example\r\n'.encode()
    )
    cut = data.index(b'\xc3') + 1
    folded = data[:cut] + b'\r\n ' + data[cut:]
    assert mask_calendar(folded, None, IDENTITY, secrets) == b'BEGIN:VEVENT\r\n'
    written = 'SUMMARY:caf\u00e9 Pat\r\n'.encode()
    cut = written.index(b'\xc3') + 1
    written = written[:cut] + b'\r\n\t' + written[cut:]
    assert mask_calendar(written, None, IDENTITY, secrets) == written


def test_fold_inside_of_an_address(secrets):
    data = file('ATTENDEE:mailto:pa', ' t@agen', '\tcy.example.gov', 'SEQUENCE:1')
    assert mask_calendar(data, None, IDENTITY, secrets) == file('SEQUENCE:1')


def test_soft_line_breaks_of_vcalendar(secrets):
    data = file(
        'X-A;ENCODING=QUOTED-PRINTABLE:one=', 'pat@agency.exam=', 'ple.gov', 'A:1'
    )
    assert mask_calendar(data, None, IDENTITY, secrets) == file('A:1')


def test_uid(secrets):
    def uid(value: str, key: bytes = b'') -> str:
        data = file(f'UID:{value}', f'RELATED-TO:{value}')
        lines = mask_calendar(data, None, IDENTITY, secrets, key).decode().split('\r\n')
        assert lines[1].partition(':')[2] == lines[2].partition(':')[2]
        return lines[1]

    one = 'one-pat@agency.example.gov'
    assert uid(one) == uid(one)
    assert uid(one).endswith('@lists.example.org')
    assert len({uid(one), uid('two-' + one), uid(one, b'k')}) == 3
    outlook = '040000008200E00074C5B7101A82E008' + b'pat@agency.example.gov'.hex()
    assert uid(outlook.upper()).endswith('@lists.example.org')
    plain = '040000008200E00074C5B7101A82E008' + '00' * 16
    assert uid(plain) == f'UID:{plain}'


@pytest.mark.parametrize('name', ['A "B"', 'Qualit\u00e9 ' * 12])
def test_organizer_is_valid(name, secrets):
    identity = replace(IDENTITY, display_name=name)
    data = file('BEGIN:VEVENT', 'ORGANIZER:mailto:x@y.example', 'END:VEVENT')
    result = mask_calendar(data, 'utf-8', identity, secrets)
    assert max(map(len, result.split(b'\r\n'))) <= 75
    (event,) = icalendar.Calendar.from_ical(result).walk('VEVENT')
    assert event['ORGANIZER'] == 'mailto:hqr-updates-owner@lists.example.org'
    assert event['ORGANIZER'].params['CN'] == name.replace('"', "'")


@pytest.mark.parametrize(
    ('charset', 'codec'),
    [
        ('utf-8', 'utf-8'),
        ('iso-8859-1', 'latin-1'),
        ('utf-16', 'utf-16'),
        ('utf-16le', 'utf-16le'),
        ('cp037', 'cp037'),
        ('unknown-x', 'utf-8'),
    ],
)
@pytest.mark.parametrize('encoding', ['base64', 'quoted-printable', '8bit'])
@pytest.mark.parametrize(
    'kind',
    ['text/calendar', 'application/ics', 'application/octet-stream; name=Invite.ICS'],
)
def test_part(charset, codec, encoding, kind):
    if codec in {'utf-16', 'utf-16le', 'cp037'} and encoding == '8bit':
        pytest.skip('not text of lines')
    text = file(
        'BEGIN:VEVENT',
        'ORGANIZER;CN=Pat Example:mailto:pat@agency.example.gov',
        'X-NAME:Pat Example',
        'SUMMARY:caf\u00e9 with Pat Example',
        'END:VEVENT',
    ).decode()
    raw = text.encode(codec)
    coded = {
        'base64': base64.encodebytes(raw),
        'quoted-printable': binascii.b2a_qp(raw, istext=False),
        '8bit': raw,
    }[encoding]
    result = part(
        f'Content-Type: {kind}; method=REQUEST; charset={charset}',
        f'Content-Transfer-Encoding: {encoding}',
        body=coded,
    )
    decoded = result.get_payload(decode=True).decode(codec).replace('\r\n', '\n')
    assert decoded.rstrip() == (
        'BEGIN:VCALENDAR\nBEGIN:VEVENT\n'
        'ORGANIZER;CN="HQR Updates":mailto:hqr-updates-owner@lists.example.org\n'
        'SUMMARY:caf\u00e9 with Pat Example\nEND:VEVENT\nEND:VCALENDAR'
    )
    assert calendar_traces(result.get_payload(decode=True), codec) == []
    assert result.get_param('method') == 'REQUEST'


def test_organizer_in_seven_bits():
    identity = replace(IDENTITY, display_name='Qualit\u00e9')
    message = parsed(
        'From: pat@agency.example.gov',
        'Content-Type: text/calendar',
        'Content-Transfer-Encoding: 7bit',
        body=file('ORGANIZER:mailto:x@y.example'),
    )
    result = masked(message, identity)
    assert result['Content-Transfer-Encoding'] == 'base64'
    assert 'CN="Qualit\u00e9"'.encode() in leaves(result)[0][1]
