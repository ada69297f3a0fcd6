# SPDX-License-Identifier: GPL-3.0-or-later
"""Ours, stock and the build before, each a Mailman in a process of its own, in turn.

A side works when it is told to, and says how many CPU seconds that took.  Its files are
where `TMPDIR` says.
"""

from __future__ import annotations

import email
import importlib
import json
import logging
import os
import resource
import socket
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.commits import HERE, build_of
from bench.rows import Row
from qnet_mailman.demo.configuration import merge
from qnet_mailman.demo.ports import HOST, is_listening
from qnet_mailman.demo.processes import wait_until
from tests import postgresql

BEFORE = '9e1ea60'
"""The build that "the build before" means."""
DOMAIN = 'lists.example.gov'
LIST = f'bench@{DOMAIN}'
POSTER = 'pat@agency.example.gov'
MEMBERS = 10
TURNS = 5
SINK = ('/usr/sbin/smtp-sink', '-u', 'nobody')

Work = Callable[[str, int], dict[str, float]]
"""Of a List-ID and how often: the CPU seconds of each step, for all times together."""


def cpu() -> float:
    """CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Side:
    """A Mailman in a process of its own, with one list of ten members."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self.name = name
        self._process = process
        self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f'{self.name} ended')
        return json.loads(line)

    def work(self, name: str, times: int) -> dict[str, float]:
        """The CPU seconds of one time of each step.

        :param name: ``module.function``, of this package, a `Work`.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([name, times]) + '\n')
        self._process.stdin.flush()
        return {step: taken / times for step, taken in self._answer().items()}


@contextmanager
def side(name: str, port: int, url: str = '') -> Iterator[Side]:
    """Start one.

    :param name: ``ours``, ``stock``, or a commit.
    :param port: Of the mail server that takes the copies.
    :param url: Of its database; empty for SQLite.
    """
    with ExitStack() as stack:
        var = Path(stack.enter_context(TemporaryDirectory()))
        is_here = name in ('ours', 'stock')
        build = HERE if is_here else stack.enter_context(build_of(name))
        _configure(var, build.tree, name == 'stock', port, url)
        process = stack.enter_context(
            subprocess.Popen(
                [build.python, '-m', 'bench.sides', str(var), name],
                cwd=build.tree,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        stack.callback(process.kill)
        yield Side(name, process)


def medians(sides: list[Side], name: str, times: int) -> list[dict[str, float]]:
    """What `Side.work` says of each side: the median of turns."""
    for each in sides:
        each.work(name, 2)
    found = [[each.work(name, times) for each in sides] for _ in range(TURNS)]
    return [
        {step: statistics.median(turn[step] for turn in of_side) for step in of_side[0]}
        for of_side in zip(*found, strict=True)
    ]


def compared(name: str, times: int) -> Iterator[tuple[str, list[dict[str, float]]]]:
    """What a work takes the build before, ours and stock, on each kind of database.

    :param name: As of `Side.work`.
    """
    with sink() as port, postgresql.server() as server:
        for database in ('SQLite', 'PostgreSQL'):
            with ExitStack() as stack:
                sides = []
                for who in (BEFORE, 'ours', 'stock'):
                    url = ''
                    if database == 'PostgreSQL':
                        url = server.create_database(f'of_{who}')
                    sides.append(stack.enter_context(side(who, port, url)))
                yield database, medians(sides, name, times)


@contextmanager
def sink() -> Iterator[int]:
    """A mail server that takes everything; its port."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port: int = free.getsockname()[1]
    command = SINK if os.getuid() == 0 else SINK[:1]
    with subprocess.Popen([*command, f'{HOST}:{port}', '1000']) as process:
        try:
            wait_until(lambda: is_listening(port), 30, 'smtp-sink')
            yield port
        finally:
            process.terminate()


def show(rows: Iterable[Row]) -> None:
    """Print rows as they come."""
    for row in rows:
        print(
            f'{row.work}: {row.ours:.4f} {row.unit}, {row.ratio:.2f} of {row.against}'
            + (f', to be {row.bound}' if row.bound else ''),
            flush=True,
        )


