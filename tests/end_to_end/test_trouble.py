# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail server that hangs, a full disk, two runners side by side (R33)."""

from __future__ import annotations

import contextlib
import os
import smtplib
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from qnet_mailman.demo.ports import HOST
from qnet_mailman.demo.processes import wait_until
from qnet_mailman.demo.site import Site
from qnet_mailman.subscriptions.one_click import BATCH
from tests.end_to_end.conftest import LIST, POSTER, announcement, log_of
from tests.end_to_end.test_fan_out import (
    CONNECTIONS,
    add_members,
    copies,
    kill_runner,
    nobody_bounced,
    readers,
    send,
)
from tests.sites import started

MEMBERS = 2 * BATCH + 100
KILOBYTE = 1024


class Proxy:
    """Stands between Mailman and its mail server.

    :ivar holds: Whether it keeps all that it gets to itself.
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self._socket = socket.create_server((HOST, 0))
        self.port = self._socket.getsockname()[1]
        self.holds = False
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client = self._socket.accept()[0]
            self.connections += 1
            server = socket.create_connection((HOST, self._to))
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError), source, target:
            while (data := source.recv(65536)) and not self.holds:
                target.sendall(data)
            while data:
                data = source.recv(65536)


@pytest.fixture(scope='module')
def proxy_and_site(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Proxy, Site]]:
    """A site with a large list, two runners for it, and a small disk."""
    folder = tmp_path_factory.mktemp('trouble')
    site = Site(
        folder,
        web=False,
        qnet_cfg_overrides={'smtp_connect_timeout': '3s', 'smtp_timeout': '3s'},
    )
    proxy = Proxy(site.smtp_port)
    site.extra_cfg = (
        f'[mta]\nsmtp_host: {HOST}:{proxy.port}\n[runner.out]\ninstances: 2\n'
    )
    with contextlib.ExitStack() as stack:
        queue = folder / 'var/queue'
        queue.mkdir(parents=True)
        mount = ['mount', '-t', 'tmpfs', '-o', 'size=8m', 'qnet-test', str(queue)]
        if (
            os.getuid() == 0
            and not subprocess.run(mount, capture_output=True).returncode
        ):
            stack.callback(subprocess.run, ['umount', '-l', str(queue)], check=True)
        stack.enter_context(started(site))
        add_members(site, MEMBERS)
        yield proxy, site


@pytest.fixture
def site(proxy_and_site: tuple[Proxy, Site]) -> Site:
    return proxy_and_site[1]


@pytest.fixture
def proxy(proxy_and_site: tuple[Proxy, Site]) -> Proxy:
    return proxy_and_site[0]


def wait_for(site: Site, subject: str, count: int = MEMBERS) -> None:
    wait_until(
        lambda: len(copies(site, subject)) >= count,
        120,
        f'{count} readers to have {subject}',
        site.core,
    )


@pytest.mark.long
def test_two_runners_side_by_side(site: Site) -> None:
    send(site, 'two')
    wait_for(site, 'two', 10)
    kill_runner(site, 'out')
    wait_for(site, 'two')
    site.wait_idle(60)
    found = copies(site, 'two')
    assert set(found) == set(readers(MEMBERS))
    # Both were killed: each repeats the batch at work, at most.
    assert sum(found.values()) <= MEMBERS + 2 * BATCH
    nobody_bounced(site)


@pytest.mark.long
def test_a_mail_server_that_hangs(site: Site, proxy: Proxy) -> None:
    send(site, 'hangs')
    wait_for(site, 'hangs', BATCH // 2)
    proxy.holds = True
    before = proxy.connections
    # Both runners give up the batch at work, and try again after a while.
    wait_until(
        lambda: proxy.connections > before and bool(site.queued('retry')),
        60,
        'the runner to put the message off',
        site.core,
    )
    assert len(copies(site, 'hangs')) < MEMBERS
    proxy.holds = False
    wait_for(site, 'hangs')
    wait_until(lambda: not site.queued('retry'), 60, 'all to be done', site.core)
    site.wait_idle(60)
    found = copies(site, 'hangs')
    assert set(found) == set(readers(MEMBERS))
    # What each runner was at may have been taken and not confirmed.
    assert sum(found.values()) <= MEMBERS + 2 * CONNECTIONS
    assert f'mail server {HOST}:{proxy.port}: ' in log_of(site)
    nobody_bounced(site)


def leave(queue: Path, free: int) -> None:
    """Fill the disk up to so many bytes."""
    filler = queue / 'filler'
    filler.touch()
    there = os.statvfs(queue)
    size = filler.stat().st_size + there.f_bavail * there.f_frsize - free
    with filler.open('r+b') as file:
        file.truncate(0)
        if size > 0:
            os.posix_fallocate(file.fileno(), 0, size)


def complaints(site: Site) -> int:
    return log_of(site).count('No space left on device')


@pytest.mark.long
def test_a_full_disk(site: Site) -> None:
    queue = site.var / 'queue'
    if not queue.is_mount():
        pytest.skip('only root can mount a small disk')
    post = announcement('full', 'News.\r\n' * KILOBYTE)
    leave(queue, 4 * KILOBYTE)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        site.lmtp_send(POSTER, LIST, post)
    assert refused.value.smtp_code == 451
    # Half of it is not kept, so that a smaller one still finds its way.
    assert not list(queue.rglob('*.tmp'))
    assert not site.queued('in')
    leave(queue, 14 * KILOBYTE)
    before = complaints(site)
    site.lmtp_send(POSTER, LIST, post)
    wait_until(lambda: complaints(site) > before, 60, 'the disk to be full', site.core)
    assert len(site.queued('in')) == 1
    # Space for more and more of what comes of it.
    for free in (40, 100, 150, 200):
        before = complaints(site)
        leave(queue, free * KILOBYTE)
        wait_until(
            lambda before=before: complaints(site) > before or copies(site, 'full'),
            60,
            'the disk to be full again, or to suffice',
            site.core,
        )
    (queue / 'filler').unlink()
    wait_for(site, 'full')
    site.wait_idle(60)
    found = copies(site, 'full')
    assert set(found) == set(readers(MEMBERS))
    assert set(found.values()) == {1}
    nobody_bounced(site)
