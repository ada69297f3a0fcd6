# SPDX-License-Identifier: GPL-3.0-or-later
"""Forged and genuine posts through Postfix and real checkers to Mailman (R6, R37)."""

from __future__ import annotations

import email
import queue
import re
import smtplib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dkim
import pytest
from aiosmtpd.controller import Controller
from mailman.config import config
from mailman.interfaces.requests import IListRequests, RequestType

from qnet_mailman.demo.ports import HOST, Reservation
from qnet_mailman.mta.deliver import deliver as deliver_copies
from qnet_mailman.posting import door
from tests import postfix
from tests.attacks.lmtp_server import Deliver, deliver
from tests.conftest import DOMAIN
from tests.end_to_end import checkers
from tests.helpers import empty, message, queued, run, subscribe

__all__ = ['deliver']

POSTER = f'pat@{checkers.DOMAIN}'
READER = 'reader@example.net'
TO = 'list@elsewhere.test'
STRANGER = '192.0.2.1'

pytestmark = [
    pytest.mark.mlist('notification', administrators=[POSTER]),
    pytest.mark.long,
]


class _Server:
    """Postfix and its checkers; what comes out of it."""

    def __init__(self, key: checkers.Key, name: str) -> None:
        self.key = key
        self.is_below = name == 'rspamd'
        self.port = 0
        self.came: queue.Queue[bytes] = queue.Queue()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.came.put(envelope.content)
        return '250 OK'

    def through(self, data: bytes, client: str = STRANGER) -> bytes:
        """Send a message from outside; as it arrives."""
        with smtplib.SMTP(HOST, self.port, timeout=300) as smtp:
            smtp.ehlo('mx.agency.example.gov')
            assert smtp.docmd(f'XCLIENT ADDR={client} NAME=[UNAVAILABLE]')[0] == 220
            smtp.ehlo('mx.agency.example.gov')
            smtp.sendmail(POSTER, [TO], data)
        return self.came.get(timeout=300)


@pytest.fixture(scope='module', params=['opendkim', 'opendkim+opendmarc', 'rspamd'])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[_Server]:
    yield from _running(request.param, tmp_path_factory.mktemp('checkers'), {})


@pytest.fixture(scope='module', params=['opendkim', 'opendkim+opendmarc'])
def open_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[_Server]:
    """Without the door."""
    settings = {'header_checks': ''}
    yield from _running(request.param, tmp_path_factory.mktemp('checkers'), settings)


def _running(name: str, folder: Path, settings: dict[str, str]) -> Iterator[_Server]:
    postfix.require()
    server = _Server(checkers.Key(), name)
    ports = Reservation()
    server.port, relay_port = ports.take(), ports.take()
    maps = folder / 'maps'
    maps.mkdir()
    for each in ('postfix_lmtp', 'postfix_domains'):
        postfix.make_map(maps / each)
    ports.release()
    sink = Controller(server, hostname=HOST, port=relay_port)
    sink.start()
    try:
        with (
            checkers.milter(name, server.key, folder) as milters,
            postfix.running(
                server.port,
                maps=maps,
                relay_port=relay_port,
                smtpd_milters=milters,
                milter_default_action='tempfail',
                # What this server takes goes to the sink.
                relay_domains=TO.partition('@')[2],
                relay_recipient_maps='',
                relay_transport='relay',
                **settings,
            ),
        ):
            yield server
    finally:
        sink.stop()


def a_post(mlist: Any, fields: str = '') -> bytes:
    return (
        f'{fields}From: Pat <{POSTER}>\r\nTo: {mlist.fqdn_listname}\r\n'
        'Subject: News\r\nDate: Mon, 30 Nov 2026 05:00:00 +0000\r\n'
        'Message-ID: <1@agency.test>\r\n\r\nNews.\r\n'
    ).encode()


def forged(form: str) -> str:
    text = form.format(
        server=checkers.ID, upper=checkers.ID.upper(), who=checkers.DOMAIN
    )
    return f'{text}\r\n'


def signed(server: _Server, data: bytes) -> bytes:
    domain = checkers.DOMAIN.encode()
    field: bytes = dkim.sign(data, checkers.SELECTOR.encode(), domain, server.key.pem)
    return field + data


def is_delivered(mlist: Any, deliver: Deliver, data: bytes) -> bool:
    assert deliver(mlist.fqdn_listname, data, POSTER).startswith(b'250')
    run('in')
    delivered = bool(queued('pipeline'))
    held = IListRequests(mlist).count_of(RequestType.held_message)
    assert delivered or held
    empty('pipeline')
    return delivered


def test_forged_and_genuine_posts(
    mlist: Any, deliver: Deliver, server: _Server, configure: Any
) -> None:
    if server.is_below:
        configure(fields_below_received='yes')
    genuine = server.through(signed(server, a_post(mlist)))
    assert is_delivered(mlist, deliver, genuine), genuine
    every = ''.join(forged(form) for form in door.FORGED.values())
    for fields in [*map(forged, door.FORGED.values()), every]:
        came = server.through(a_post(mlist, fields))
        # Of a checker's own fields none says pass.
        header = came.lower().partition(b'\r\n\r\n')[0]
        assert b'=pass' not in header, came
        assert not is_delivered(mlist, deliver, came), came
    # And what is genuine counts with forged fields before it.
    genuine = server.through(every.encode() + signed(server, a_post(mlist)))
    assert is_delivered(mlist, deliver, genuine), genuine


def test_where_the_door_is_open_the_place_counts(
    mlist: Any, deliver: Deliver, open_server: _Server
) -> None:
    genuine = open_server.through(signed(open_server, a_post(mlist)))
    assert is_delivered(mlist, deliver, genuine), genuine
    for form in door.FORGED.values():
        came = open_server.through(a_post(mlist, forged(form)))
        assert not is_delivered(mlist, deliver, came), came


SIGNED = ('list-unsubscribe', 'list-unsubscribe-post', 'from')


@pytest.mark.parametrize('server', ['opendkim+opendmarc'], indirect=True)
@pytest.mark.parametrize('author', [POSTER, f'list@{DOMAIN}'])
def test_copies_leave_with_a_signature(
    mlist: Any, server: _Server, author: str
) -> None:
    """It covers the links to leave (RFC 8058 section 4), also of unmasked posts."""
    subscribe(mlist, READER)
    data = a_post(mlist).replace(POSTER.encode(), author.encode())
    config.push('server', f'[mta]\nsmtp_host: {HOST}\nsmtp_port: {server.port}\n')
    try:
        deliver_copies(mlist, message(data), {'recipients': {READER}, 'verp': True})
    finally:
        config.pop('server')
    came = server.came.get(timeout=300)

    def passes(copy: bytes) -> bool:
        record = server.key.record.encode()
        return bool(dkim.verify(copy, dnsfunc=lambda *_args, **_kws: record))

    assert passes(came), came
    (field,) = email.message_from_bytes(came).get_all('DKIM-Signature', [])
    tags = dict(re.findall(r'(\w+)=([^;]+)', ''.join(field.split())))
    assert (tags['d'], tags['s']) == (DOMAIN, 'mailer')
    covered = tags['h'].lower().split(':')
    for name in SIGNED:
        # Once more than it is there, so that none can be added.
        assert covered.count(name) == 2, covered
    link = came.replace(b'/unsubscribe/', b'/elsewhere/')
    assert link != came and not passes(link)
    assert b'one-click' in came.lower()
    assert not passes(b'List-Unsubscribe-Post: Other=One-Click\r\n' + came)
