# SPDX-License-Identifier: GPL-3.0-or-later
"""Handing over a message in one go has the outcome of doing it step by step."""

from __future__ import annotations

import smtplib
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qnet_mailman.mta import pipelining

GONE = 0
"""Stands for a server that closes the connection instead of answering."""
SENDER, DATA = 'news-bounces@example.gov', b'Subject: x\r\n\r\nA line.\r\n'


class Server:
    """A server that answers as it is told, one connection after the other.

    :ivar answers: The codes for MAIL, each RCPT, DATA and the message; it closes the
        connection behind those below zero.
    :ivar got: Messages as they came, without the dots of the protocol.
    :ivar reads: How many pieces it had to wait for, in the last connection.
    """

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.extensions = ['PIPELINING', 'SIZE', 'SMTPUTF8', '8BITMIME']
        self.commands: list[bytes] = []
        self.got: list[bytes] = []
        self.reads = 0
        self._socket = socket.create_server(('127.0.0.1', 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _peer = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with suppress(OSError):
                    self._talk(connection)

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
        answers = iter(self.answers)
        connection.sendall(b'220 ready\r\n')
        lines = self._lines(connection)
        for line in lines:
            verb = line[:4].upper()
            if verb == b'EHLO':
                self.reads = 0
                self.commands = []
                hello = ['example.net', *self.extensions]
                for number, word in enumerate(hello, 1):
                    dash = ' ' if number == len(hello) else '-'
                    connection.sendall(f'250{dash}{word}\r\n'.encode())
                continue
            self.commands.append(line)
            if verb in (b'RSET', b'NOOP'):
                connection.sendall(b'250 done\r\n')
                continue
            if verb == b'QUIT':
                connection.sendall(b'221 bye\r\n')
                return
            code = next(answers, 354 if verb == b'DATA' else 250)
            if code == GONE:
                return
            connection.sendall(f'{abs(code)} {verb.decode()} answered\r\n'.encode())
            if code == 421 or code < 0:
                return
            if verb == b'DATA' and code == 354:
                message = []
                for text in lines:
                    if text == b'.':
                        break
                    message.append(text.removeprefix(b'.') + b'\r\n')
                self.got.append(b''.join(message))
                code = next(answers, 250)
                if code == GONE:
                    return
                connection.sendall(f'{code} message answered\r\n'.encode())
                if code == 421:
                    return


@pytest.fixture(scope='module')
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def plain(server: Server) -> None:
    server.answers, server.got = [], []
    server.extensions = ['PIPELINING', 'SIZE', 'SMTPUTF8', '8BITMIME']


def outcome(server: Server, send: Any, recipients: list[str]) -> tuple[Any, bool]:
    """What comes of it, and whether the connection can be used again."""
    with smtplib.SMTP('127.0.0.1', server.port, timeout=120) as client:
        client.ehlo()
        result: Any
        try:
            result = send(client, SENDER, recipients, DATA)
        except smtplib.SMTPException as error:
            result = (type(error), error.args)
        usable = client.sock is not None
        if usable:
            try:
                usable = client.noop()[0] == 250
            except smtplib.SMTPServerDisconnected:
                usable = False
    return result, usable


CODES = st.sampled_from([250, 251, 354, 421, 450, 452, 550, 552, 554, GONE])


@settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.sampled_from([250, 250, 250, 550, 450, 421, GONE]), max_size=3),
    CODES | st.just(250),
    CODES | st.just(354),
    CODES | st.just(250),
)
def test_as_step_by_step(
    server: Server, of_recipients: list[int], of_mail: int, of_data: int, at_end: int
) -> None:
    """Where all is answered alike; a server answers 503 to what comes too early."""
    recipients = [f'{n}@example.org' for n in range(len(of_recipients))] or ['a@b.org']
    of_recipients = of_recipients or [250]
    server.answers = [of_mail, *of_recipients, of_data, at_end]
    expected, _usable = outcome(server, smtplib.SMTP.sendmail, recipients)
    steps = list(server.answers)
    if of_mail not in (250, 421, GONE):
        # Pipelined, the rest has been sent already.
        steps = [of_mail, *[503] * len(recipients), 503]
    elif not {250, 421, GONE} & set(of_recipients):
        steps = [of_mail, *of_recipients, 503]
    server.answers = steps
    found, usable = outcome(server, pipelining.sendmail, recipients)
    assert found == expected
    assert usable or {421, GONE} & set(steps)


