# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages handed over together have the outcome of step by step (RFC 2920)."""

from __future__ import annotations

import select
import smtplib
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qnet_mailman.mta import pipelining
from qnet_mailman.mta.pipelining import Message, Session
from tests.examples import examples

DATA = b'Subject: x\r\n\r\nA line.\r\n'
EXTENSIONS = ('PIPELINING', 'SIZE', 'SMTPUTF8', '8BITMIME')


class Script(NamedTuple):
    """What a server answers about one message; it hangs up where a line has no end.

    :ivar text: What it says to DATA where it has accepted no recipient.
    """

    mail: str = '250 OK\r\n'
    rcpt: str = '250 OK\r\n'
    data: str = '354 Go on\r\n'
    dot: str = '250 OK\r\n'
    text: str = '503 Not now\r\n'


class Server:
    """A server that answers as it is told.

    :ivar scripts: By the local part of the sender, what it answers, if not the usual.
    :ivar got: Messages as they came, without the dots of the protocol.
    :ivar reads: How many pieces it had to wait for since the last EHLO.
    :ivar greets: Whether it takes a connection, given how many it has with it.
    :ivar before: Called with the sender before it answers to a text.
    :ivar connections: How many there were.
    :ivar most: How many there were at a time, at most.
    """

    def __init__(self) -> None:
        self._socket = socket.create_server(('127.0.0.1', 0))
        self.port = self._socket.getsockname()[1]
        self._lock = threading.Lock()
        self.reset()
        threading.Thread(target=self._serve, daemon=True).start()

    def reset(self) -> None:
        self.scripts: dict[str, Script] = {}
        self.extensions = EXTENSIONS
        self.commands: list[bytes] = []
        self.got: list[bytes] = []
        self.senders: list[str] = []
        self.reads = 0
        self.greets: Callable[[int], bool] = lambda number: True
        self.before: Callable[[str], object] = lambda sender: None
        self.connections = self.most = self._now = 0

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _peer = self._socket.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._now += 1
                self.most = max(self.most, self._now)
            threading.Thread(target=self._keep, args=(connection,), daemon=True).start()

    def _keep(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._talk(connection)
            connection.shutdown(socket.SHUT_WR)
            # What was not read would take back what was said.
            while connection.recv(1 << 16):
                pass
        with self._lock:
            self._now -= 1

    def _lines(self, connection: socket.socket) -> Iterator[bytes]:
        data = b''
        while True:
            line, end, rest = data.partition(b'\r\n')
            if end:
                data = rest
                yield line
                continue
            more = connection.recv(1 << 20)
            if not more:
                return
            self.reads += 1
            data += more

    def _talk(self, connection: socket.socket) -> None:
        sender, script, stage, accepted = '', Script(), 0, 0
        reply = '220 ready\r\n' if self.greets(self._now) else '421 Too many\r\n'
        lines = self._lines(connection)
        while True:
            connection.sendall(reply.encode())
            if reply.startswith(('421', '221')) or not reply.endswith('\n'):
                return
            line = next(lines, None)
            if line is None:
                return
            verb = line[:4].upper()
            self.commands.append(line)
            if verb == b'EHLO':
                self.reads, self.commands = 0, []
                hello = ['example.net', *self.extensions]
                reply = ''.join(f'250-{word}\r\n' for word in hello[:-1])
                reply += f'250 {hello[-1]}\r\n'
            elif verb == b'QUIT':
                reply = '221 bye\r\n'
            elif verb == b'MAIL':
                sender = line.decode().partition('<')[2].partition('@')[0]
                script, accepted = self.scripts.get(sender, Script()), 0
                reply = script.mail
                stage = int(reply.startswith('250'))
            elif verb == b'RCPT':
                reply = script.rcpt if stage else '503 Not now\r\n'
                accepted += reply.startswith('25')
            elif verb == b'DATA':
                reply = script.data if accepted else '503 Not now\r\n'
                if stage and not accepted:
                    reply = script.text
                if reply.startswith('354'):
                    connection.sendall(reply.encode())
                    text = [
                        one.removeprefix(b'.') for one in iter(lines.__next__, b'.')
                    ]
                    self.got.append(b''.join(one + b'\r\n' for one in text))
                    self.senders += [sender] * bool(accepted)
                    self.before(sender)
                    reply = script.dot if accepted else '554 Nobody\r\n'
                stage = accepted = 0
            else:
                stage = accepted = 0
                reply = '250 done\r\n'


@pytest.fixture(scope='module')
def running() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def server(running: Server) -> Server:
    running.reset()
    return running


def connected(server: Server) -> smtplib.SMTP:
    client = smtplib.SMTP('127.0.0.1', server.port, 'example.gov', timeout=120)
    client.ehlo()
    return client


def hand_over(client: smtplib.SMTP, messages: deque[Message], told: Any) -> None:
    """Over one connection, as long as it goes."""
    steps = Session(client).hand_over(
        lambda: messages.popleft() if messages else None, told, messages.appendleft
    )
    for _step in steps:
        select.select([client.sock], [], [])


def told_of(outcome: Any) -> Any:
    if isinstance(outcome, smtplib.SMTPServerDisconnected):
        # In how many words depends on which of the two closed first.
        return type(outcome)
    if isinstance(outcome, Exception):
        return type(outcome), outcome.args
    return outcome


def together(server: Server, messages: list[Message]) -> dict[str, Any]:
    """What comes of messages, by their senders."""
    waiting, found = deque(messages), {}

    def told(message: Message, outcome: Any) -> None:
        assert message.sender not in found
        found[message.sender] = told_of(outcome)

    while waiting:
        client = connected(server)
        hand_over(client, waiting, told)
        client.close()
    return found


def step_by_step(server: Server, messages: list[Message]) -> dict[str, Any]:
    """The same with smtplib, which begins anew after whatever fails, as Mailman."""
    client, found = None, {}
    for sender, recipients, data, _dotted in messages:
        client = client or connected(server)
        try:
            found[sender] = client.sendmail(sender, recipients, data)
        except smtplib.SMTPException as error:
            found[sender] = told_of(error)
            client.close()
            client = None
    if client is not None:
        client.close()
    return found


YES, NO, LATER, BYE = '250 OK\r\n', '550 No\r\n', '451 Later\r\n', '421 Bye\r\n'
LONG, ODD = '250-Well\r\n250 OK\r\n', 'What?\r\n'
GONE, HALF, HALF_YES, NO_AND_GONE = '', '25', '250 O', '550 No\r\n550 gone'
SAID = [LONG, NO, LATER, BYE, ODD, GONE, HALF, HALF_YES, NO_AND_GONE, '354 Well\r\n']


def answers(usual: str) -> st.SearchStrategy[str]:
    return st.just(usual) | st.just(usual) | st.sampled_from([usual, *SAID])


SCRIPTS = st.builds(
    Script,
    answers(YES),
    answers(YES) | st.just('251 OK\r\n'),
    answers('354 Go on\r\n'),
    answers(YES),
    st.sampled_from(['503 Not now\r\n', '354 Go on\r\n', BYE, GONE]),
)


@examples(
    100,
    3000,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.tuples(SCRIPTS, st.integers(1, 3)), min_size=1, max_size=5), st.data()
)
def test_as_step_by_step(server: Server, batch: Any, data: st.DataObject) -> None:
    """Nobody gets a message twice or not at all who would not, step by step."""
    server.extensions = data.draw(st.sampled_from([EXTENSIONS, EXTENSIONS[1:], ()]))
    server.scripts = {f'm{n}': script for n, (script, _) in enumerate(batch)}
    messages = [
        Message(f'm{n}@b.org', [f'{each}@a.org' for each in range(number)], DATA)
        for n, (_, number) in enumerate(batch)
    ]
    outcomes, senders = [], []
    for send in (step_by_step, together):
        server.senders = []
        outcomes.append(send(server, messages))
        senders.append(sorted(server.senders))
    assert outcomes[1] == outcomes[0]
    assert senders[1] == senders[0]


