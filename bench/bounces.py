# SPDX-License-Identifier: GPL-3.0-or-later
"""Receiving and scoring bounces, against stock Mailman on this machine (R16-R18).

Usage: ``python -m bench.bounces [--stock STOCK.PY] [--reports N] [--database NAME]``,
where STOCK.PY is the script that measures an unmodified Mailman (default
``../shared/bench/stock.py``; it needs ``smtp-sink`` from Debian's package postfix), and
NAME is ``sqlite`` or ``postgresql`` (default: both; the second needs Debian's package
postgresql-15).

Stock receives a report and processes the event later; its rate is that of both
together, without reading and removing queue files.  Ours is measured alike, and again
as the bounce runner's own loop over queue files.  The same reports, the same kind of
database, in a temporary folder for both.  On PostgreSQL, two slices are compared with
one, in seconds of CPU of the runners and the server together.

Exit status: 0, also where STOCK.PY is absent; 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.bounce_host import DISABLED, STORED, configure
from bench.rows import Row
from tests import postgresql

ROOT = Path(__file__).resolve().parents[1]
STOCK = ROOT.parent / 'shared/bench/stock.py'

ALIKE = 20.0
"""How many times stock's rate, measured alike: from the message to the commit."""
RUNNER = 18.0
"""The same through the runner, queue files included."""
STATEMENTS = 8
"""For a report by itself; a batch reads the list's row and the key once."""
BATCH_STATEMENTS = 12
"""For a hundred reports."""
SLOWER = 0.95
"""Of the rate with an empty ledger that must be left with a full one."""
PERIODIC = 2.0
"""Seconds by which the disabled members may slow the periodic work."""
TWO_SLICES = 1.1
"""CPU for a report with two slices, of that with one."""

_STOCK = """\
import importlib.util, sys
path, database = sys.argv[1:3]
spec = importlib.util.spec_from_file_location('stock', path)
stock = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stock)
stock.CONFIG += database
sys.argv[1:] = sys.argv[3:]
stock.main()
"""
"""Runs STOCK.PY on a database of ours."""
_DATABASE = """\
[database]
class: mailman.database.postgresql.PostgreSQLDatabase
url: {url}
"""


