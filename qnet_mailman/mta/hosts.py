# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail servers that take our mail: ``[mta] smtp_host`` may name several.

Connections go to each in turn.  A server that takes none, stops answering or refuses
us is passed over: for a minute, then twice as long each time it fails again, at most
`LONGEST_REST`.  Where all have failed, all are tried all the same.

What is known about them is this process's own, and forgotten with it.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import smtplib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address

from mailman.config import config
from mailman.mta.connection import Connection, SecureMode

REST = 60.0
"""Seconds for which a server that failed once is passed over."""
LONGEST_REST = 16 * REST

_HOST = re.compile(r'(?:\[(?P<literal>[^]]+)\]|(?P<name>[^]:[]+))(?::(?P<port>\d+))?')


class Unavailable(smtplib.SMTPException):
    """No server takes our mail now; the text says what each of them said."""


@dataclass(frozen=True)
class Host:
    """A mail server.

    :ivar port: 0 for that of the protocol.
    """

    name: str
    port: int

    def __str__(self) -> str:
        name = f'[{self.name}]' if ':' in self.name else self.name
        return f'{name}:{self.port}' if self.port else name


def parse(text: str, port: int) -> tuple[Host, ...]:
    """Read ``smtp_host``: names or addresses, with spaces or commas between.

    :param port: ``smtp_port``, for those that name none.
    :raises ValueError: where it cannot be read; says what is wrong.
    """
    hosts = []
    for word in text.replace(',', ' ').split():
        match = _HOST.fullmatch(word)
        if _is_ipv6(word):
            hosts.append(Host(word, port))
        elif match is None or int(match['port'] or port) > 65535:
            raise ValueError(
                f'{word!r} is no mail server: expected host, host:port or [IPv6]:port'
            )
        else:
            name = match['literal'] or match['name']
            hosts.append(Host(name, int(match['port'] or port)))
    if not hosts:
        raise ValueError('names no mail server')
    return tuple(dict.fromkeys(hosts))


def _is_ipv6(word: str) -> bool:
    try:
        IPv6Address(word)
    except ValueError:
        return False
    return True


class Hosts:
    """The mail servers, and which of them to pass over."""

    def __init__(
        self, hosts: tuple[Host, ...], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._hosts = hosts
        self._clock = clock
        # Not every process begins with the same.
        self._turn = itertools.count(time.time_ns() // 1000)
        self._rest: dict[Host, float] = {}
        self._until: dict[Host, float] = {}

    def in_turn(self) -> list[Host]:
        """All servers, in the order in which the next connection tries them."""
        first = next(self._turn) % len(self._hosts)
        now = self._clock()
        return sorted(
            self._hosts[first:] + self._hosts[:first],
            key=lambda host: max(self._until.get(host, now), now),
        )

    def failed(self, host: Host) -> float | None:
        """Pass a server over.

        :return: For how many seconds; None where it is being passed over already.
        """
        now = self._clock()
        if now < self._until.get(host, now):
            return None
        rest = min(2 * self._rest.get(host, REST / 2), LONGEST_REST)
        self._rest[host], self._until[host] = rest, now + rest
        return rest

    def is_passed_over(self, host: Host) -> bool:
        """Whether a server failed lately."""
        return self._clock() < self._until.get(host, 0)

    def answered(self, host: Host) -> None:
        """A server took a message."""
        if host in self._rest:
            del self._rest[host], self._until[host]


def configured() -> tuple[Host, ...]:
    """The servers of Mailman's configuration.

    :raises ValueError: where it cannot be read; says what is wrong.
    """
    try:
        return parse(config.mta.smtp_host, int(config.mta.smtp_port))
    except ValueError as error:
        raise ValueError(f'{config.filename}: [mta] smtp_host: {error}') from None


@lru_cache(maxsize=1)
def known(hosts: tuple[Host, ...]) -> Hosts:
    """What this process knows about the servers."""
    return Hosts(hosts)


def session(host: Host, connection: Connection, timeout: float) -> smtplib.SMTP:
    """Connect, say hello, and sign in where the configuration says so.

    :param connection: Mailman's own, which has read how to connect.
    :param timeout: Seconds that each step may take.
    :raises OSError: where that fails; `smtplib.SMTPException` is one.
    :raises UnicodeError: where name or password cannot be sent.
    """
    client: smtplib.SMTP
    name = local_hostname()
    if connection.secure_mode is SecureMode.IMPLICIT:
        client = smtplib.SMTP_SSL(
            *(host.name, host.port, name),
            timeout=timeout,
            context=connection._tls_context,
        )
    else:
        client = smtplib.SMTP(host.name, host.port, name, timeout=timeout)
    try:
        if connection.secure_mode is SecureMode.STARTTLS:
            client.starttls(context=connection._tls_context)
        if connection._username is not None and connection._password is not None:
            client.login(connection._username, connection._password)
        client.ehlo_or_helo_if_needed()
    except BaseException:
        client.close()
        raise
    return client


@lru_cache(maxsize=1)
def local_hostname() -> str:
    """What we call ourselves (RFC 5321 section 4.1.1.1): what smtplib finds out.

    It asks DNS for that, and each connection would wait for it.
    """
    return str(smtplib.SMTP().local_hostname)


def end(clients: Sequence[smtplib.SMTP], timeout: float) -> None:
    """Say goodbye to several, which answer meanwhile.

    :param timeout: Seconds that each answer may take.
    """
    for client in clients:
        if client.sock is not None:
            with contextlib.suppress(OSError):
                client.sock.settimeout(timeout)
                client.putcmd('quit')
    for client in clients:
        if client.sock is not None:
            with contextlib.suppress(OSError):
                client.getreply()
        client.close()
