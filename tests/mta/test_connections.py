# SPDX-License-Identifier: GPL-3.0-or-later
"""Several connections to a mail server that lets us wait, and what they leave alone."""

from __future__ import annotations

import smtplib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from mailman.config import config
from mailman.mta.base import BaseDelivery

from qnet_mailman.mta import connection, hosts
from qnet_mailman.mta.connection import Verbatim, VerbatimMixin
from qnet_mailman.mta.pipelining import Message
from tests.examples import examples
from tests.mta.test_pipelining import (
    DATA,
    EXTENSIONS,
    HALF_YES,
    SCRIPTS,
    Script,
    Server,
    step_by_step,
    told_of,
)

Send = Callable[..., dict[str, Any]]


class Delivery(VerbatimMixin, BaseDelivery):  # type: ignore[misc]
    """Whatever the server says is the outcome."""

    class kind(Verbatim):
        blames_recipients = True


@pytest.fixture(scope='module')
def running() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def server(running: Server, configure: Any) -> Iterator[Server]:
    running.reset()
    hosts.known.cache_clear()
    config.push('server', f'[mta]\nsmtp_host: 127.0.0.1\nsmtp_port: {running.port}\n')
    yield running
    config.pop('server')
    hosts.known.cache_clear()


def messages(count: int) -> list[Message]:
    return [Message(f'm{n}@b.org', [f'{n}@a.org'], DATA) for n in range(count)]


def send(some: list[Message], timeout: float = 120) -> dict[str, Any]:
    """What comes of messages, by their senders."""
    sending = Delivery()._connection
    sending._timeout = timeout
    found = {}
    for message, outcome in sending.send(some):
        assert message.sender not in found
        found[message.sender] = told_of(outcome)
    sending.quit()
    return found


def all_taken(server: Server, found: dict[str, Any]) -> bool:
    return not any(found.values()) and sorted(server.senders) == sorted(
        sender.partition('@')[0] for sender in found
    )


def test_a_server_that_lets_us_wait(server: Server, configure: Any) -> None:
    configure(smtp_connections='3')
    # It answers when it has three messages, and not before.
    barrier = threading.Barrier(3)
    server.before = lambda sender: barrier.wait(120)
    found = send(messages(9))
    assert all_taken(server, found)
    assert server.most == 3


def test_a_site_that_wants_one(server: Server, configure: Any) -> None:
    configure(smtp_connections='1')
    server.before = lambda sender: time.sleep(3 * connection.PATIENCE)
    assert all_taken(server, send(messages(4)))
    assert server.connections == 1


def test_a_server_that_takes_no_more(server: Server) -> None:
    server.greets = lambda number: number <= 2

    def until_a_third_was_tried(sender: str) -> None:
        while server.connections < 3:
            time.sleep(connection.PATIENCE)

    server.before = until_a_third_was_tried
    assert all_taken(server, send(messages(8)))
    # It was asked for a third once, and is not passed over for saying no.
    assert server.connections == 3
    assert not hosts.known(hosts.configured()).is_passed_over(
        hosts.Host('127.0.0.1', server.port)
    )


def test_one_message_is_never_answered(server: Server, monkeypatch: Any) -> None:
    monkeypatch.setattr(connection, 'LOOK_EVERY', 0.05)
    over = threading.Event()
    server.before = lambda sender: sender == 'm1' and over.wait(120)
    found = send(messages(5), timeout=0.2)
    over.set()
    assert found.pop('m1@b.org') is smtplib.SMTPServerDisconnected
    assert not any(found.values()) and len(found) == 4


def test_a_server_that_leaves_between_two_batches(server: Server) -> None:
    sending = Delivery()._connection
    server.scripts = {'m0': Script(dot='250 OK\r\n421 Bye')}
    assert [outcome for _, outcome in sending.send(messages(1))] == [{}]
    # The first may find out, as with smtplib; the next has another connection.
    found = [outcome for _, outcome in sending.send(messages(3)[1:])]
    sending.quit()
    assert found[1] == {}


@examples(
    25,
    500,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    # A server that takes a message and then leaves does so to whoever is next there.
    st.lists(SCRIPTS.filter(lambda one: one.dot != HALF_YES), min_size=2, max_size=8),
    st.sets(st.integers(0, 7), max_size=3),
    st.sampled_from([EXTENSIONS, ()]),
)
def test_as_step_by_step(
    server: Server, scripts: list[Script], late: set[int], extensions: tuple[str, ...]
) -> None:
    """On several connections, too, nobody gets a message twice or not at all."""
    some = messages(len(scripts))
    server.extensions = extensions
    server.scripts = {f'm{n}': script for n, script in enumerate(scripts)}
    slow = {f'm{n}' for n in late}
    outcomes, senders = [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, 'MAX_UNANSWERED', 100)
        for way in (lambda: step_by_step(server, some), lambda: send(some)):
            server.senders = []
            outcomes.append(way())
            senders.append(sorted(server.senders))
            server.before = lambda sender: sender in slow and time.sleep(0.01)
    assert outcomes[1] == outcomes[0]
    assert senders[1] == senders[0]


def test_the_name_of_this_host_is_asked_for_once(
    server: Server, monkeypatch: Any
) -> None:
    asked = []
    monkeypatch.setattr(
        socket, 'getfqdn', lambda name='': asked.append(name) or 'lists.example.gov'
    )
    hosts.local_hostname.cache_clear()
    for _ in range(3):
        assert all_taken(server, send(messages(2)))
        server.senders = []
    hosts.local_hostname.cache_clear()
    assert len(asked) == 1


def test_a_site_that_is_tried_out(server: Server) -> None:
    """All goes to one address (Mailman's devmode); outcomes are their recipients'."""
    config.push('try', '[devmode]\nenabled: yes\nrecipient: me@b.org\n')
    server.scripts = {'m1': Script(rcpt='550 No\r\n')}
    try:
        found = send(messages(2))
    finally:
        config.pop('try')
    assert found['m0@b.org'] == {}
    assert found['m1@b.org'] == (
        smtplib.SMTPRecipientsRefused,
        ({'1@a.org': (550, b'No')},),
    )
    assert server.commands[1] == b'rcpt TO:<me@b.org>'
