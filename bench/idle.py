# SPDX-License-Identifier: GPL-3.0-or-later
"""What a site costs on which nothing happens, beside a plain Mailman's.

Usage: ``python -m bench.idle [--lists N...] [--database NAME...] [--seconds N]``.

Two sites run at the same time with the same lists (default: 1, then 1,000), each with
all of its runners and the sleep times that a host has; ours has one runner more.
Counted are, of the master and all that descends from it, the CPU time while they sleep,
and the memory (PSS); on PostgreSQL also the statements that the server hears from ours.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg2

from bench.receiving import make_lists
from bench.rows import Row, show
from qnet_mailman.demo.site import Site
from tests import postgresql

LISTS = (1, 1000)
DATABASES = ('sqlite', 'postgresql')
SECONDS = 240.0
SETTLE = 70.0
"""Seconds after the start that do not count: first rounds of the slow runners."""

CPU = 1.3
PSS = 1.2
STATEMENTS = 1.0
"""A second, of the whole site."""

SLEEPS = {
    **dict.fromkeys(
        ('archive', 'command', 'digest', 'in', 'out', 'pipeline', 'virgin'), '1s'
    ),
    'bounces': '2m',
    'retry': '15m',
}
"""Mailman's own, where a site of the demo hurries; `etc/mailman.cfg` has ours."""


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    parents = {}
    for stat in Path('/proc').glob('[0-9]*/stat'):
        try:
            fields = stat.read_text().rpartition(')')[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def cpu(pids: list[int]) -> float:
    """Seconds of CPU of all threads of processes, to the nanosecond."""
    return sum(
        int(path.read_text().split()[0]) / 1e9
        for pid in pids
        for path in Path(f'/proc/{pid}/task').glob('*/schedstat')
    )


def pss(pids: list[int]) -> float:
    """Megabytes of memory: what processes share is divided among them."""
    rollups = (Path(f'/proc/{pid}/smaps_rollup').read_text() for pid in pids)
    kilobytes = (re.search(r'^Pss:\s+(\d+)', text, re.MULTILINE) for text in rollups)
    return sum(int(found[1]) for found in kilobytes if found) / 1024


def sites(folder: Path, server: postgresql.Server | None) -> Iterator[Site]:
    """Ours, and a plain Mailman."""
    cfg = ''.join(
        f'[runner.{runner}]\nsleep_time: {sleep}\n' for runner, sleep in SLEEPS.items()
    )
    forms = '[runner.forms]\nsleep_time: 5s\n'
    for name in ('ours', 'stock'):
        url = server and server.create_database(name)
        yield Site(
            folder / name,
            stock=name == 'stock',
            web=False,
            database_url=url,
            extra_cfg=cfg + forms * (name == 'ours'),
        )


def tell_statements(server: postgresql.Server) -> None:
    """Let the server log every statement, each with its database."""
    connection = psycopg2.connect(
        f'host=127.0.0.1 port={server.port} user=mailman dbname=postgres'
    )
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("ALTER SYSTEM SET log_line_prefix = '%d '")
        cursor.execute("ALTER SYSTEM SET log_statement = 'all'")
        cursor.execute('SELECT pg_reload_conf()')
    connection.close()


def statements(server: postgresql.Server) -> int:
    """How many the server has heard from our site."""
    log = (server.folder.parent / 'log').read_text('utf-8', 'replace')
    return len(re.findall(r'^ours LOG:  (?:statement|execute)', log, re.MULTILINE))


def measure(database: str, lists: int, seconds: float) -> Iterator[Row]:
    """Let both sites sleep, and count."""
    what = f'idle site, {database}, {lists:,} list{"s" if lists > 1 else ""}'
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = None
        if database == 'postgresql':
            server = stack.enter_context(postgresql.server())
        both = [stack.enter_context(site) for site in sites(folder, server)]
        for site in both:
            make_lists(site, lists)
            # The processes of a site that has its lists when it starts.
            site.stop_core()
            site.start_core()
        time.sleep(SETTLE)
        if server is not None:
            tell_statements(server)
        families = [family(site.core.pid or 0) for site in both]
        told = statements(server) if server else 0
        before = [cpu(pids) for pids in families]
        started = time.monotonic()
        time.sleep(seconds)
        minutes = (time.monotonic() - started) / 60
        ours, stock = (
            (cpu(pids) - used) / minutes
            for pids, used in zip(families, before, strict=True)
        )
        yield Row(what, 'CPU s a minute', ours, stock, 'stock', CPU)
        if server is not None:
            told = statements(server) - told
            rate = told / minutes / 60
            yield Row(what, 'statements a second', rate, 1.0, 'the bound', STATEMENTS)
        ours, stock = (pss(pids) for pids in families)
        yield Row(what, 'MB (PSS)', ours, stock, 'stock', PSS)


def rows() -> Iterator[Row]:
    """On both databases, with few lists and many."""
    for database in DATABASES:
        for lists in LISTS:
            yield from measure(database, lists, SECONDS)


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--lists', type=int, nargs='+', default=LISTS)
    parser.add_argument('--database', nargs='+', choices=DATABASES, default=DATABASES)
    parser.add_argument('--seconds', type=float, default=SECONDS)
    options = parser.parse_args()
    return show(
        row
        for database in options.database
        for lists in options.lists
        for row in measure(database, lists, options.seconds)
    )


if __name__ == '__main__':
    sys.exit(main())
