# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lock of a master is taken away before another one starts, and which is not."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flufl.lock import Lock

from qnet_mailman.setup import master_lock

MASTER = 4242


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[Lock]:
    """A master's lock, held by this process, which is none."""
    folder = tmp_path / 'locks'
    folder.mkdir()
    found = Lock(str(folder / 'master.lck'), lifetime=timedelta(hours=30))
    found.lock()
    yield found
    found.unlock(unconditionally=True)


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What proc(5) tells, to be filled in."""
    folder = tmp_path / 'proc'
    folder.mkdir()
    monkeypatch.setattr(master_lock, 'PROC', folder)
    return folder


def runs(proc: Path, pid: int, *command: str) -> None:
    (proc / str(pid)).mkdir()
    (proc / str(pid) / 'cmdline').write_bytes('\0'.join((*command, '')).encode())


def of_host(lock: Lock, host: str) -> None:
    """Let a lock be of another host."""
    path = Path(lock.lockfile)
    claim, _host, pid, random = path.read_text().split('|')
    path.write_text('|'.join((claim, host, pid, random)))


def test_the_process_is_gone(lock: Lock, proc: Path) -> None:
    assert master_lock.reason_to_keep(lock.lockfile) is None


@pytest.mark.parametrize(
    'command',
    [
        ('/opt/venv/bin/python', '/opt/venv/bin/runner', '--runner=in:0:1'),
        ('/usr/bin/python3', '-m', 'http.server'),
    ],
)
def test_its_number_is_another_program_s(
    lock: Lock, proc: Path, command: tuple[str, ...]
) -> None:
    runs(proc, os.getpid(), *command)
    assert master_lock.reason_to_keep(lock.lockfile) is None


@pytest.mark.parametrize(
    'command',
    [
        ('/opt/venv/bin/python', '/opt/venv/bin/master', '-C', 'mailman.cfg'),
        ('mailman: master',),
        # A process that shows no words may be one.
        (),
    ],
)
def test_a_master_lives(lock: Lock, proc: Path, command: tuple[str, ...]) -> None:
    runs(proc, os.getpid(), *command)
    reason = master_lock.reason_to_keep(lock.lockfile)
    assert reason == f'the master {os.getpid()} runs'


def test_of_another_host_or_of_this_one_s_former_name(
    lock: Lock, proc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_host(lock, 'other.example.gov')
    monkeypatch.setattr(master_lock, '_is_in_memory', lambda _folder: False)
    reason = master_lock.reason_to_keep(lock.lockfile)
    assert reason is not None and 'other.example.gov' in reason
    # In memory it can only be of this host.
    monkeypatch.setattr(master_lock, '_is_in_memory', lambda _folder: True)
    assert master_lock.reason_to_keep(lock.lockfile) is None
    runs(proc, os.getpid(), '/opt/venv/bin/master')
    assert master_lock.reason_to_keep(lock.lockfile) is not None


@pytest.mark.parametrize('left', [b'', b'\0' * 70, b'/x|host|number|1'])
def test_what_a_power_cut_left_of_it(tmp_path: Path, left: bytes) -> None:
    path = tmp_path / 'master.lck'
    path.write_bytes(left)
    assert master_lock.reason_to_keep(str(path)) is None


def test_what_is_in_memory() -> None:
    assert master_lock._is_in_memory(Path('/dev/shm'))
    assert not master_lock._is_in_memory(Path('/proc'))


def test_the_command_takes_away_the_lock_with_its_claims(
    tmp_path: Path, lock: Lock
) -> None:
    cfg = tmp_path / 'mailman.cfg'
    cfg.write_text(
        f'[mailman]\nlayout: here\n[paths.here]\nvar_dir: {tmp_path}\n'
        f'lock_dir: {Path(lock.lockfile).parent}\n'
    )
    command = [sys.executable, '-m', 'qnet_mailman.setup.master_lock', str(cfg)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr == f'{lock.lockfile}: removed; its master is gone\n'
    assert not list(Path(lock.lockfile).parent.iterdir())
    # A master whose words say so; it waits for its input, and so until the end.
    words = ['-c', 'input()', '/opt/venv/bin/master']
    with subprocess.Popen([sys.executable, *words], stdin=subprocess.PIPE) as master:
        Path(lock.lockfile).write_text(
            f'{lock.lockfile}|{socket.getfqdn()}|{master.pid}|1'
        )
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert master.stdin is not None
        master.stdin.close()
    assert done.returncode == 1
    assert f'the master {master.pid} runs' in done.stderr
    assert Path(lock.lockfile).exists()
