# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile posts through the pipeline and delivery: the bytes that SMTP gets (R8)."""

from __future__ import annotations

import base64
import email
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from hypothesis import HealthCheck, example, given, settings
from mailman.config import config
from mailman.email.message import Message
from mailman.utilities.email import add_message_hash

from qnet_mailman.demo.ports import Reservation
from qnet_mailman.mta.deliver import deliver
from tests.helpers import add_address, appoint, empty, make_user, queued, run, subscribe
from tests.masking.test_masking_properties import message
from tests.masking.tools import HOSTILE, calendar_traces, traces

# What every run tries, whatever Hypothesis finds.
MEETING = b"""\
From: Pat Example <pat@agency.example.gov>
Received: from PATS-LAPTOP (relay7.agency.example.gov [192.0.2.17])
\tby y ([IPv6:2001:db8:17::5]); now
Content-Type: multipart/alternative; boundary="Pat Example"

pat@agency.example.gov
--Pat Example
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64

SGVsbG8gUGF0
--Pat Example
Content-Type: text/calendar; charset=utf-8; method=REQUEST; name="pat.example.ics"

BEGIN:VCALENDAR
ORGANIZER;CN="Pat Example":mailto:pat%40agency.example.gov
ATTENDEE;X="a:pat@agency.example.gov":mailto:PAT@Agency.Exam
 ple.gov
UID:pexample@home.example.com
X-A:pat=agency.example.gov
END:VCALENDAR

--Pat Example--
Pat Example
"""
FORWARDED = (
    b'X-Source-Host: pats-desktop.home.example.com\n'
    b'From: Pat Example <pat@agency.example.gov>\n'
    b'Content-Type: message/rfc822\nContent-Disposition: attachment;\n'
    b" filename*0*=utf-8''Pat%20; filename*1=Example.eml\n"
    b'Content-Transfer-Encoding: base64\n\n' + base64.encodebytes(MEETING)
)
ODD_FIELDS = (
    b'Subject: =?utf-8?Q?=50=61=74?=\n =?iso-8859-1?B?IEV4YW1wbGU=?=\r\n'
    b'From: Pat Example <pat@agency.example.gov>\n'
    b'X-pat@agency.example.gov: x\nSUBJECT: Pat_Example\n'
    b'Keywords: \\P\\a\\t\\ \\E\\x\\a\\m\\p\\l\\e, =?\xe9?=\n'
    b'To: "Example, Pat" <pat=agency.example.gov@example.org>\n'
    b'References: <%70%61%74@agency.example.gov>\nContent-Type: ; =\0\n\nHello\n'
)


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
    @example(HOSTILE.read_bytes())
    @example(MEETING)
    @example(FORWARDED)
    @example(ODD_FIELDS)
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
