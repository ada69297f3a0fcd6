# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile posts through the pipeline and delivery: the bytes that SMTP gets (R8)."""

from __future__ import annotations

import email
import os
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from hypothesis import HealthCheck, given, settings
from mailman.config import config
from mailman.email.message import Message
from mailman.utilities.email import add_message_hash

from qnet_mailman.demo.ports import Reservation
from qnet_mailman.mta.deliver import deliver
from tests.helpers import add_address, appoint, make_user, queued, run, subscribe
from tests.masking.test_masking_properties import message
from tests.masking.tools import calendar_traces, traces


class Keeper:
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.data: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.data.append(envelope.content)
        return '250 OK'


@pytest.fixture
def mail_server(core: Any) -> Iterator[Keeper]:
    """An SMTP server, and Mailman set up to deliver to it."""
    keeper = Keeper()
    ports = Reservation()
    port = ports.take()
    ports.release(port)
    controller = Controller(keeper, hostname='127.0.0.1', port=port)
    controller.start()
    config.push('server', f'[mta]\nsmtp_host: 127.0.0.1\nsmtp_port: {port}\n')
    yield keeper
    config.pop('server')
    controller.stop()


def empty(*names: str) -> None:
    for name in names:
        folder = config.switchboards[name].queue_directory
        for file in os.listdir(folder):
            os.unlink(os.path.join(folder, file))


def test_no_trace_in_the_bytes(make_list: Any, mail_server: Keeper) -> None:
    mlist = make_list()
    mlist.send_welcome_message = False
    mlist.filter_content = False
    appoint(mlist, 'pat@agency.example.gov', may_post=True)
    user = make_user('pat@agency.example.gov')
    user.display_name = 'Pat Example'
    add_address(user, 'pexample@home.example.com')
    subscribe(mlist, 'reader@example.net')
    arrived = 0

    @settings(
        max_examples=60, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(message)
    def check(data: bytes) -> None:
        nonlocal arrived
        empty('pipeline', 'out', 'archive', 'virgin', 'shunt')
        mail_server.data.clear()
        msg = email.message_from_bytes(data, Message)
        del msg['message-id']
        msg['Message-ID'] = '<m1@pats-laptop.agency.example.gov>'
        msg.set_unixfrom('pat@agency.example.gov')
        msg.original_size = len(data)
        add_message_hash(msg)
        config.switchboards['pipeline'].enqueue(msg, listid=mlist.list_id, to_list=True)
        run('pipeline')
        assert not queued('shunt')
        for copy, msgdata in queued('out'):
            deliver(mlist, copy, {**msgdata, 'verp': True})
        for sent in mail_server.data:
            arrived += 1
            read = email.message_from_bytes(sent)
            assert traces(read) == []
            for part in read.walk():
                if part.get_content_type() == 'text/calendar':
                    charset = part.get_param('charset') or 'utf-8'
                    assert calendar_traces(part.get_payload(decode=True), charset) == []

    check()
    assert arrived > 20
