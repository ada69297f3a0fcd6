# SPDX-License-Identifier: GPL-3.0-or-later
"""Authentication-Results that a stranger writes in our servers' names (R6, R37)."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller as SMTPController
from mailman.config import config
from mailman.interfaces.requests import IListRequests, RequestType
from mailman.model.pending import Pended

from qnet_mailman import site
from qnet_mailman.demo.configuration import ROOT
from qnet_mailman.demo.ports import Reservation
from qnet_mailman.health import door as checking
from qnet_mailman.health.looking import examine
from qnet_mailman.model.base import store
from qnet_mailman.posting import door
from qnet_mailman.runners.lmtp import Controller, Handler
from tests.attacks.lmtp_server import Deliver, deliver
from tests.helpers import queued, run

__all__ = ['deliver']

POSTER = 'poster@agency.example.gov'
RECEIVED = 'Received: from evil (unknown [192.0.2.1]) by mx.example.gov (Postfix)\r\n'
GENUINE = (
    'Authentication-Results: mx.example.gov; dmarc=pass header.from=agency.example.gov'
)

pytestmark = pytest.mark.mlist('notification', administrators=[POSTER])


def forged(form: str) -> str:
    return form.format(
        server='mx.example.gov', upper='MX.EXAMPLE.GOV', who='agency.example.gov'
    )


def a_post(mlist: Any, fields: str, number: int) -> bytes:
    return (
        f'{fields}From: Pat <{POSTER}>\r\nTo: {mlist.fqdn_listname}\r\n'
        f'Subject: News\r\nMessage-ID: <{number}@agency.test>\r\n\r\nBuy!\r\n'
    ).encode()


def held(mlist: Any) -> int:
    return int(IListRequests(mlist).count_of(RequestType.held_message))


def test_what_came_with_a_post_never_counts(mlist: Any, deliver: Deliver) -> None:
    """As OpenDKIM lets it through: it adds nothing to mail without a signature."""
    to = mlist.fqdn_listname
    for number, form in enumerate(door.FORGED.values(), 1):
        for above in ('', 'Authentication-Results: mx.example.gov; dkim=none\r\n'):
            fields = f'{above}{RECEIVED}{forged(form)}\r\n'
            data = a_post(mlist, fields, 2 * number + bool(above))
            assert deliver(to, data, 'evil@evil.test').startswith(b'250')
    run('in')
    assert not queued('pipeline')
    assert held(mlist) == 2 * len(door.FORGED)


def test_a_genuine_one_counts(mlist: Any, deliver: Deliver) -> None:
    data = a_post(mlist, f'{GENUINE}\r\n{RECEIVED}', 1)
    assert deliver(mlist.fqdn_listname, data, POSTER).startswith(b'250')
    run('in')
    assert held(mlist) == 0
    assert len(queued('pipeline')) == 1


# -------------------------------------------------------------------- the door


class _MailServer:
    """A mail server before Mailman: what it does with the header of a message."""

    def __init__(self, lmtp_port: int) -> None:
        self.lmtp_port = lmtp_port
        self.is_away = False
        self.drops = re.compile(rb'')
        self.adds = b''

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.is_away:
            return '554 5.7.1 Not here'
        data = self.adds + self.drops.sub(b'', envelope.content)
        with smtplib.LMTP('127.0.0.1', self.lmtp_port) as client:
            client.sendmail(envelope.mail_from, envelope.rcpt_tos, data)
        return '250 OK'


FIELD = re.compile(rb'(?im)^authentication-results[ \t]*:.*\r\n(?:[ \t].*\r\n)*')


@pytest.fixture
def server(mlist: Any, configure: Any) -> Iterator[_MailServer]:
    ports = Reservation()
    lmtp_port, port = ports.take(), ports.take()
    ports.release()
    lmtp = Controller(Handler(), hostname='127.0.0.1', port=lmtp_port)
    mail_server = _MailServer(lmtp_port)
    smtp = SMTPController(mail_server, hostname='127.0.0.1', port=port)
    configure(outside_mail_server=f'127.0.0.1:{port}')
    lmtp.start()
    smtp.start()
    yield mail_server
    smtp.stop()
    lmtp.stop()


def found() -> tuple[str, str]:
    ((level, text),) = [
        (one.level, one.text) for one in examine(web=False) if one.subject == 'door'
    ]
    # Whatever came of it, nothing is left: no address to write to, no mail.
    assert store().query(Pended).count() == 0
    assert not any(queued(name) for name in ('in', 'command', 'bounces', 'virgin'))
    return level, text


def test_a_door_that_is_shut(server: _MailServer) -> None:
    server.drops = FIELD
    assert found()[0] == 'ok'
    # The server's own field is not a forged one.
    server.adds = b'Authentication-Results: mx.example.gov; dkim=none\r\n'
    assert found()[0] == 'ok'


@pytest.mark.parametrize('name', door.FORGED)
def test_each_form_that_comes_through_is_named(
    server: _MailServer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, 'FORGED', {name: door.FORGED[name]})
    level, text = found()
    assert level == 'error'
    assert f'lets forged Authentication-Results in ({name})' in text
    server.drops = FIELD
    assert found()[0] == 'ok'


def test_doors_that_are_shut_halfway(server: _MailServer) -> None:
    # OpenDKIM's remover, and the one that takes every second field away.
    server.drops = re.compile(rb'(?m)^Authentication-Results: \S+ dkim=.*\r\n')
    assert found()[0] == 'error'
    pair = rb'(?im)^authentication-results:[^\n]*\n((?!authentication)[^\n]*\n)?'
    server.drops = re.compile(pair + rb'(?=authentication-results)')
    assert found()[0] == 'error'


def test_a_checker_that_believes_what_it_reads(server: _MailServer) -> None:
    server.drops = FIELD
    server.adds = (
        b'Authentication-Results: mx.example.gov; dmarc=pass '
        b'header.from=lists.example.gov\r\n'
    )
    level, text = found()
    assert level == 'error'
    assert door.BELIEVED in text


def test_it_is_not_shown(
    server: _MailServer, configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.is_away = True
    level, text = found()
    assert level == 'warning'
    assert 'Not here' in text
    configure(outside_mail_server='127.0.0.1:1')
    assert found()[0] == 'warning'
    configure(outside_mail_server='')
    level, text = found()
    assert level == 'warning'
    assert 'nothing shows' in text
    configure(trusted_authserv_ids='')
    assert [f for f in examine(web=False) if f.subject == 'door'] == []


def test_it_takes_another_way_and_does_not_come(
    server: _MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, 'TIMEOUT', 0)
    monkeypatch.setattr(door, 'send', lambda *args: None)
    level, text = found()
    assert (level, 'did not come' in text) == ('warning', True)


def test_its_address_is_nobodys_way_in(mlist: Any, deliver: Deliver) -> None:
    domain = mlist.mail_host
    for token in ('0' * 40, 'f' * 40, '', 'x'):
        reply = deliver(f'confirm+00000000{token}@{domain}', b'\r\n', 'evil@evil.test')
        assert reply.startswith(b'550')
    probe = door.begin(site.settings())
    assert probe is not None
    config.db.commit()
    before = 'Subject: confirm\r\nIn-Reply-To: <x@y>\r\n'
    data = a_post(mlist, before, 1)
    assert deliver(probe.address, data, POSTER).startswith(b'250')
    assert not any(queued(name) for name in config.switchboards)
    assert door.what_came(probe) == []


def test_what_we_ship_drops_all_forms() -> None:
    text = Path(ROOT / 'etc/postfix/authentication_results').read_text('utf-8')
    ((pattern, action),) = [
        line.rsplit(maxsplit=1) for line in text.splitlines() if line[:1] == '/'
    ]
    assert action == 'IGNORE'
    # Of POSIX; Postfix compares without regard to case, and unfolds nothing.
    matches = re.compile(
        pattern.strip('/').replace('[[:space:]]', r'\s'), re.IGNORECASE
    )
    for form in door.FORGED.values():
        for field in re.split(r'\r\n(?=\S)', forged(form)):
            assert matches.match(field)
    assert matches.match('Authentication-Results : x')
    assert not matches.match('ARC-Authentication-Results: x')