# ------------------------------------------------------------------ in the process


def _configure(var: Path, tree: Path, stock: bool, port: int, url: str) -> None:
    own = {
        'mailman': {'site_owner': 'postmaster@mailer.example.org', 'layout': 'here'},
        'paths.here': {'var_dir': str(var)},
        'mta': {
            'incoming': 'mailman.mta.null.NullMTA',
            'smtp_host': '127.0.0.1',
            'smtp_port': str(port),
            'lmtp_port': '0',
        },
        # Nobody is asked for names.
        'dmarc': {'org_domain_data_url': 'http://127.0.0.1:1/'},
    }
    if url:
        own['database'] = {
            'class': 'mailman.database.postgresql.PostgreSQLDatabase',
            'url': url,
        }
    theirs = '' if stock else (tree / 'etc/mailman.cfg').read_text('utf-8')
    (var / 'mailman.cfg').write_text(merge(theirs, own), 'utf-8')
    (var / 'qnet.cfg').write_text(
        f'[qnet]\ndomain = {DOMAIN}\nsupport_address = help@example.gov\n'
        f'web_url = https://{DOMAIN}\nposter_authentication = off\n',
        'utf-8',
    )


def make_list(stock: bool) -> str:
    """Make a list with ten members, to which somebody else may post; its List-ID."""
    from mailman.app.lifecycle import create_list
    from mailman.config import config
    from mailman.interfaces.action import Action
    from mailman.interfaces.domain import IDomainManager
    from mailman.interfaces.member import MemberRole
    from mailman.interfaces.usermanager import IUserManager
    from mailman.utilities.datetime import now
    from zope.component import getUtility

    getUtility(IDomainManager).add(DOMAIN)
    style = 'legacy-announce' if stock else 'qnet-notification-public'
    mlist = create_list(LIST, style_name=style)
    mlist.send_welcome_message = False
    users = getUtility(IUserManager)
    names = [f'user{number}@example.net' for number in range(MEMBERS)]
    for name in [*names, POSTER]:
        address = next(iter(users.make_user(name).addresses))
        address.verified_on = now()
        if name != POSTER:
            mlist.subscribe(address, MemberRole.member)
    if stock:
        nonmember = mlist.subscribe(address, MemberRole.nonmember)
        nonmember.moderation_action = Action.accept
    else:
        people = importlib.import_module('qnet_mailman.model.people')
        config.db.store.add(people.QNetPoster(list_id=mlist.list_id, email=POSTER))
    list_id: str = mlist.list_id
    config.db.commit()
    return list_id


def parsed(message: bytes) -> Any:
    """A message as LMTP's runner has it."""
    from mailman.email.message import Message

    msg = email.message_from_bytes(message, Message)
    msg.original_size = len(message)  # type: ignore[attr-defined]
    return msg


def runner(name: str) -> Any:
    """The runner of a queue, as it is configured."""
    from mailman.config import config
    from mailman.utilities.modules import find_name

    return find_name(getattr(config, f'runner.{name}')['class'])(name)


def main(var: str, name: str) -> None:
    """Be a side."""
    from mailman.core.initialize import initialize

    initialize(f'{var}/mailman.cfg')
    logging.disable(logging.CRITICAL)
    list_id = make_list(name == 'stock')
    if name != 'stock':
        # What a runner has and no other process: a connection that it keeps.
        database = importlib.import_module('qnet_mailman.setup.database')
        database.program = lambda: 'runner'  # type: ignore[attr-defined]
    print('"ready"', flush=True)
    for line in sys.stdin:
        work, times = json.loads(line)
        module, _, function = work.rpartition('.')
        found = getattr(importlib.import_module(f'bench.{module}'), function)
        print(json.dumps(found(list_id, times)), flush=True)


if __name__ == '__main__':
    main(*sys.argv[1:])
