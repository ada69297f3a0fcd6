# SPDX-License-Identifier: GPL-3.0-or-later
"""Several mail servers: the work is shared, and one that fails is passed over (R33)."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from mailman.config import config

from qnet_mailman import site
from qnet_mailman.demo.ports import HOST, Reservation
from qnet_mailman.health.looking import examine
from qnet_mailman.mta import connection, hosts, refusal
from qnet_mailman.mta.deliver import deliver
from qnet_mailman.mta.hosts import LONGEST_REST, REST, Host, Hosts, parse
from qnet_mailman.runners.outgoing import OutgoingRunner
from tests.certificates import self_signed
from tests.helpers import message, queued

READERS = [f'reader{number}@example.net' for number in range(6)]
POST = (
    b'From: pat@agency.example.gov\nTo: news@lists.example.gov\nSubject: News\n'
    b'Message-ID: <1@example.net>\n\nNews.\n'
)

# --------------------------------------------------------------- without servers

pytestmark = pytest.mark.mlist(members=READERS)


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('localhost', ['localhost:25']),
        ('mx1.example.gov mx2.example.gov:2525', None),
        (' mx1.example.gov,\tmx2.example.gov:2525 ', None),
        ('mx1.example.gov\nmx2.example.gov:2525\nmx1.example.gov:25', None),
        ('::1', ['[::1]:25']),
        ('[2001:db8::1]:587 192.0.2.1:26', ['[2001:db8::1]:587', '192.0.2.1:26']),
    ],
)
def test_names_of_servers(text: str, expected: list[str] | None) -> None:
    found = [str(host) for host in parse(text, 25)]
    assert found == (expected or ['mx1.example.gov:25', 'mx2.example.gov:2525'])


@pytest.mark.parametrize(
    'text', ['', ' , ', 'mx:x', 'mx:70000', '[::1', 'a:1:2', 'a]b']
)
def test_names_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r'mail server'):
        parse(text, 25)


def test_a_wrong_name_leaves_mail_in_its_queue(core: Any) -> None:
    runner = OutgoingRunner('out')
    assert runner._obstacle() is None
    config.push('hosts', '[mta]\nsmtp_host: mx1.example.gov:smtp\n')
    try:
        assert "'mx1.example.gov:smtp' is no mail server" in str(runner._obstacle())
        assert any(
            finding.level == 'error' and 'is no mail server' in finding.text
            for finding in examine()
        )
    finally:
        config.pop('hosts')


THREE = tuple(Host(f'mx{number}.example.gov', 25) for number in range(3))


def test_turns_and_rests() -> None:
    now = 0.0
    known = Hosts(THREE, lambda: now)
    firsts = [known.in_turn()[0] for _ in range(6)]
    assert Counter(firsts) == dict.fromkeys(THREE, 2)
    one, two, three = THREE
    assert known.failed(one) == REST
    assert {known.in_turn()[0] for _ in range(6)} == {two, three}
    assert all(known.in_turn()[-1] == one for _ in range(3))
    # All have failed: the one that has rested longest comes first.
    now = 10.0
    known.failed(two)
    known.failed(three)
    assert known.in_turn()[0] == one
    # It is tried all the same, and that does not make its rest longer.
    assert known.failed(one) is None
    rests = []
    for _ in range(6):
        now += LONGEST_REST
        rests.append(known.failed(one))
    assert rests == [2 * REST, 4 * REST, 8 * REST, *[LONGEST_REST] * 3]
    now += LONGEST_REST
    assert {known.in_turn()[0] for _ in range(3)} == set(THREE)
    known.answered(one)
    assert known.failed(one) == REST


# ------------------------------------------------------------------ real servers


class Keeper:
    """A mail server that keeps recipients, and goes away when told to.

    :ivar leaves_after: After so many messages it hangs up instead of an answer.
    """

    def __init__(self, **kws: Any) -> None:
        self.got: list[str] = []
        self.connections = 0
        self.leaves_after: int | None = None
        ports = Reservation()
        self.port = ports.take()
        ports.release()
        self._settings = kws
        self.start()

    def start(self) -> None:
        """Start (again)."""
        self.controller = Controller(
            self, hostname=HOST, port=self.port, **self._settings
        )
        self.controller.start()

    async def handle_EHLO(
        self, server: SMTP, session: Any, envelope: Any, name: str, lines: list[str]
    ) -> list[str]:
        session.host_name = name
        self.connections += 1
        return lines

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        if self.leaves_after is not None and len(self.got) >= self.leaves_after:
            server.transport.abort()
        else:
            self.got += envelope.rcpt_tos
        return '250 OK'


class Silent:
    """A server that accepts connections and never says a word."""

    def __init__(self) -> None:
        self.socket = socket.create_server((HOST, 0))
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]

    def connections(self) -> int:
        """How often somebody tried since this was asked last."""
        count = 0
        with suppress(BlockingIOError):
            while True:
                self.socket.accept()[0].close()
                count += 1
        return count


@pytest.fixture
def use(core: Any, configure: Any, monkeypatch: Any) -> Iterator[Callable[..., None]]:
    """Let Mailman use servers, with more of [mta]."""

    def change(*servers: Any, **mta: str) -> None:
        names = ' '.join(
            server if isinstance(server, str) else f'{HOST}:{server.port}'
            for server in servers
        )
        lines = [f'{key}: {value}' for key, value in mta.items()]
        config.push('hosts', '\n'.join(['[mta]', f'smtp_host: {names}', *lines]) + '\n')

    hosts.known.cache_clear()
    configure(smtp_connect_timeout='1s', smtp_timeout='1s')
    # However slow the machine is, a batch has one connection.
    monkeypatch.setattr(connection, 'PATIENCE', 60)
    yield change
    config.pop('hosts')


@pytest.fixture
def serve() -> Iterator[Callable[..., Keeper]]:
    """Start servers."""
    started: list[Keeper] = []

    def start(**kws: Any) -> Keeper:
        started.append(Keeper(**kws))
        return started[-1]

    yield start
    for keeper in started:
        keeper.controller.stop(no_assert=True)


def send(mlist: Any, **msgdata: Any) -> None:
    deliver(mlist, message(POST), {'recipients': set(READERS), 'verp': True, **msgdata})


def nobody_is_to_blame(failed: pytest.ExceptionInfo[refusal.RecipientsFailed]) -> None:
    assert not failed.value.permanent_failures
    codes = {code for code, _ in failed.value.replies.values()}
    assert codes == {refusal.NO_REPLY}


def test_the_work_is_shared(mlist: Any, use: Any, serve: Any) -> None:
    one, two, three = serve(), serve(), serve()
    use(one, two, three)
    for _ in range(6):
        send(mlist)
    # A connection for a batch, not for a recipient.
    assert [keeper.connections for keeper in (one, two, three)] == [2, 2, 2]
    assert [sorted(set(keeper.got)) for keeper in (one, two, three)] == [READERS] * 3


def test_one_is_down(mlist: Any, use: Any, serve: Any) -> None:
    up = serve()
    use(f'{HOST}:1', 'no-such-host.invalid', up)
    for _ in range(4):
        send(mlist)
    assert Counter(up.got) == dict.fromkeys(READERS, 4)


def test_it_is_back(mlist: Any, use: Any, serve: Any, monkeypatch: Any) -> None:
    up, back = serve(), serve()
    back.controller.stop()
    use(up, back)
    for _ in range(3):
        send(mlist)
    assert len(up.got) == 3 * len(READERS)
    back.start()
    # Not at once, but when it has rested.
    for _ in range(2):
        send(mlist)
    assert not back.got
    later = time.monotonic() + REST
    known = hosts.known(hosts.configured())
    monkeypatch.setattr(known, '_clock', lambda: later)
    for _ in range(2):
        send(mlist)
    assert sorted(back.got) == READERS


def test_one_hangs(mlist: Any, use: Any, serve: Any) -> None:
    silent, up = Silent(), serve()
    use(silent, up)
    for _ in range(6):
        send(mlist)
    # It cost its time limit once.
    assert silent.connections() == 1
    assert Counter(up.got) == dict.fromkeys(READERS, 6)


def test_one_goes_away_in_the_middle(mlist: Any, use: Any, serve: Any) -> None:
    leaves, stays = serve(), serve()
    use(leaves, stays)
    leaves.leaves_after = 2
    lost: list[str] = []
    for _ in range(2):
        try:
            send(mlist)
        except refusal.RecipientsFailed as failed:
            assert not failed.permanent_failures
            lost += failed.replies
    # Of the one message that it did not confirm nobody knows: it comes again.
    assert lost == [READERS[2]]
    assert sorted([*leaves.got, *stays.got, *lost]) == sorted(READERS * 2)


def test_all_are_down(mlist: Any, use: Any, serve: Any) -> None:
    silent = Silent()
    use(silent, f'{HOST}:1')
    with pytest.raises(refusal.RecipientsFailed) as failed:
        send(mlist)
    # Not once for each reader.
    assert silent.connections() == 1
    nobody_is_to_blame(failed)
    assert sorted(failed.value.replies) == READERS
    config.switchboards['out'].enqueue(
        message(POST), listid=mlist.list_id, recipients=set(READERS)
    )
    OutgoingRunner('out')._one_iteration()
    ((_, msgdata),) = queued('retry')
    assert sorted(msgdata['recipients']) == READERS
    assert not queued('out') and not queued('shunt')


# ------------------------------------------------------------------ TLS and AUTH


@pytest.fixture(scope='module')
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of servers, one of them for another name, signed by themselves."""
    folder = tmp_path_factory.mktemp('certificates')
    for name, alternative in (
        ('right', x509.IPAddress(ipaddress.ip_address(HOST))),
        ('other', x509.DNSName('elsewhere.example.org')),
    ):
        self_signed(folder, name, alternative)
    return folder


