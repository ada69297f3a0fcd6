# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail server that shows what it got."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from aiosmtpd.controller import Controller
from aiosmtpd.lmtp import LMTP

from qnet_mailman.demo.ports import HOST, Reservation
from qnet_mailman.demo.sink import Delivered, Refusal, Sink

MESSAGE = (
    b'From: ann@example.org\r\nTo: bob@example.net\r\n'
    b'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_=3Cb=3E?=\r\n\r\n'
    b'A line.\r\n.. with dots\r\n\xff\xfe raw bytes\r\n'
)


class Running:
    """A running sink and how to reach it."""

    def __init__(self, folder: Path) -> None:
        ports = Reservation()
        self.smtp_port, http_port = ports.take(), ports.take()
        ports.release()
        self.url = f'http://{HOST}:{http_port}/'
        self.sink = Sink(folder, smtp_port=self.smtp_port, http_port=http_port)
        self.sink.start()

    def send(
        self, *recipients: str, data: bytes = MESSAGE, sender: str = 'a@b'
    ) -> None:
        with smtplib.SMTP(HOST, self.smtp_port) as smtp:
            smtp.sendmail(sender, recipients, data)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path / 'mail box')
    yield found
    found.sink.stop()


def test_a_message_is_kept_byte_for_byte(running: Running) -> None:
    running.send('bob@example.net', 'cleo@example.net', sender='bounces+1@example.gov')
    [mail] = running.sink.messages()
    assert mail.data == MESSAGE
    assert mail.mail_from == 'bounces+1@example.gov'
    assert mail.recipients == ('bob@example.net', 'cleo@example.net')
    assert mail.subject == 'Grüße <b>'
    assert (running.sink.folder / '000001.eml').read_bytes() == MESSAGE
    assert Delivered.load(running.sink.folder, 2) is None


def test_the_empty_sender_is_kept(running: Running) -> None:
    running.send('bob@example.net', sender='')
    [mail] = running.sink.messages()
    assert mail.mail_from == ''


def test_what_no_parser_likes_is_kept_too(running: Running) -> None:
    data = b'Subject: =?nope?q?=FF?=\r\nFrom \xff\xfe\r\n\r\n\r\n'
    running.send('bob@example.net', data=data)
    [mail] = running.sink.messages()
    assert mail.data == data
    assert requests.get(running.url, timeout=5).status_code == 200


def test_the_page_lists_messages_and_links_to_their_text(running: Running) -> None:
    running.send('bob@example.net')
    page = requests.get(running.url, timeout=5)
    assert '<a href="/raw/1">Grüße &lt;b&gt;</a>' in page.content.decode()
    assert 'bob@example.net' in page.text
    raw = requests.get(running.url + 'raw/1', timeout=5)
    assert raw.content == MESSAGE
    assert raw.headers['Content-Type'].startswith('text/plain')
    [entry] = requests.get(running.url + 'messages.json', timeout=5).json()
    assert entry['number'] == 1
    assert entry['to'] == ['bob@example.net']
    for path in ('raw/2', 'raw/x', '../etc/passwd', 'nothing'):
        assert requests.get(running.url + path, timeout=5).status_code == 404


def test_a_page_from_elsewhere_gets_nothing(running: Running) -> None:
    headers = {'Host': 'elsewhere.example.com'}
    assert requests.get(running.url, headers=headers, timeout=5).status_code == 403
    assert requests.put(
        running.url + 'refusals', headers=headers, json={}, timeout=5
    ).status_code == (403)


def test_recipients_can_be_refused_until_told_otherwise(running: Running) -> None:
    refusals = {
        'Gone@example.net': {'reply': '550 5.1.1 No such user'},
        '@full.example.net': {'reply': '452 4.2.2 Full', 'at': 'data'},
    }
    url = running.url + 'refusals'
    assert requests.put(url, json=refusals, timeout=5).ok
    with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
        running.send('gone@example.net')
    assert caught.value.recipients['gone@example.net'] == (550, b'5.1.1 No such user')
    with pytest.raises(smtplib.SMTPDataError) as refused:
        running.send('any@full.example.net')
    assert (refused.value.smtp_code, refused.value.smtp_error) == (452, b'4.2.2 Full')
    running.send('bob@example.net', 'cleo@example.net')
    assert requests.get(url, timeout=5).json()['gone@example.net']['at'] == 'rcpt'
    assert requests.put(url, json={}, timeout=5).ok
    running.send('gone@example.net')
    assert len(running.sink.messages()) == 2


@pytest.mark.parametrize(
    'body',
    [
        b'nonsense',
        b'[]',
        b'{"a@b": "550 No"}',
        b'{"a@b": {"reply": "250 Yes"}}',
        b'{"a@b": {"reply": "550 No", "at": "helo"}}',
    ],
)
def test_a_bad_refusal_is_refused(running: Running, body: bytes) -> None:
    url = running.url + 'refusals'
    assert requests.put(url, data=body, timeout=5).status_code == 400
    assert requests.get(url, timeout=5).json() == {}


def test_a_callback_is_asked_first(tmp_path: Path) -> None:
    ports = Reservation()
    port = ports.take()
    ports.release()
    sink = Sink(tmp_path, smtp_port=port, refuse=lambda _to: Refusal('550 5.7.1 No'))
    sink.start()
    try:
        with smtplib.SMTP(HOST, port) as smtp:
            smtp.ehlo()
            assert smtp.docmd('MAIL FROM:<a@b>')[0] == 250
            assert smtp.docmd('RCPT TO:<c@d>') == (550, b'5.7.1 No')
    finally:
        sink.stop()


def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    for number in (1, 2):
        running = Running(tmp_path)
        running.send('bob@example.net')
        running.sink.stop()
        assert running.sink.messages()[-1].number == number


def test_mail_for_a_domain_is_passed_on_and_what_is_refused_is_kept(
    tmp_path: Path,
) -> None:
    ports = Reservation()
    port, lmtp_port = ports.take(), ports.take()
    ports.release()
    taken: list[tuple[list[str], bytes]] = []

    class Lists:
        async def handle_RCPT(
            self, _server: Any, _session: Any, envelope: Any, to: str, _options: Any
        ) -> str:
            if to.startswith('noreply'):
                return '550 5.1.1 No such list'
            envelope.rcpt_tos.append(to)
            return '250 OK'

        async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
            taken.append((envelope.rcpt_tos, envelope.content))
            return '250 OK'

    class Lmtp(Controller):
        def factory(self) -> LMTP:
            return LMTP(self.handler)

    sink = Sink(tmp_path, smtp_port=port, pass_on=('lists.example.gov', lmtp_port))
    sink.start()
    lmtp = Lmtp(Lists(), hostname=HOST, port=lmtp_port)
    lmtp.start()
    try:
        with smtplib.SMTP(HOST, port) as smtp:
            recipients = [
                'news-owner@lists.example.gov',
                'noreply@Lists.example.gov',
                'bob@example.net',
            ]
            smtp.sendmail('', recipients, MESSAGE)
        lmtp.stop()
        with smtplib.SMTP(HOST, port) as smtp, pytest.raises(smtplib.SMTPDataError):
            smtp.sendmail('', 'news@lists.example.gov', MESSAGE)
    finally:
        sink.stop()
    assert taken == [(['news-owner@lists.example.gov'], MESSAGE)]
    [mail] = sink.messages()
    assert mail.recipients == ('noreply@Lists.example.gov', 'bob@example.net')