@pytest.mark.parametrize(
    'answers, recipients, error, code',
    [
        ([250, -550], ['a@b.org'], smtplib.SMTPRecipientsRefused, 550),
        ([250, 550, -554], ['a@b.org', 'c@b.org'], smtplib.SMTPRecipientsRefused, 550),
        ([-550], ['a@b.org'], smtplib.SMTPSenderRefused, 550),
        ([-452], ['a@b.org', 'c@b.org'], smtplib.SMTPSenderRefused, 452),
    ],
)
def test_who_says_no_and_goes_away_has_said_no(
    server: Server, answers: list[int], recipients: list[str], error: Any, code: int
) -> None:
    """As Exim's "drop" in an access list does."""
    for send in (smtplib.SMTP.sendmail, pipelining.sendmail):
        server.answers = answers
        (found, args), usable = outcome(server, send, recipients)
        assert found is error
        said = args[0] if isinstance(args[0], int) else args[0]['a@b.org'][0]
        assert said == code
        assert not usable


def test_two_round_trips(server: Server) -> None:
    assert outcome(server, pipelining.sendmail, ['a@example.org']) == ({}, True)
    # MAIL with RCPT and DATA, the message; then NOOP and QUIT of the test.
    assert server.reads == 2 + 2
    assert server.commands[:3] == [
        b'mail FROM:<news-bounces@example.gov> size=%d' % len(DATA),
        b'rcpt TO:<a@example.org>',
        b'data',
    ]


@pytest.mark.parametrize('count', [1, pipelining.MAX_RECIPIENTS + 1])
def test_a_server_that_does_not_know_it(server: Server, count: int) -> None:
    if count == 1:
        server.extensions = ['SIZE']
    recipients = [f'{n}@example.org' for n in range(count)]
    assert outcome(server, pipelining.sendmail, recipients) == ({}, True)
    # Each command waits for the answer to the one before.
    assert server.reads == 1 + count + 2 + 2


def test_nobody_gets_a_message_that_has_no_recipient(server: Server) -> None:
    """A server may ask for it all the same (RFC 2920 section 3.1)."""
    server.answers = [250, 550, 354, 250]
    result, usable = outcome(server, pipelining.sendmail, ['a@example.org'])
    assert result[0] is smtplib.SMTPRecipientsRefused
    assert usable
    assert server.got == [b'']


@given(st.text('.a\n', max_size=30))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_message_arrives_as_it_is(server: Server, text: str) -> None:
    server.got = []
    data = text.replace('\n', '\r\n').encode()
    with smtplib.SMTP('127.0.0.1', server.port, timeout=120) as client:
        client.ehlo()
        pipelining.sendmail(client, SENDER, ['a@example.org'], data)
    ended = data if data.endswith(b'\r\n') else data + b'\r\n'
    assert server.got == [ended]


def test_a_line_end_is_no_command(server: Server) -> None:
    with smtplib.SMTP('127.0.0.1', server.port, timeout=120) as client:
        client.ehlo()
        with pytest.raises(ValueError, match='line end'):
            pipelining.sendmail(client, SENDER, ['a@b.org'], DATA, ['X=1\r\nRSET'])
        assert client.noop()[0] == 250
        pipelining.sendmail(client, SENDER, ['<a\r\nRSET\r\n@b.org'], DATA)
    assert b'RSET' not in server.commands


def test_addresses_beyond_ascii(server: Server) -> None:
    with smtplib.SMTP('127.0.0.1', server.port, timeout=120) as client:
        client.ehlo()
        pipelining.sendmail(client, SENDER, ['ü@example.org'], DATA, ['SMTPUTF8'])
        assert server.commands[1] == 'rcpt TO:<ü@example.org>'.encode()
        with pytest.raises(UnicodeEncodeError):
            pipelining.sendmail(client, SENDER, ['ü@example.org'], DATA)
        assert client.noop()[0] == 250


def test_the_connection_is_gone(server: Server) -> None:
    client = smtplib.SMTP('127.0.0.1', server.port, timeout=120)
    client.ehlo()
    client.close()
    with pytest.raises(smtplib.SMTPServerDisconnected):
        pipelining.sendmail(client, SENDER, ['a@example.org'], DATA)