def test_one_round_trip_for_a_message(server: Server) -> None:
    messages = [Message(f'm{n}@b.org', ['a@b.org'], DATA) for n in range(5)]
    assert together(server, messages) == {one.sender: {} for one in messages}
    # The first envelope, and each text with the envelope that follows.
    assert server.reads == 1 + 5
    assert server.commands[:3] == [
        b'mail FROM:<m0@b.org> size=%d' % len(DATA),
        b'rcpt TO:<a@b.org>',
        b'data',
    ]


@pytest.mark.parametrize('count', [1, pipelining.MAX_RECIPIENTS + 1])
def test_a_server_that_does_not_know_it(server: Server, count: int) -> None:
    if count == 1:
        server.extensions = ('SIZE',)
    recipients = [f'{n}@example.org' for n in range(count)]
    messages = [Message(f'm{n}@b.org', recipients, DATA) for n in range(2)]
    assert together(server, messages) == {'m0@b.org': {}, 'm1@b.org': {}}
    # Each command waits for the answer to the one before.
    assert server.reads == 2 * (1 + count + 2)


@pytest.mark.parametrize('text', ['503 Not now\r\n', '354 Go on\r\n'])
def test_a_connection_ends_in_order_where_one_fails(server: Server, text: str) -> None:
    """Also where it asks for a text that nobody gets (RFC 2920 section 3.1)."""
    server.scripts = {'m': Script(rcpt=NO, text=text)}
    client = connected(server)
    found: list[Any] = []
    messages = deque([Message('m@b.org', ['a@b.org'], DATA)])
    hand_over(client, messages, lambda _message, outcome: found.append(outcome))
    assert isinstance(found[0], smtplib.SMTPRecipientsRefused)
    assert client.quit()[0] == 221
    assert server.got == [b''] * text.startswith('354')


