# SPDX-License-Identifier: GPL-3.0-or-later
"""What `mailman qnet check` finds out about processes, queues, answers and space."""

from __future__ import annotations

import os
import shutil
import socketserver
import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flufl.lock import Lock
from mailman.config import config

from qnet_mailman import site
from qnet_mailman.health import running
from qnet_mailman.queues import waiting
from qnet_mailman.setup import master_lock
from qnet_mailman.setup.mailman_cfg import RUNNERS
from tests.helpers import message

MASTER = 4242
HOST = '127.0.0.1'


def told(findings: Any) -> list[tuple[str, str]]:
    return [(each.level, each.subject) for each in findings]


@pytest.fixture
def lock(core: SimpleNamespace) -> Iterator[Lock]:
    """The master's lock, held by this process, which is none."""
    found = Lock(config.LOCK_FILE, lifetime=timedelta(hours=1))
    found.lock()
    yield found
    found.unlock(unconditionally=True)


def test_no_master(core: SimpleNamespace) -> None:
    [found] = running.processes()
    assert (found.level, found.subject) == ('error', 'master')
    assert 'none runs: no mail' in found.text and 'mailman start' in found.remedy


def test_a_lock_whose_number_is_another_programs_now(lock: Lock) -> None:
    [found] = running.processes()
    assert found.level == 'error' and 'its lock is left over' in found.text


