# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of a post, against stock Mailman and bare SMTP on this machine (R15).

Usage: ``python -m bench.fan_out [--stock STOCK.PY] [--members N]``, where STOCK.PY is
the script that measures an unmodified Mailman (default ``../shared/bench/stock.py``).
Needs ``smtp-sink`` and ``smtp-source`` from Debian's package postfix.

Two messages: text of 8 KB; and text, HTML and an invitation of 60 KB.  Each goes from
the ``out`` queue to the members of one list, a copy each with its own envelope sender,
ours with a token and a footer in each.  Beside them stand stock's ``deliver_verp``, and
as many messages with Python's ``smtplib`` and with Postfix's ``smtp-source``, one at a
time on one connection, and where it is installed Debian's ``mlmmj``, whose copies have
an envelope sender each and are otherwise alike.  All of it goes to one ``smtp-sink``;
and what a slow server makes of it is seen with :mod:`.waiting_sink`, which takes 5 ms
for each answer.

CPU is that of the process that sends.  smtplib and ours take turns; medians count, and
for the clock the best of each.

Exit status: 0, also where STOCK.PY is absent; 1 if a row is missed.
"""

from __future__ import annotations

import argparse
import email
import importlib.util
import json
import logging
import resource
import shutil
import smtplib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench.rows import Row
from qnet_mailman.demo.configuration import merge

ROOT = Path(__file__).resolve().parents[1]
STOCK = ROOT.parent / 'shared/bench/stock.py'
LIST = 'bench@lists.example.gov'
POSTER = 'a@agency.example.gov'
ROUNDS = 5
"""Times that smtplib and ours take turns."""
WAIT = 5
"""Milliseconds that the slow server takes for each answer."""
CONNECTIONS = 4
"""Of each slice, where there are two: so few that the slow server, a Python program,
has time for twice as many, and what limits them is its waiting."""

STOCK_RUN = """
import importlib.util, pathlib, sys
spec = importlib.util.spec_from_file_location('stock', sys.argv.pop(1))
stock = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stock)
stock.POST = pathlib.Path(sys.argv.pop(1)).read_text('utf-8')
stock.main()
"""

INVITATION = """\
BEGIN:VCALENDAR
PRODID:-//Example//EN
VERSION:2.0
METHOD:REQUEST
BEGIN:VEVENT
UID:1@agency.example.gov
DTSTAMP:20261122T010000Z
DTSTART:20261201T150000Z
DTEND:20261201T160000Z
ORGANIZER:mailto:a@agency.example.gov
SUMMARY:Quarterly call
END:VEVENT
END:VCALENDAR
"""


def messages() -> dict[str, bytes]:
    """The two messages, by what they are called in the output."""
    head = (
        f'From: {POSTER}\nTo: {LIST}\nSubject: Quarterly update\n'
        'Message-ID: <a1@agency.example.gov>\n'
        'Date: Sun, 22 Nov 2026 01:00:00 +0000\nMIME-Version: 1.0\n'
    )
    line = 'Lorem ipsum dolor sit amet consectetur.\n'
    text = f'Content-Type: text/plain; charset=utf-8\n\n{line * 200}'
    html = ''.join(f'<p class="body">{line.strip()}</p>\n' for _ in range(800))
    parts = (
        text,
        f'Content-Type: text/html; charset=utf-8\n\n<html><body>{html}</body></html>\n',
        'Content-Type: text/calendar; charset=utf-8; method=REQUEST\n\n' + INVITATION,
    )
    large = 'Content-Type: multipart/alternative; boundary="b"\n\n--b\n'
    large += '\n--b\n'.join(parts) + '\n--b--\n'
    return {'8 KB': (head + text).encode(), '60 KB': (head + large).encode()}


def rate_of_stock(path: Path, message: bytes) -> float:
    """Copies a second of an unmodified Mailman."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(message)
        file.flush()
        done = subprocess.run(
            [
                *(sys.executable, '-c', STOCK_RUN, str(path), file.name),
                *('--members', '300', '--verp', '300', '--bounces', '1'),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
    rate: float = json.loads(done.stdout)['deliver_verp']
    return rate


def rate_of_smtplib(port: int, count: int, message: bytes) -> float:
    """Messages a second that Python's client hands over."""
    wire = message.replace(b'\n', b'\r\n')
    client = smtplib.SMTP('127.0.0.1', port)
    started = time.perf_counter()
    for number in range(count):
        client.sendmail(POSTER, [f'user{number}@example.net'], wire)
    rate = count / (time.perf_counter() - started)
    client.quit()
    return rate


def rate_of_smtp_source(port: int, count: int, size: int) -> float:
    """Messages a second that Postfix's test client hands over, on one connection.

    :param size: Bytes of each.
    """
    command = shutil.which('smtp-source') or '/usr/sbin/smtp-source'
    started = time.perf_counter()
    subprocess.run(
        [
            *(command, '-d', '-s', '1', '-m', str(count), '-l', str(size)),
            *('-f', POSTER, '-t', 'user@example.net', f'127.0.0.1:{port}'),
        ],
        check=True,
    )
    return count / (time.perf_counter() - started)


def mlmmj(port: int, count: int, message: bytes) -> tuple[float, float] | None:
    """CPU seconds for 1,000 copies of mlmmj's, and copies a second.

    :return: None where mlmmj is not installed.
    """
    program = shutil.which('mlmmj-send')
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        for name in ('archive', 'control', 'queue', 'subscribers.d', 'text'):
            (path / name).mkdir()
        (path / 'index').touch()
        for name, value in (
            ('listaddress', LIST),
            ('owner', POSTER),
            ('relayhost', '127.0.0.1'),
            ('smtpport', str(port)),
        ):
            (path / 'control' / name).write_text(f'{value}\n')
        members = (
            f'user{number}@ex{number % 97}.example.com' for number in range(count)
        )
        (path / 'subscribers.d/u').write_text(''.join(f'{one}\n' for one in members))
        post = path / 'post'
        post.write_bytes(message)
        before, started = _cpu_of_children(), time.perf_counter()
        subprocess.run([program, '-L', folder, '-m', str(post)], check=True)
        rate = count / (time.perf_counter() - started)
        return (_cpu_of_children() - before) / count * 1000, rate


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def configure(var: Path, port: int, slices: int) -> Path:
    """Write the configuration of a Mailman with our plugin, on SQLite."""
    text = merge(
        (ROOT / 'etc/mailman.cfg').read_text('utf-8'),
        {
            'mailman': {
                'site_owner': 'postmaster@mailer.example.org',
                'layout': 'here',
            },
            'paths.here': {'var_dir': str(var)},
            'mta': {
                'incoming': 'mailman.mta.null.NullMTA',
                'smtp_host': '127.0.0.1',
                'smtp_port': str(port),
                'lmtp_port': '0',
            },
            'runner.out': {'instances': str(slices)},
        },
    )
    path = var / f'mailman-{slices}.cfg'
    path.write_text(text, 'utf-8')
    (var / 'qnet.cfg').write_text(
        '[qnet]\ndomain = lists.example.gov\nsupport_address = help@example.gov\n'
        'web_url = https://lists.example.gov\nposter_authentication = off\n',
        'utf-8',
    )
    return path


def allow(var: Path, connections: int) -> None:
    """Let each slice have so many connections to the mail server."""
    with (var / 'qnet.cfg').open('a', encoding='utf-8') as file:
        file.write(f'smtp_connections = {connections}\n')


def prepare(var: Path, port: int) -> None:
    """Start Mailman in this process, with our plugin, on SQLite."""
    from mailman.core.initialize import initialize

    configure(var, port, 2)
    initialize(str(configure(var, port, 1)))
    logging.disable(logging.CRITICAL)


def make_list(count: int) -> Any:
    """A list with so many members, and somebody who may post."""
    from mailman.app.lifecycle import create_list
    from mailman.config import config
    from mailman.interfaces.domain import IDomainManager
    from mailman.interfaces.member import MemberRole
    from mailman.model.address import Address
    from mailman.model.member import Member
    from mailman.model.preferences import Preferences
    from sqlalchemy import insert
    from zope.component import getUtility

    from qnet_mailman.model.people import QNetPoster

    getUtility(IDomainManager).add('lists.example.gov')
    mlist = create_list(LIST, style_name='qnet-notification-public')
    config.db.store.flush()
    config.db.store.add(QNetPoster(list_id=mlist.list_id, email=POSTER))
    rows: dict[Any, list[dict[str, Any]]] = {Preferences: [], Address: [], Member: []}
    for number in range(1_000_000, 1_000_000 + count):
        address = f'user{number}@ex{number % 97}.example.com'
        rows[Preferences].append({'id': number})
        rows[Address].append({'id': number, 'email': address, 'preferences_id': number})
        rows[Member].append(
            {
                'list_id': mlist.list_id,
                'role': MemberRole.member,
                'address_id': number,
                'preferences_id': number,
                '_member_id': uuid4(),
            }
        )
    for model, each in rows.items():
        config.db.store.execute(insert(model.__table__), each)
    config.db.commit()
    return mlist


class Ours:
    """The runners, in this process, one after the other."""

    def __init__(self, mlist: Any, count: int) -> None:
        self._mlist = mlist
        self.recipients = sorted(one.email for one in mlist.members.addresses)[:count]

    def from_out(self, message: bytes) -> float:
        """Copies a second, from the ``out`` queue to the mail server."""
        self.enqueue(message)
        started = time.perf_counter()
        empty('out')
        return len(self.recipients) / (time.perf_counter() - started)

    def made(self, message: bytes) -> bytes:
        """Make the copies, and send them nowhere; the last, as it would be sent."""
        self.enqueue(message)
        return make_copies()

    def from_slices(self, message: bytes, number: int, var: Path) -> float:
        """Copies a second of so many processes, each with its part of the queue."""
        from mailman.config import config

        out = config.switchboards['out']
        self.enqueue(message)
        # Split beforehand, as both would do it, so that there is work for both.
        runner = _runner('out')
        while len(out.files) < -(-len(self.recipients) // 1000):
            runner._one_iteration()
        names = [''] if number == 1 else [str(each) for each in range(number)]
        processes = [
            subprocess.Popen(
                [sys.executable, '-m', 'bench.fan_out', '--work', str(var), each],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            for each in names
        ]
        pipes = [(process, process.stdin, process.stdout) for process in processes]
        for _, _, said in pipes:
            assert said is not None
            said.readline()
        started = time.perf_counter()
        for _, told, _ in pipes:
            assert told is not None
            told.write(b'go\n')
            told.flush()
        for _, _, said in pipes:
            assert said is not None
            said.readline()
        taken = time.perf_counter() - started
        for process in processes:
            process.communicate()
            assert process.returncode == 0
        return len(self.recipients) / taken

    def enqueue(self, message: bytes) -> None:
        """Put a post into the ``out`` queue."""
        from mailman.config import config

        config.switchboards['out'].enqueue(
            _parsed(message),
            listid=self._mlist.list_id,
            recipients=self.recipients,
            to_list=True,
            verp=True,
        )


def empty(queue: str) -> None:
    """Do all that is in a queue."""
    from mailman.config import config

    runner = _runner(queue)
    while runner._one_iteration():
        pass
    for name in ('retry', 'shunt', 'bad', queue):
        assert not config.switchboards[name].files, name


def make_copies() -> bytes:
    """Make the copies of what is in ``out``, and send them nowhere; the last one."""
    from qnet_mailman.mta import connection

    kept = connection.Verbatim.send
    sent: list[bytes] = []

    def keep(_self: Any, some: Any) -> Any:
        for one in some:
            sent[:] = [one.data]
            yield one, {}

    connection.Verbatim.send = keep  # type: ignore
    try:
        empty('out')
    finally:
        connection.Verbatim.send = kept  # type: ignore[method-assign]
    return bytes(sent[0])


def _parsed(message: bytes) -> Any:
    from mailman.email.message import Message

    msg = email.message_from_bytes(message, Message)
    # As the LMTP runner does.
    msg.original_size = len(message)
    return msg


def _runner(name: str, slice_number: int | None = None) -> Any:
    from mailman.config import config
    from mailman.utilities.modules import find_name

    cls = find_name(getattr(config, f'runner.{name}')['class'])
    return cls(name, slice_number)


def work(var: Path, slice_number: str) -> None:
    """Be one slice of the outgoing runner: wait for a word, and empty the queue."""
    from mailman.core.initialize import initialize

    initialize(str(var / f'mailman-{2 if slice_number else 1}.cfg'))
    logging.disable(logging.CRITICAL)
    runner = _runner('out', int(slice_number) if slice_number else None)
    print('ready', flush=True)
    sys.stdin.readline()
    while runner._one_iteration():
        pass
    print('done', flush=True)


def cpu() -> float:
    """Seconds of CPU of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@contextmanager
def slow_server(port: int) -> Iterator[None]:
    """One that takes its time."""
    process = subprocess.Popen(
        [sys.executable, '-m', 'bench.waiting_sink', str(port), str(WAIT)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        process.stdout.readline()
        yield
    finally:
        process.kill()
        process.communicate()


def in_turn(count: int, *ways: Callable[[], float]) -> list[tuple[float, float]]:
    """Ways to send, each `ROUNDS` times: CPU seconds for 1,000, and the best rate."""
    found: list[list[tuple[float, float]]] = [[] for _ in ways]
    for _ in range(ROUNDS):
        for way, results in zip(ways, found, strict=True):
            before = cpu()
            rate = way()
            results.append(((cpu() - before) / count * 1000, rate))
    return [
        (statistics.median(one for one, _ in some), max(rate for _, rate in some))
        for some in found
    ]


def rows(stock_script: Path = STOCK, count: int = 10_000) -> Iterator[Row]:
    """What is promised of a fan-out; nothing where the script for stock is absent."""
    if not stock_script.exists():
        return
    spec = importlib.util.spec_from_file_location('stock', stock_script)
    assert spec is not None and spec.loader is not None
    stock = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stock)
    port = stock.free_port()
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder)
        prepare(var, port)
        ours = Ours(make_list(count), count)
        with stock.smtp_sink(port):
            yield from _to_a_fast_server(ours, port, count, stock_script)
        with slow_server(port):
            yield from _to_a_slow_server(ours, port, count, var)


def _to_a_fast_server(
    ours: Ours, port: int, count: int, stock_script: Path
) -> Iterator[Row]:
    rate = 'copies a second'
    for name, message in messages().items():
        of_stock = rate_of_stock(stock_script, message)
        wire = len(ours.made(message))
        alone, from_out = in_turn(
            count,
            lambda message=message: rate_of_smtplib(port, count, message),
            lambda message=message: ours.from_out(message),
        )
        source = max(rate_of_smtp_source(port, count, wire) for _ in range(ROUNDS))
        work = f'{count} copies of {name} from the out queue'
        small = name == '8 KB'
        if small:
            first = from_out
        yield Row(
            f'{work}, CPU s for 1,000',
            *('CPU s', from_out[0], alone[0], 'smtplib', 0.7 if small else 0),
        )
        for theirs, against, bound in (
            (alone[1], 'smtplib', 1.5 if small else 0),
            (of_stock, 'stock', 50),
            # Where the wire is the limit, it is not to be ours.
            (
                source,
                'smtp-source',
                0 if small or from_out[1] >= 50 * of_stock else 0.95,
            ),
        ):
            yield Row(work, rate, from_out[1], theirs, against, bound, at_most=False)

    of_mlmmj = mlmmj(port, 300, messages()['8 KB'])
    if of_mlmmj is not None:
        work = f'{count} copies of 8 KB from the out queue'
        yield Row(
            f'{work}, CPU s for 1,000', 'CPU s', first[0], of_mlmmj[0], 'mlmmj', 0
        )
        yield Row(work, rate, first[1], of_mlmmj[1], 'mlmmj', 0, at_most=False)


def _to_a_slow_server(ours: Ours, port: int, count: int, var: Path) -> Iterator[Row]:
    rate = 'copies a second'
    message = messages()['8 KB']
    ours.recipients = ours.recipients[:4000]
    count = len(ours.recipients)
    alone = rate_of_smtplib(port, 300, message)
    one = ours.from_slices(message, 1, var)
    yield Row(
        f'{count} copies of 8 KB to a server that takes {WAIT} ms for each answer',
        *(rate, one, alone, 'smtplib'),
        bound=8,
        at_most=False,
    )
    allow(var, CONNECTIONS)
    pairs = [
        (ours.from_slices(message, 1, var), ours.from_slices(message, 2, var))
        for _ in range(ROUNDS)
    ]
    worst = min(pairs, key=lambda pair: pair[1] / pair[0])
    yield Row(
        f'the same with two slices of {CONNECTIONS} connections, the worst of {ROUNDS}',
        *(rate, worst[1], worst[0], 'one slice'),
        bound=1.9,
        at_most=False,
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--stock', type=Path, default=STOCK)
    parser.add_argument('--members', type=int, default=10_000)
    parser.add_argument('--work', nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(Path(arguments.work[0]), arguments.work[1])
        return 0
    if not arguments.stock.exists():
        print(f'{arguments.stock}: not there, nothing measured')
    kept = True
    for row in rows(arguments.stock, arguments.members):
        print(
            f'{row.work}: {row.ours:.4g} {row.unit}, {row.against} {row.theirs:.4g}: '
            f'{row.ratio:.2f} times{"" if row.kept else " MISSED"}',
            flush=True,
        )
        kept &= row.kept
    return int(not kept)


if __name__ == '__main__':
    sys.exit(main())