def test_a_refused_text_and_what_follows(server: Server) -> None:
    """What is announced already goes on; nothing is announced after it."""
    server.scripts = {'m0': Script(dot=NO)}
    waiting = deque(Message(f'm{n}@b.org', ['a@b.org'], DATA) for n in range(3))
    found: list[tuple[str, Any]] = []
    client = connected(server)
    hand_over(client, waiting, lambda one, outcome: found.append((one.sender, outcome)))
    assert client.quit()[0] == 221
    assert found[1] == ('m1@b.org', {})
    assert [one.sender for one in waiting] == ['m2@b.org']


@given(st.text('.a\n', max_size=30))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_message_arrives_as_it_is(server: Server, text: str) -> None:
    server.got = []
    data = text.replace('\n', '\r\n').encode()
    together(server, [Message('m@b.org', ['a@example.org'], data)])
    ended = data if data.endswith(b'\r\n') else data + b'\r\n'
    assert server.got == [ended]


def test_a_line_end_is_no_command(server: Server) -> None:
    together(server, [Message('m@b.org', ['<a\r\nRSET\r\n@b.org'], DATA)])
    assert b'RSET' not in server.commands
    with pytest.raises(ValueError, match='line end'):
        together(server, [Message('<@\r\nRSET', ['a@b.org'], DATA)])
    assert b'RSET' not in server.commands


def test_addresses_beyond_ascii(server: Server) -> None:
    messages = [
        Message(f'm{n}@b.org', [a], DATA) for n, a in enumerate(['ü@b.org', 'a@b'])
    ]
    assert together(server, messages) == {'m0@b.org': {}, 'm1@b.org': {}}
    assert server.commands[1] == 'rcpt TO:<ü@b.org>'.encode()
    server.extensions = ('PIPELINING',)
    found = together(server, messages)
    assert found['m0@b.org'][0] is smtplib.SMTPNotSupportedError
    assert found['m1@b.org'] == {}
    assert not any(b'm0' in line for line in server.commands)


def test_the_connection_is_gone(server: Server) -> None:
    client = connected(server)
    client.close()
    found: list[Any] = []
    messages = deque([Message('m@b.org', ['a@example.org'], DATA)])
    hand_over(client, messages, lambda _message, outcome: found.append(outcome))
    assert told_of(found[0]) is smtplib.SMTPServerDisconnected


ADDRESSES = st.one_of(
    st.emails(),
    st.text(max_size=30),
    st.text('ab.@<>"\\ ,;:()[]+-=\r\n\tü', max_size=20),
    st.from_regex(r'\A[a-z+.=-]{1,20}@[a-z0-9.-]{1,20}\Z'),
)


@given(ADDRESSES)
def test_an_address_is_quoted_as_by_smtplib(address: str) -> None:
    assert pipelining.quoted(address) == smtplib.quoteaddr(address)
