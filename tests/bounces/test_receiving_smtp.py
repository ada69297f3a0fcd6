# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipients whom the mail server refuses while we deliver (R16)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from mailman.config import config

from qnet_mailman.mta import refusal
from qnet_mailman.runners import outgoing
from tests.bounces.reports import rows
from tests.clock import Clock
from tests.helpers import message, queued, subscribe

READER = 'reader@example.net'
POST = 'From: pat@agency.example.gov\nTo: {}\nSubject: News\n\nNews.\n'


class Server:
    """A mail server that answers to recipients as it is told."""

    def __init__(self) -> None:
        self.replies: dict[str, str] = {}
        self.delivered: list[str] = []

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address in self.replies:
            return self.replies[address]
        envelope.rcpt_tos.append(address)
        return '250 OK'

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.delivered += envelope.rcpt_tos
        return '250 OK'


@pytest.fixture
def server(core: Any) -> Iterator[Server]:
    server = Server()
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    controller = Controller(server, hostname='127.0.0.1', port=port)
    controller.start()
    config.push('server', f'[mta]\nsmtp_host: 127.0.0.1\nsmtp_port: {port}\n')
    yield server
    config.pop('server')
    controller.stop()


@pytest.fixture
def send(make_list: Any, server: Server, clock: Clock) -> Any:
    """Deliver to the reader and another; again what waits for another attempt."""
    mlist = make_list()
    for address in (READER, 'other@example.net'):
        subscribe(mlist, address)
    config.db.commit()
    runner = outgoing.OutgoingRunner('out')

    def attempt(*recipients: str) -> None:
        waiting = queued('retry')
        for name in config.switchboards['retry'].files:
            config.switchboards['retry'].dequeue(name)
            config.switchboards['retry'].finish(name)
        for msg, msgdata in waiting:
            runner._dispose(mlist, msg, msgdata)
        if not waiting:
            msg = message(POST.format(mlist.fqdn_listname))
            runner._dispose(
                mlist,
                msg,
                {'recipients': {READER, 'other@example.net', *recipients}},
            )
        config.db.commit()

    return attempt


@pytest.mark.parametrize(
    ('reply', 'kind', 'reason'),
    [
        ('550 5.1.1 no such user', 'hard', 'address unknown'),
        ('550 5.7.1 blocked using zen.spamhaus.org', 'hard', 'policy or blocklist'),
        ('552 5.2.2 mailbox full', 'soft', 'mailbox full'),
        ('552 5.3.4 message too big', 'soft', 'message too large'),
        ('554 5.2.2 over quota', 'soft', 'mailbox full'),
    ],
)
def test_a_refusal_is_a_bounce_at_once(
    server: Server, send: Any, reply: str, kind: str, reason: str
) -> None:
    server.replies[READER] = reply
    send()
    [row] = rows()
    assert (row.email, row.kind, row.reason) == (READER, kind, reason)
    assert row.reply_code == reply[:3]
    assert row.status == reply.split()[1]
    assert server.delivered == ['other@example.net']
    assert queued('retry') == []


def test_who_gets_it_later_has_not_bounced(
    server: Server, send: Any, clock: Clock
) -> None:
    server.replies[READER] = '450 4.2.0 greylisted, come again'
    send()
    assert len(queued('retry')) == 1
    clock.moment += timedelta(hours=1)
    send()
    del server.replies[READER]
    clock.moment += timedelta(hours=1)
    send()
    assert server.delivered == ['other@example.net', READER]
    assert queued('retry') == []
    assert rows() == []


@pytest.mark.parametrize('reply', ['451 4.3.0 try later', '552 too many recipients'])
def test_who_is_given_up_has_bounced_softly(
    server: Server, send: Any, clock: Clock, reply: str
) -> None:
    server.replies[READER] = reply
    for _ in range(5):
        send()
        assert rows() == []
        clock.moment += timedelta(days=1)
    clock.moment += timedelta(hours=1)
    send()
    [row] = rows()
    assert (row.email, row.kind) == (READER, 'soft')
    assert row.day == clock.moment.date()
    assert queued('retry') == []


def test_our_own_server_that_does_not_answer_is_nobodys_bounce(
    send: Any, clock: Clock
) -> None:
    config.push('nobody', '[mta]\nsmtp_port: 1\n')
    try:
        for _ in range(8):
            send()
            clock.moment += timedelta(days=1)
    finally:
        config.pop('nobody')
    assert rows() == []


def test_notices_to_strangers_do_not_score(server: Server, send: Any) -> None:
    server.replies['stranger@example.org'] = '550 5.1.1 no such user'
    send('stranger@example.org')
    assert rows() == []


@pytest.mark.parametrize(
    ('code', 'text', 'final'),
    [
        (550, '', True),
        (552, '5.2.2 full', True),
        (552, 'Too many recipients', False),
        (452, '4.2.2 full', False),
        (444, '', False),
    ],
)
def test_which_replies_are_final(code: int, text: str, final: bool) -> None:
    assert refusal.is_final(code, text) is final
