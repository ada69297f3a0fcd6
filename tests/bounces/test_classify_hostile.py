# SPDX-License-Identifier: GPL-3.0-or-later
"""Strangers write to a bounces address: nothing they send may hurt.

Never raises, never holds the queue, never yields what is not an address.
"""

from __future__ import annotations

import email
import email.message
import random
import time

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from qnet_mailman.bounces.reading.addresses import (
    clean_address,
    find_addresses,
    is_address,
)
from qnet_mailman.bounces.reading.classify import (
    Kind,
    Verdict,
    classify,
    classify_reply,
)
from qnet_mailman.bounces.reading.texts import fold
from qnet_mailman.mail.guessing import guess
from tests.examples import examples

#: Seconds of computing for one message.  It takes a tenth of that at most; what a
#: stranger could make grow with the square of its size takes many times as much.
LIMIT = 1.0

HEAD = b'From: mailer-daemon@example.net\nSubject: undeliverable\n'
DSN = (
    b'Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n'
    b'--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n'
    b'Final-Recipient: rfc822; a@example.org\nAction: failed\nStatus: 5.0.0\n'
    b'Diagnostic-Code: smtp; '
)
FIELDS = b'Final-Recipient: rfc822;a@b.cc\nAction: failed\nStatus: 5.1.1\n\n'


def check(verdict: Verdict) -> None:
    assert (verdict.kind is Kind.none) == (not verdict.failures)
    for failure in verdict.failures:
        assert failure.kind is not Kind.none
        assert failure.address is None or is_address(failure.address)
        assert all(is_address(one) for one in failure.aliases)
        assert len(failure.evidence) <= 200
        assert failure.evidence.isprintable()


def timed(message: bytes | email.message.Message) -> float:
    """Seconds of computing for one message: what others do does not count."""
    begin = time.thread_time()
    check(classify(message))
    return time.thread_time() - begin


STARTS = {
    'text': HEAD + b'\n',
    'html': HEAD + b'Content-Type: text/html\n\n',
    'diagnostic': DSN,
    'subject': b'From: mailer-daemon@example.net\nSubject: ',
    'content type': HEAD + b'Content-Type: multipart/report; ',
    'failed recipients': b'X-Failed-Recipients: ',
    'notification': b'Subject: x\n\n{"notificationType":',
    'nothing': b'',
}
FILL = [
    b'\n', b'\r', b' ', b'\t', b'<', b'>', b'@', b'a', b'a@', b'a.b@', b'<a@b.cc>',
    b'a@b.cc\n', b'a@b.cc: ', b'=?', b'=?utf-8?q?', b'&#', b';', b'"', b'(', b'-', b'.',
    b'5.1.1 ', b'550 ', b'>\n', b'\n> ', b'x\n', b'\xff', b'\x00', b'\x1b$B', b'=\n',
    b'\xe3\x81\x82', b'\n--x\nContent-Type: text/plain\n\n', FIELDS, b'Received: x\n',
    b'<style', b'<head', b'<script>', b'http://x ', b'From: mailer-daemon\n', b'{"a":',
    b'mailbox ', b'exceeds quota ', b'<<< 550 ', b'while talking to\n', b'[',
]  # fmt: skip


