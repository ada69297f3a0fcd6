# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs: Mailman's processes, its queues, and what must answer it (R32)."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from lazr.config import as_boolean
from mailman.bin.master import WatcherState, master_state
from mailman.config import config

from qnet_mailman import site
from qnet_mailman.health.asking import problem_of
from qnet_mailman.health.finding import Finding, named
from qnet_mailman.mta import hosts
from qnet_mailman.queues import restored, waiting
from qnet_mailman.settings import Settings
from qnet_mailman.setup import master_lock

TIMEOUT = 10
"""Seconds until what answers at all has answered."""
SCARCE, TOO_SCARCE = 0.1, 0.02
"""Parts of a disk that are free, below which it is a warning, and wrong."""
SCARCE_BYTES, TOO_SCARCE_BYTES = 1024**3, 200 * 1024**2
"""The same in bytes; a small disk that is half empty is scarce, too."""

_START = 'Start Mailman: "systemctl start qnet-core", or "mailman start".'


def processes() -> Iterator[Finding]:
    """Whether Mailman's master runs, and each runner that it should have started."""
    state, lock = master_state()
    if state is WatcherState.host_mismatch:
        host = lock.details[0]
        yield Finding('not seen', 'master', f'it runs on {host}, if it runs')
        return
    pid = lock.details[1] if state is not WatcherState.none else None
    # After a power cut its number may be another program's.
    if pid is None or not master_lock.is_master(pid):
        stale = ', and its lock is left over from one that did not stop' if pid else ''
        yield Finding(
            'error', 'master', f'none runs{stale}: no mail is processed', _START
        )
        return
    if not master_lock.PROC.is_dir():
        yield Finding('not seen', 'runners', 'whether each of them runs')
        return
    if missing := [name for name, is_there in _of_master(pid).items() if not is_there]:
        yield Finding(
            'error',
            'runners',
            f'{named(missing, 20)} of the master {pid} do not run: what is in their '
            'queues waits',
            'The log says why they ended (mailman.runner); then start Mailman anew.',
        )
    else:
        yield Finding('ok', 'runners', f'all of the master {pid} run')


def runners() -> dict[str, bool]:
    """Whether each runner that there should be on this host is there.

    :return: By their names as the master has them; empty where nobody can tell.
    """
    state, lock = master_state()
    if state is WatcherState.host_mismatch or not master_lock.PROC.is_dir():
        return {}
    pid = lock.details[1] if state is not WatcherState.none else None
    return _of_master(pid if pid and master_lock.is_master(pid) else None)


def _of_master(pid: int | None) -> dict[str, bool]:
    found = set() if pid is None else _children(pid)
    return {name: name in found for name in sorted(_wanted())}


def _wanted() -> set[str]:
    """Runners as their master calls them: `in`, or `in:0:2` where there are several."""
    wanted = set()
    for section in config.runner_configs:
        name, count = section.name.partition('.')[2], int(section['instances'])
        if not as_boolean(section['start']):
            continue
        wanted |= {f'{name}:{part}:{count}' for part in range(count)}
    return wanted


def _children(master: int) -> set[str]:
    """The runners of a master that are there."""
    found = set()
    for folder in master_lock.PROC.iterdir():
        if not folder.name.isdigit():
            continue
        for word in master_lock.command(int(folder.name)):
            if word.startswith('--runner=') and _parent(folder) == master:
                found.add(word.partition('=')[2])
    return found


def _parent(folder: Path) -> int | None:
    try:
        # The name of the program is in brackets, and may have spaces and brackets.
        fields = folder.joinpath('stat').read_text('utf-8', 'replace')
    except OSError:
        return None
    return int(fields.rpartition(')')[2].split()[1])


def held() -> Iterator[Finding]:
    """Whether everything waits because a backup was restored."""
    mark = restored.read()
    if mark is None:
        return
    yield Finding(
        'error',
        'restored',
        f'{mark.reason} (mail stays in its queues)',
        '"mailman qnet resume" shows what would be sent, and lets it go on.'
        if mark.is_whole
        else 'Run "mailman qnet restore" with it again.',
    )


def queues(settings: Settings) -> Iterator[Finding]:
    """Whether something waits longer than it should."""
    limit = settings.queue_wait.total_seconds()
    for name, board in sorted(config.switchboards.items()):
        if name in waiting.RESTING:
            continue
        found = waiting.of(board.queue_directory)
        age = time.time() - found.since if found.since is not None else 0
        if age > limit:
            yield Finding(
                'error',
                f'queue {name}',
                f'{found.number} messages wait, one for {age / 60:.0f} minutes',
                _STUCK.get(name, 'See whether its runner runs, and what its log says.'),
            )


_STUCK = {
    'out': "See whether the mail server takes mail, and what mailman.smtp's log says.",
    'archive': 'See whether the archiver answers (mailman.archiver in the log).',
}


def answers(*, rest: bool = True) -> Iterator[Finding]:
    """Whether LMTP, REST and the mail server answer.

    :param rest: Whether to ask the REST server, which cannot ask itself.
    """
    host, port = config.mta.lmtp_host, int(config.mta.lmtp_port)
    if (problem := _greeting(host, port)) is not None:
        yield Finding(
            'error',
            'LMTP',
            f'{host}:{port}: {problem}: mail does not come in',
            'See whether [runner.lmtp] runs, and listens where [mta] says.',
        )
    if rest:
        yield from _rest()
    try:
        servers = hosts.configured()
    except ValueError:
        # Told already.
        return
    for server in servers:
        if (problem := _greeting(server.name, server.port or 25)) is not None:
            yield Finding(
                'error',
                'mail server',
                f'{server}: {problem}: it takes no mail of ours',
                'Start it, or correct [mta] smtp_host and smtp_port in mailman.cfg.',
            )


def _greeting(host: str, port: int) -> str | None:
    """Why a server does not greet (RFC 5321, section 3.1); None if it does."""
    try:
        with socket.create_connection((host, port), TIMEOUT) as connection:
            with connection.makefile('rb') as file:
                line = file.readline(1024)
            connection.sendall(b'QUIT\r\n')
    except OSError as error:
        return site.describe(error)
    return None if line.startswith(b'220') else 'it does not greet'


def _rest() -> Iterator[Finding]:
    server = config.webservice
    scheme = 'https' if as_boolean(server.use_https) else 'http'
    url = f'{scheme}://{server.hostname}:{server.port}/3.1/system/versions'
    auth = (server.admin_user, server.admin_pass)
    if (problem := problem_of(url, auth=auth)) is not None:
        yield Finding(
            'error',
            'REST',
            f'{url}: {problem}: the web side is without its lists',
            'See whether [runner.rest] runs, and what mailman.http says in the log.',
        )


def disk() -> Iterator[Finding]:
    """Whether there is space for mail that comes in."""
    for folder in sorted({config.QUEUE_DIR, config.VAR_DIR}):
        if not os.path.isdir(folder):
            continue
        total, _used, free = shutil.disk_usage(folder)
        part = free / total
        if part > SCARCE and free > SCARCE_BYTES:
            continue
        level = part < TOO_SCARCE or free < TOO_SCARCE_BYTES
        yield Finding(
            'error' if level else 'warning',
            'disk',
            f'{free // 1024**2} MB ({part:.0%}) are free where {folder} is',
            'Make space: without any, mail is not taken.',
        )