def python(*arguments: str) -> Any:
    """Run a program, which prints JSON on its last line."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f'{arguments} failed:\n{done.stderr or done.stdout}')
    return json.loads(done.stdout.splitlines()[-1])


def rate_of_stock(path: Path, reports: int, url: str) -> float:
    """Reports a second that an unmodified Mailman receives and processes."""
    rates = python(
        *('-c', _STOCK, str(path), _DATABASE.format(url=url) if url else ''),
        *('--members', '1000', '--verp', '10', '--bounces', str(reports)),
    )
    received, processed = rates['bounce_receive'], rates['bounce_process']
    both = 1 / (1 / received + 1 / processed)
    print(f'stock: receive {received}/s, process {processed}/s, both {both:.1f}/s')
    return both


def measured(
    stock: Path, reports: int, url: str, theirs_url: str
) -> tuple[dict[str, float], float]:
    """What `bench.bounce_host` says of ours, and the rate of stock."""
    theirs = rate_of_stock(stock, min(reports, 300), theirs_url)
    with tempfile.TemporaryDirectory() as var:
        configure(Path(var), url)
        ours = python(
            '-m', 'bench.bounce_host', var, str(stock), 'measure', str(reports)
        )
    return ours, theirs


def rows() -> Iterator[Row]:
    """Ours beside stock, where STOCK.PY is there."""
    if not STOCK.is_file():
        return
    with database_server(True) as server:
        for name in ('SQLite',) if server is None else ('SQLite', 'PostgreSQL'):
            urls = ['', '']
            if server is not None and name == 'PostgreSQL':
                urls = [server.create_database(each) for each in ('ours', 'stock')]
            ours, theirs = measured(STOCK, 1000, *urls)
            work = f'bounce reports, received and scored, {name}'
            unit = 'reports a second'
            yield Row(work, unit, ours['alike'], theirs, 'stock', ALIKE, at_most=False)


def compare(stock: Path, reports: int, url: str, theirs_url: str) -> bool:
    """Measure ours and theirs, and print it; whether all targets are met."""
    ours, theirs = measured(stock, reports, url, theirs_url)
    alike, runner = ours['alike'] / theirs, ours['runner'] / theirs
    left = ours['full'] / ours['runner']
    print(
        f'alike: {ours["alike"]:.0f} reports/s, {alike:.1f} times stock '
        f'(target {ALIKE:g})\n'
        f'through the runner, queue files included: {ours["runner"]:.0f} reports/s, '
        f'{runner:.1f} times stock (target {RUNNER:g})\n'
        f'a commit for each report: {ours["single"]:.0f} reports/s, '
        f'{ours["single"] / theirs:.1f} times stock\n'
        f'SQL statements: {ours["statements"]} for a report at most '
        f'(target {STATEMENTS}), {ours["batch"]} for a batch of 100 '
        f'(target {BATCH_STATEMENTS})\n'
        f'with {STORED} stored rows: {ours["full"]:.0f} reports/s, {left:.2f} of it '
        f'(target {SLOWER:g})\n'
        f'periodic work with {DISABLED} disabled members: {ours["slower"]:.3f} s more '
        f'(target {PERIODIC:g})'
    )
    return (
        alike >= ALIKE
        and runner >= RUNNER
        and left >= SLOWER
        and ours['statements'] <= STATEMENTS
        and ours['batch'] <= BATCH_STATEMENTS
        and ours['slower'] <= PERIODIC
    )


# --------------------------------------------------------------------- slices


def cpu_of(server: postgresql.Server) -> float:
    """Seconds of CPU of a PostgreSQL server, with its processes that have ended."""
    lines = (server.folder / 'postmaster.pid').read_text(encoding='utf-8').split()
    postmaster = int(lines[0])
    ticks = 0
    for stat in Path('/proc').glob('[0-9]*/stat'):
        with contextlib.suppress(OSError):
            fields = stat.read_text(encoding='utf-8').rpartition(')')[2].split()
            if int(stat.parent.name) == postmaster:
                ticks += sum(int(one) for one in fields[11:15])
            elif int(fields[1]) == postmaster:
                ticks += sum(int(one) for one in fields[11:13])
    return ticks / os.sysconf('SC_CLK_TCK')


def with_slices(
    server: postgresql.Server, stock: Path, reports: int, slices: int
) -> tuple[float, float]:
    """CPU and clock for a report with so many slices, in milliseconds."""
    url = server.create_database(f'slices{slices}')
    with tempfile.TemporaryDirectory() as var:
        folder = Path(var)
        configure(folder, url, slices)
        host = ('-m', 'bench.bounce_host', var, str(stock))
        for days in (8, 16, 24):
            python(*host, 'fill', str(reports), str(days))
        running = [
            subprocess.Popen(
                [sys.executable, *host, 'slice', str(number)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(slices)
        ]
        while len(list(folder.glob('ready.*'))) < slices:
            if any(one.poll() is not None for one in running):
                sys.exit('a slice ended before it began')
            time.sleep(0.05)
        before = cpu_of(server)
        (folder / 'go').touch()
        found = [json.loads(one.communicate()[0].splitlines()[-1]) for one in running]
        used = cpu_of(server) - before + sum(one['cpu'] for one in found)
    done = sum(one['reports'] for one in found)
    assert done == 3 * reports, found
    return 1000 * used / done, 1000 * max(one['seconds'] for one in found) / done


def compare_slices(server: postgresql.Server, stock: Path, reports: int) -> bool:
    one, clock_of_one = with_slices(server, stock, reports, 1)
    two, clock_of_two = with_slices(server, stock, reports, 2)
    print(
        f'one slice: {one:.2f} ms of CPU for a report, {clock_of_one:.2f} ms of time\n'
        f'two slices: {two:.2f} ms of CPU for a report, {clock_of_two:.2f} ms of time: '
        f'{two / one:.2f} of the CPU (target {TWO_SLICES:g})'
    )
    return two / one <= TWO_SLICES


@contextlib.contextmanager
def database_server(wanted: bool) -> Iterator[postgresql.Server | None]:
    if not wanted:
        yield None
    elif not (postgresql.BINARIES / 'initdb').exists():
        print('skipped: PostgreSQL 15 is not installed (Debian package postgresql-15)')
        yield None
    else:
        with postgresql.server() as server:
            yield server


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description='Compare bounces with stock Mailman.')
    parser.add_argument('--stock', type=Path, default=STOCK)
    parser.add_argument('--reports', type=int, default=1000, help='at most 1000')
    parser.add_argument('--database', choices=['sqlite', 'postgresql'])
    options = parser.parse_args(arguments)
    if not options.stock.is_file():
        print(f'skipped: no {options.stock}; name it with --stock')
        return 0
    met = True
    if options.database != 'postgresql':
        print('SQLite')
        met = compare(options.stock, options.reports, '', '')
    with database_server(options.database != 'sqlite') as server:
        if server is not None:
            print('PostgreSQL')
            ours, theirs = (server.create_database(name) for name in ('ours', 'stock'))
            met = compare(options.stock, options.reports, ours, theirs) and met
            met = compare_slices(server, options.stock, options.reports) and met
    print('targets met' if met else 'targets missed')
    return 0 if met else 1


if __name__ == '__main__':
    sys.exit(main())