@pytest.mark.parametrize('start', STARTS)
def test_repetition(start: str) -> None:
    for fill in FILL:
        data = STARTS[start] + fill * (300_000 // len(fill))
        assert timed(data) < LIMIT, (start, fill)


def test_a_megabyte_of_newlines() -> None:
    """It costs flufl.bounce 24 s."""
    data = HEAD + b'\n' + b'\n' * 1_000_000
    assert timed(data) < LIMIT
    parsed = email.message_from_bytes(data)
    assert timed(parsed) < LIMIT


def test_nesting() -> None:
    parts = (
        b'Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n' % (i, i)
        for i in range(5000)
    )
    assert timed(b''.join(parts)) < LIMIT
    assert timed(b'Content-Type: message/rfc822\n\n' * 20_000) < LIMIT


def test_many_headers_and_parameters() -> None:
    assert timed(b'X-Header: y\n' * 50_000 + b'\nbody') < LIMIT
    folded = b';\n boundary*%d=x'
    pieces = b''.join(folded % number for number in range(5000))
    assert timed(b'Content-Type: multipart/report' + pieces + b'\n\n--x\n') < LIMIT


def test_charsets() -> None:
    text = 'é' * 20_000
    for charset in (
        'punycode',
        'idna',
        'utf-7',
        'hex',
        'undefined',
        'x' * 500,
        'utf-16',
    ):
        for encoding in ('utf-8', 'utf-16'):
            head = HEAD + f'Content-Type: text/plain; charset={charset}\n\n'.encode()
            assert timed(head + text.encode(encoding)) < LIMIT


@pytest.mark.parametrize(
    'text, encoding, declared',
    [
        ('メールボックスがいっぱいです。', 'euc_jp', ''),
        ('メールボックスがいっぱいです。', 'shift_jis', ''),
        ('メールボックスがいっぱいです。', 'iso2022_jp', 'us-ascii'),
        ('メールボックスがいっぱいです。', 'utf-8', 'us-ascii'),
        ('收件人的邮箱已满，无法投递邮件', 'gb18030', ''),
        ('почтовый ящик получателя переполнен', 'koi8_r', ''),
        ('почтовый ящик получателя переполнен', 'cp1251', 'us-ascii'),
        ('La boîte aux lettres est pleine', 'cp1252', ''),
        ('Das Postfach des Empfängers ist voll', 'cp1252', 'utf-8'),
    ],
)
def test_undeclared_charsets(text: str, encoding: str, declared: str) -> None:
    assert guess(text.encode(encoding), declared) == text


def test_a_character_that_a_cap_cut_through() -> None:
    assert guess('満杯'.encode()[:-1], 'utf-8') == '満'
    assert guess(b'\xff' + 'メールボックス'.encode() * 9, 'utf-8')[1:3] == 'メー'


def test_a_hundred_recipients_are_read_and_no_more() -> None:
    blocks = b''.join(
        b'Final-Recipient: rfc822; r%d@example.org\nAction: failed\n'
        b'Status: 5.1.1\nDiagnostic-Code: smtp; 550 no %d\n\n' % (number, number)
        for number in range(500)
    )
    data = DSN.partition(b'Final-')[0] + blocks + b'--x--\n'
    assert timed(data) < LIMIT
    assert len(classify(data).failures) == 100


def test_eight_bit_bytes_in_headers() -> None:
    """flufl.bounce raises AttributeError on some of them."""
    data = (
        b'From: \xe9\xff <mailer-daemon@example.net>\nTo: \xff\xfe\n'
        b'Subject: \xe9chec de la remise\nX-Mailer: \xff\n'
        b'Content-Type: multipart/report; boundary="\xff"\n\n--\xff\n\nx\n'
    )
    check(classify(data))
    check(classify(email.message_from_bytes(data)))


@pytest.mark.parametrize(
    'payload', [None, '', [], ['x'], 'é\udcff', b'bytes', 17, object()]
)
@pytest.mark.parametrize(
    'kind',
    ['text/plain', 'text/html', 'message/delivery-status', 'message/rfc822',
     'multipart/report', 'multipart/mixed', 'nonsense', ''],
)  # fmt: skip
def test_messages_made_by_programs(kind: str, payload: object) -> None:
    message = email.message.Message()
    if kind:
        message['Content-Type'] = kind
    message['Subject'] = 'Undeliverable mail'
    message['From'] = 'mailer-daemon@example.net'
    message._payload = payload  # type: ignore[attr-defined]
    check(classify(message))


def test_flipped_bytes(samples: list[bytes]) -> None:
    """Damage of all kinds to real reports; another seed for each run is not needed."""
    choose = random.Random(3464)
    noise = (b'\n\n', b'\r', b'\x00', b'\xff\xfe', b'<', b'@', b'\x1b$B', b'--', b';')
    slowest = 0.0
    for _turn in range(2500):
        data = bytearray(choose.choice(samples)[:30_000])
        for _flip in range(choose.choice((1, 3, 20, 200))):
            at = choose.randrange(len(data) or 1)
            what = choose.random()
            if what < 0.5 and data:
                data[at] = choose.randrange(256)
            elif what < 0.7:
                del data[at : at + choose.randrange(40)]
            elif what < 0.9:
                data[at:at] = data[at : at + choose.randrange(200)]
            else:
                data[at:at] = choose.choice(noise)
        slowest = max(slowest, timed(bytes(data)))
    assert slowest < LIMIT


def test_cut_off(samples: list[bytes]) -> None:
    for data in samples[::5]:
        for share in (0.1, 0.3, 0.5, 0.7, 0.9):
            check(classify(data[: int(len(data) * share)]))


FUZZ = examples(
    few=60,
    many=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
LINE = st.sampled_from(
    [
        'From: mailer-daemon@example.net', 'Subject: failure notice', '', '--x', '> ',
        'Content-Type: multipart/report; report-type=delivery-status; boundary=x',
        'Content-Type: message/delivery-status', 'Content-Type: message/rfc822',
        'Content-Transfer-Encoding: base64', 'Final-Recipient: rfc822; a@example.org',
        'Original-Recipient: rfc822;', 'Action: failed', 'Status: 5.1.1', 'Received: x',
        '<a@example.org>: 550 user unknown', 'could not be delivered', '=?utf-8?b?w?=',
        'X-Failed-Recipients: a@example.org, b@', '----- Original message -----',
    ]
)  # fmt: skip


@FUZZ
@given(st.binary(max_size=2000))
def test_any_bytes(data: bytes) -> None:
    check(classify(data))


@FUZZ
@given(st.lists(LINE | st.text(max_size=60), max_size=40))
def test_any_lines(lines: list[str]) -> None:
    data = '\n'.join(lines).encode('utf-8', 'surrogatepass')
    check(classify(data))
    check(classify(email.message_from_bytes(data)))


@FUZZ
@given(st.integers(200, 599), st.none() | st.text(max_size=20), st.text(max_size=300))
def test_any_reply(code: int, status: str | None, text: str) -> None:
    kind, _reason = classify_reply(code, status, text)
    assert kind is not Kind.none


@FUZZ
@given(st.text(max_size=200))
def test_any_text_is_folded(text: str) -> None:
    assert '\n' not in fold(text)
    for _start, _end, address in find_addresses(text):
        assert is_address(address)
    cleaned = clean_address(text)
    assert cleaned is None or is_address(cleaned)


@pytest.mark.parametrize(
    'text, address',
    [
        ('rfc822; reader@example.org', 'reader@example.org'),
        ('RFC822;<reader@example.org>', 'reader@example.org'),
        ('"Reader" <reader@example.org>', 'reader@example.org'),
        ('reader@example.org (Reader)', 'reader@example.org'),
        ('@relay.example.net:reader@example.org', 'reader@example.org'),
        ('utf-8; lectrice.é@exämple.org', 'lectrice.é@exämple.org'),
        ('smtp:reader@example.org', 'reader@example.org'),
        ('rfc822;|/usr/bin/procmail #reader@example.org', None),
        ('rfc822; @mx.example.org', None),
        ('reader', None),
        ('reader@localhost', None),
        ('reader@192.0.2.1', None),
        ('reader@-example.org', None),
        ('reader@example..org', None),
        ('<>', None),
        ('', None),
        (None, None),
        ('x' * 65 + '@example.org', None),
    ],
)
def test_addresses(text: str | None, address: str | None) -> None:
    assert clean_address(text) == address