@pytest.fixture
def context(
    certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], ssl.SSLContext]:
    """Of a server with a certificate; both are trusted."""
    trusted = certificates / 'trusted'
    trusted.write_bytes(
        b''.join(
            (certificates / f'{name}.pem').read_bytes() for name in ('right', 'other')
        )
    )
    monkeypatch.setenv('SSL_CERT_FILE', str(trusted))

    def make(name: str) -> ssl.SSLContext:
        found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        found.load_cert_chain(
            certificates / f'{name}.pem', certificates / f'{name}.key'
        )
        return found

    return make


def check_password(
    server: Any, session: Any, envelope: Any, how: str, given: Any
) -> Any:
    return AuthResult(
        success=(given.login, given.password) == (b'lists', b'secret'), handled=False
    )


SIGNED_IN = {
    'smtp_user': 'lists',
    'smtp_pass': 'secret',
    'smtp_secure_mode': 'starttls',
}


def guarded(serve: Any, context: ssl.SSLContext) -> Keeper:
    """A server that wants TLS and a password."""
    keeper: Keeper = serve(
        tls_context=context,
        require_starttls=True,
        authenticator=check_password,
        auth_required=True,
    )
    return keeper


def test_starttls_and_password(mlist: Any, use: Any, serve: Any, context: Any) -> None:
    one, two = guarded(serve, context('right')), guarded(serve, context('right'))
    use(one, two, **SIGNED_IN)
    for _ in range(2):
        send(mlist)
    assert sorted(one.got) == sorted(two.got) == READERS


