# SPDX-License-Identifier: GPL-3.0-or-later
"""From the bytes that LMTP takes to the bytes that SMTP gives (R7-R10)."""

from __future__ import annotations

import base64
import email
import quopri
import re
import smtplib
from pathlib import Path

import pytest

from qnet_mailman.demo.site import Site
from tests.end_to_end.conftest import LIST, POSTER, READER
from tests.masking.tools import SECRETS, calendar_traces, traces

HOSTILE = Path(__file__).resolve().parent.parent / 'masking' / 'hostile.eml'


def hostile_post() -> bytes:
    """The hostile post, as one that the list takes: with one From field."""
    data = HOSTILE.read_bytes().replace(b'hqr-updates@lists.example.org', LIST.encode())
    data, count = re.subn(rb'(?m)^From: "Pat Example \(again\).*\n', b'', data)
    assert count == 1
    return data.partition(b'\n')[2].replace(b'\n', b'\r\n')


def without_text(msg: email.message.Message) -> bytes:
    """A message with the text that the person wrote taken out."""
    for part in msg.walk():
        if part.get_content_type() in ('text/plain', 'text/html'):
            part.set_payload('')
    return msg.as_bytes()


def lines_that_name_the_sender(data: bytes) -> list[bytes]:
    return [
        line
        for line in data.splitlines()
        if any(secret.encode() in line.lower() for secret in SECRETS)
    ]


def test_the_hostile_post(site: Site) -> None:
    post = hostile_post()
    assert len(lines_that_name_the_sender(post)) > 35
    mark = len(site.messages())
    site.lmtp_send(POSTER, LIST, post)
    copies = site.delivered(
        lambda mail: mail.number > mark and READER in mail.recipients, count=1
    )
    site.wait_idle()
    assert not site.queued('shunt'), site.log_tails()
    (copy,) = copies
    assert SECRETS[0] not in copy.mail_from
    assert traces(email.message_from_bytes(copy.data)) == []
    for part in email.message_from_bytes(copy.data).walk():
        if part.get_content_type() == 'text/calendar':
            assert calendar_traces(part.get_payload(decode=True)) == []
    rest = without_text(email.message_from_bytes(copy.data))
    assert lines_that_name_the_sender(rest) == []


def test_the_digest(site: Site) -> None:
    members = site.rest('GET', f'lists/{LIST}/roster/member').json()['entries']
    digested = next(m for m in members if m['email'] == 'lee@example.org')
    answer = site.rest(
        'PATCH', f'members/{digested["member_id"]}', {'delivery_mode': 'mime_digests'}
    )
    assert answer.status_code == 204
    site.lmtp_send(POSTER, LIST, hostile_post().replace(b'20231122.1@', b'digest@'))
    site.wait_idle()
    site.mailman('digests', '--send', '--list', LIST, check=True)
    (digest,) = site.delivered(
        lambda mail: 'lee@example.org' in mail.recipients and 'Digest' in mail.subject
    )
    rest = without_text(email.message_from_bytes(digest.data))
    assert lines_that_name_the_sender(rest) == []


CHARSETS = {
    'us-ascii': 'Plain words.',
    'utf-8': 'Grüße, 你好, здравствуйте, مرحبا.',
    'iso-8859-1': 'Grüße, déjà vu.',
    'windows-1252': 'Euro € and “quotes”.',
    'iso-2022-jp': '日本語のお知らせです。',
    'shift_jis': '日本語のお知らせです。',
    'gb18030': '你好，世界。',
    'koi8-r': 'Здравствуйте.',
    'utf-16': 'Wide words: ∑.',
    'utf-7': 'Words – in seven bits.',
}


def encoded(charset: str, encoding: str) -> tuple[str, bytes]:
    text = '\r\n'.join(
        [CHARSETS[charset], '', '-- ', 'From here on: =20 .', '.', 'End.']
    )
    data = text.encode(charset)
    if encoding == 'base64':
        return text, base64.encodebytes(data).replace(b'\n', b'\r\n')
    if encoding == 'quoted-printable':
        return text, quopri.encodestring(data.replace(b'\r\n', b'\n')).replace(
            b'\n', b'\r\n'
        )
    return text, data


CASES = [
    (charset, encoding)
    for charset in CHARSETS
    for encoding in ('7bit', '8bit', 'quoted-printable', 'base64')
    if not (charset == 'utf-16' and encoding != 'base64')
    and not (encoding == '7bit' and charset not in ('us-ascii', 'iso-2022-jp', 'utf-7'))
]


def test_text_arrives_unchanged(site: Site) -> None:
    expected = {}
    for number, (charset, encoding) in enumerate(CASES):
        text, body = encoded(charset, encoding)
        subject = f'text-{number}-{charset}-{encoding}'
        head = (
            f'From: Pat Example <{POSTER}>\r\nTo: {LIST}\r\nSubject: {subject}\r\n'
            f'Message-ID: <{subject}@agency.example.gov>\r\nMIME-Version: 1.0\r\n'
            f'Content-Type: text/plain; charset={charset}\r\n'
            f'Content-Transfer-Encoding: {encoding}\r\n\r\n'
        )
        expected[subject] = text, charset
        site.lmtp_send(POSTER, LIST, head.encode() + body + b'\r\n')
    copies = site.delivered(
        lambda mail: READER in mail.recipients and mail.subject.startswith('text-'),
        count=len(CASES),
        timeout=90,
    )
    for copy in copies:
        msg = email.message_from_bytes(copy.data)
        # The footer is added at the end, or as a part of its own.
        part = next(p for p in msg.walk() if p.get_content_type() == 'text/plain')
        charset = part.get_content_charset()
        text = part.get_payload(decode=True).decode(charset)
        wanted, original_charset = expected[copy.subject]
        assert text.replace('\r\n', '\n').startswith(wanted.replace('\r\n', '\n')), (
            copy.subject
        )
        footers = [
            p.get_payload(decode=True) for p in msg.walk() if not p.is_multipart()
        ]
        assert any(b'subject Unsubscribe' in f for f in footers) or (
            'subject Unsubscribe' in text
        )
        # Where the footer needed another one, it is a superset.
        assert charset in (original_charset, 'utf-8', 'us-ascii'), copy.subject


@pytest.mark.parametrize(
    'raw',
    [
        b'From: stranger@example.com\r\nSubject: =?utf-8?b?////?=\r\n\r\nx\r\n',
        b'From: stranger@example.com\r\nTo: \xff\xfe\r\nX-\xe9: \xe9\r\n\r\nx\r\n',
        b'From: \xff@\xfe\r\n\r\n\x00\x01\r\n',
        b'Content-Type: multipart/mixed; boundary=\r\n'
        b'From: a@example.com\r\n\r\n--\r\n',
        b'\r\n\r\n',
    ],
)
def test_hostile_bytes_are_never_shunted(site: Site, raw: bytes) -> None:
    before = len(site.queued('shunt'))
    try:
        site.lmtp_send('stranger@example.com', LIST, raw)
    except smtplib.SMTPDataError as error:
        # Mailman itself refuses a message with defects, so that its sender knows.
        assert error.smtp_code == 501
    site.wait_idle()
    assert len(site.queued('shunt')) == before, site.log_tails()
