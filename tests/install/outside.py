# SPDX-License-Identifier: GPL-3.0-or-later
"""What is around a host under test: where its mail goes, a provider, and a browser."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from qnet_mailman.demo.processes import Child, wait_until
from qnet_mailman.demo.sink import Delivered
from tests.install.host import DOMAIN, PATIENCE, Host
from tests.web.harp.certified import SECRET, CertifiedProvider
from tests.web.harp.walking import Walker

SITE = f'https://{DOMAIN}'
SMTP_PORT, HTTP_PORT = 2525, 2526
SETTINGS = 'etc/qnet-mailer/settings_local.py'
ACCOUNTS = {
    'pat': {
        'name': 'Pat Example',
        'email': 'pat@agency.example.gov',
        'email_verified': True,
        'harp_id': 'pexample',
        'roles': [
            {
                'program': 'QualityNet Workspace',
                'organization': 'QualityNet Mailer',
                'role': 'List Administrator',
            }
        ],
    },
}


class _Browser(Walker):
    """One that trusts the host's certificate."""

    def __init__(self, certificate: Path) -> None:
        super().__init__()
        self._session.verify = str(certificate)


class Outside:
    """It runs in the host's network, which has no other.

    :ivar confirmed: The number of the last mail whose link was followed.
    """

    def __init__(self, host: Host, folder: Path) -> None:
        self._host = host
        self._delivered = folder / 'delivered'
        self._certificate = folder / 'certificate.pem'
        self._seen: list[Delivered] = []
        self.confirmed = 0
        arguments = ('-m', 'qnet_mailman.demo.sink', str(self._delivered))
        ports = ('--smtp-port', str(SMTP_PORT), '--http-port', str(HTTP_PORT))
        self._sink = Child(
            'the mail server outside',
            [sys.executable, *arguments, *ports],
            log=folder / 'sink.log',
            env={'PATH': '/usr/bin:/bin'},
            cwd=Path.cwd(),
        )
        self._provider = CertifiedProvider(folder, SITE)
        self._provider.set_accounts(ACCOUNTS)

    def __enter__(self) -> Outside:
        """Start all of it, and tell the host of it."""
        tls = self._host.root / 'etc/qnet-mailer/tls/certificate.pem'
        self._certificate.write_bytes(tls.read_bytes())
        relay = f'relayhost = [127.0.0.1]:{SMTP_PORT}'
        self._host.run('postconf', '-e', relay)
        provider = {
            'name': 'HARP',
            'issuer': self._provider.issuer,
            'client_id': 'mailer',
            'client_secret': SECRET,
            'scope': ('openid', 'profile', 'email', 'harp'),
            'claims': {'user_id': 'harp_id'},
        }
        with (self._host.root / SETTINGS).open('a') as file:
            file.write(f'\nOPENID_PROVIDERS = {{"harp": {provider!r}}}\n')
        self._host.run('systemctl', 'restart', 'postfix', 'qnet-web', 'qnet-tasks')
        self.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, in the network that the host has now."""
        self._host.inside(self._sink.start)
        self._host.inside(self._provider.start)

    def move_to(self, host: Host) -> None:
        """Be around another host from now on, and start.

        :param host: One with the files of the first.
        """
        self._host = host
        self.start()

    def stop(self) -> None:
        """Stop it."""
        self._sink.stop()
        self._provider.stop()

    def mails(self) -> list[Delivered]:
        """All that the host has sent."""
        while (
            found := Delivered.load(self._delivered, len(self._seen) + 1)
        ) is not None:
            self._seen.append(found)
        return self._seen

    def mail(self, predicate: Callable[[Delivered], object]) -> Delivered:
        """Wait for a mail of the host's.

        :param predicate: Which one.
        """

        def found() -> list[Delivered]:
            return [mail for mail in self.mails() if predicate(mail)]

        wait_until(lambda: bool(found()), PATIENCE, 'a mail of the host', self._sink)
        return found()[0]

    def press(self, path: str) -> None:
        """Open a page of the host's, and press its button."""

        def walk() -> None:
            browser = _Browser(self._certificate)
            assert browser.open(f'{SITE}{path}').ok, browser.page.text
            assert browser.press().ok, browser.page.text

        self._walk(walk)

    def sign_in(self, subject: str, path: str) -> str:
        """Sign in, and give the text of a page."""

        def walk() -> str:
            browser = _Browser(self._certificate)
            browser.sign_in(SITE, subject)
            assert browser.is_signed_in(SITE), browser.page.text
            return browser.open(f'{SITE}{path}').text

        return self._walk(walk)

    def _walk(self, walk: Callable[[], Any]) -> Any:
        """Call a function that knows where the host is."""
        known = socket.getaddrinfo

        def getaddrinfo(host: str, *args: Any, **kwargs: Any) -> Any:
            return known('127.0.0.1' if host == DOMAIN else host, *args, **kwargs)

        socket.getaddrinfo = getaddrinfo
        try:
            return self._host.inside(walk)
        finally:
            socket.getaddrinfo = known