def test_smtps(mlist: Any, use: Any, serve: Any, context: Any) -> None:
    keeper = serve(ssl_context=context('right'))
    use(keeper, smtp_secure_mode='smtps')
    send(mlist)
    assert keeper.got == READERS


def test_a_certificate_for_somebody_else(
    mlist: Any, use: Any, serve: Any, context: Any
) -> None:
    wrong = guarded(serve, context('other'))
    use(wrong, **SIGNED_IN)
    with pytest.raises(refusal.RecipientsFailed) as failed:
        send(mlist)
    nobody_is_to_blame(failed)
    config.pop('hosts')
    use(wrong, **SIGNED_IN, smtp_verify_hostname='no')
    send(mlist)
    assert wrong.got == READERS
    wrong.got.clear()
    config.pop('hosts')
    right = guarded(serve, context('right'))
    use(wrong, right, **SIGNED_IN)
    for _ in range(2):
        send(mlist)
    assert not wrong.got
    assert len(right.got) == 2 * len(READERS)


@pytest.mark.parametrize('mode', ['starttls', 'smtps'])
def test_a_certificate_that_nobody_trusts(
    mlist: Any, use: Any, serve: Any, context: Any, monkeypatch: Any, mode: str
) -> None:
    trusted = context('right')
    monkeypatch.delenv('SSL_CERT_FILE')
    if mode == 'smtps':
        keeper = serve(ssl_context=trusted)
    else:
        keeper = serve(tls_context=trusted)
    use(keeper, smtp_secure_mode=mode)
    with pytest.raises(refusal.RecipientsFailed) as failed:
        send(mlist)
    nobody_is_to_blame(failed)
    config.pop('hosts')
    use(keeper, smtp_secure_mode=mode, smtp_verify_cert='no')
    send(mlist)
    assert keeper.got == READERS


@pytest.mark.parametrize('password', ['wrong', 'wröng'])
def test_a_wrong_password(
    mlist: Any, use: Any, serve: Any, context: Any, password: str
) -> None:
    keeper = guarded(serve, context('right'))
    use(keeper, **{**SIGNED_IN, 'smtp_pass': password})
    with pytest.raises(refusal.RecipientsFailed) as failed:
        send(mlist)
    nobody_is_to_blame(failed)
    assert sorted(failed.value.replies) == READERS
    # Nobody tries a password a thousand times.
    assert keeper.connections <= 2


def test_no_tls_where_it_is_wanted(mlist: Any, use: Any, serve: Any) -> None:
    plain = serve()
    use(plain, smtp_secure_mode='starttls')
    with pytest.raises(refusal.RecipientsFailed) as failed:
        send(mlist)
    nobody_is_to_blame(failed)
    assert not plain.got


def test_tls_that_hangs(mlist: Any, use: Any) -> None:
    silent = Silent()
    use(silent, smtp_secure_mode='smtps')
    with pytest.raises(refusal.RecipientsFailed) as failed:
        send(mlist)
    assert silent.connections() == 1
    nobody_is_to_blame(failed)


def test_time_limits_are_the_sites(core: Any, configure: Any) -> None:
    assert site.settings().smtp_timeout == datetime.timedelta(minutes=10)
    configure(smtp_timeout='5m')
    assert site.settings().smtp_timeout == datetime.timedelta(minutes=5)