def test_a_master_on_another_host(lock: Lock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('socket.getfqdn', lambda: 'other.example.gov')
    [found] = running.processes()
    assert (found.level, found.subject) == ('not seen', 'master')


def process(proc: Path, pid: int, parent: int, *command: str) -> None:
    """A process as proc(5) tells of it."""
    folder = proc / str(pid)
    folder.mkdir()
    (folder / 'cmdline').write_bytes('\0'.join((*command, '')).encode())
    (folder / 'stat').write_text(f'{pid} (python (3) x) S {parent} 1 1 0 -1', 'utf-8')


@pytest.fixture
def proc(lock: Lock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host where this process's number is that of a master with all its runners."""
    monkeypatch.setattr(master_lock, 'PROC', tmp_path)
    process(tmp_path, os.getpid(), 1, 'python', '/opt/bin/master', '-C', 'mailman.cfg')
    for number, name in enumerate(sorted(running._wanted()), MASTER):
        process(tmp_path, number, os.getpid(), '/opt/bin/runner', f'--runner={name}')
    (tmp_path / 'self').mkdir()
    return tmp_path


def test_all_runners_run(proc: Path) -> None:
    assert told(running.processes()) == [('ok', 'runners')]
    assert {name.partition(':')[0] for name in running._wanted()} >= {*RUNNERS, 'rest'}


def test_runners_that_do_not_run_are_named(proc: Path) -> None:
    shutil.rmtree(proc / str(MASTER))
    # Another site's runner is none of ours.
    (proc / str(MASTER + 1) / 'stat').write_text('1 (python) S 1 1', 'utf-8')
    [found] = running.processes()
    first, second = sorted(running._wanted())[:2]
    assert (found.level, found.subject) == ('error', 'runners')
    assert found.text.startswith(f'{first}, {second} of the master {os.getpid()} ')


def test_where_processes_cannot_be_seen(
    lock: Lock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(master_lock, 'PROC', Path('/nowhere'))
    assert told(running.processes()) == [('not seen', 'runners')]


def put(queue: str, minutes: int) -> Path:
    """An entry that has been in a queue for some minutes, and was made long ago."""
    board = config.switchboards[queue]
    name = board.enqueue(message('Subject: x\n\n'), {}, listid='x.example.org')
    path = Path(board.queue_directory, f'{name}.pck')
    when = time.time() - minutes * 60
    os.utime(path, (when, when))
    return path


@pytest.mark.parametrize('queue', ['in', 'out', 'retry', 'archive', 'virgin'])
def test_a_queue_that_is_stuck(core: SimpleNamespace, queue: str) -> None:
    put(queue, 29)
    assert list(running.queues(site.settings())) == []
    put(queue, 45)
    [found] = running.queues(site.settings())
    assert found.level == 'error' and found.subject == f'queue {queue}' and found.remedy
    assert found.text == '2 messages wait, one for 45 minutes'


def test_the_limit_is_a_setting(core: SimpleNamespace, configure: Any) -> None:
    configure(queue_wait='2h')
    put('out', 90)
    assert list(running.queues(site.settings())) == []


def test_what_waits_for_somebody_is_not_stuck(core: SimpleNamespace) -> None:
    for queue in ('shunt', 'digest'):
        put(queue, 99)
    assert list(running.queues(site.settings())) == []


def test_an_entry_counts_from_when_it_came_into_its_queue(
    core: SimpleNamespace,
) -> None:
    path = put('retry', 0)
    old = path.with_name('1000000.0+' + path.name.partition('+')[2])
    path.rename(old)
    found = waiting.of(str(path.parent))
    assert found.number == 1 and found.since is not None
    assert found.since > time.time() - 3600
    assert waiting.of('/nowhere') == waiting.Waiting(0, None)


class _Says(socketserver.StreamRequestHandler):
    """A server that greets, or does not."""

    greeting = b''

    def handle(self) -> None:
        self.wfile.write(self.greeting)
        self.rfile.readline()


@contextmanager
def saying(greeting: bytes) -> Iterator[int]:
    handler = type('Handler', (_Says,), {'greeting': greeting})
    with socketserver.ThreadingTCPServer(('127.0.0.1', 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def servers(core: SimpleNamespace) -> Iterator[Callable[[int], None]]:
    """Says where LMTP, REST and the mail server are: all at one port."""

    def at(port: int) -> None:
        mta = f'lmtp_host: {HOST}\nlmtp_port: {port}\nsmtp_host: {HOST}:{port}\n'
        core.config.push('at', f'[mta]\n{mta}[webservice]\nport: {port}\n')

    yield at
    core.config.pop('at')


def test_servers_that_greet(servers: Callable[[int], None]) -> None:
    with saying(b'220 mail.example.gov ready\r\n') as port:
        servers(port)
        assert list(running.answers(rest=False)) == []


@pytest.mark.parametrize(
    ('greeting', 'said'), [(b'554 no\r\n', 'it does not greet'), (b'', 'timed out')]
)
def test_servers_that_do_not(
    servers: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    greeting: bytes,
    said: str,
) -> None:
    # What takes a connection and says nothing is waited for no longer than this.
    monkeypatch.setattr(running, 'TIMEOUT', 0.2)
    with saying(greeting) as port:
        servers(port)
        found = list(running.answers(rest=False))
    assert told(found) == [('error', 'LMTP'), ('error', 'mail server')]
    # A slow machine may take too long for the greeting, too.
    assert said in found[0].text or 'timed out' in found[0].text


def test_nobody_listens(servers: Callable[[int], None]) -> None:
    servers(1)
    found = list(running.answers())
    assert told(found) == [
        ('error', 'LMTP'),
        ('error', 'REST'),
        ('error', 'mail server'),
    ]
    assert all(each.remedy for each in found)
    assert 'Connection refused' in found[0].text


_Usage = namedtuple('_Usage', 'total used free')


@pytest.mark.parametrize(
    ('free', 'total', 'level'),
    [
        (50 * 1024**3, 100 * 1024**3, None),
        (5 * 1024**3, 100 * 1024**3, 'warning'),
        (900 * 1024**2, 2 * 1024**3, 'warning'),
        (1 * 1024**3, 100 * 1024**3, 'error'),
        (100 * 1024**2, 200 * 1024**2, 'error'),
    ],
)
def test_space(
    core: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    free: int,
    total: int,
    level: str | None,
) -> None:
    monkeypatch.setattr(
        shutil, 'disk_usage', lambda _folder: _Usage(total, total - free, free)
    )
    assert {each.level for each in running.disk()} == ({level} if level else set())
