# SPDX-License-Identifier: GPL-3.0-or-later
"""A Mailman in this process, with our plugin or without, and what work on it takes."""

from __future__ import annotations

import json
import logging
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench import bounce_host
from bench.commits import HERE, Build

if TYPE_CHECKING:
    from tests import postgresql

_NO_MTA = 'mailman.mta.null.NullMTA'
"""Of both: stock writes Postfix's map anew for each list that is made."""
_STOCK = """\
[mailman]
site_owner: postmaster@mailer.example.org
layout: here
[paths.here]
var_dir: {var}
[mta]
incoming: mailman.mta.null.NullMTA
smtp_port: 1
lmtp_port: 0
"""
_DATABASE = """\
[database]
class: mailman.database.postgresql.PostgreSQLDatabase
url: {url}
"""


def start(side: str, url: str = '') -> Path:
    """Start Mailman in this process, in a new folder that is the caller's to remove.

    :param side: `ours` or `stock`: an unmodified Mailman.
    :param url: Of its database; empty for SQLite in the folder.
    """
    from mailman.core.initialize import initialize

    var = Path(tempfile.mkdtemp(prefix='qnet-bench-'))
    if side == 'ours':
        bounce_host.configure(var, url)
        path = var / 'mailman.cfg'
        text = path.read_text('utf-8')
        path.write_text(text.replace('qnet_mailman.mta.postfix.LMTP', _NO_MTA), 'utf-8')
    else:
        database = _DATABASE.format(url=url) if url else ''
        (var / 'mailman.cfg').write_text(_STOCK.format(var=var) + database, 'utf-8')
    initialize(str(var / 'mailman.cfg'))
    logging.disable(logging.CRITICAL)
    return var


@contextmanager
def host(side: str, url: str = '') -> Iterator[Path]:
    """A Mailman in this process, in a folder that is removed at the end."""
    folder = start(side, url)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def cpu() -> float:
    """Seconds of CPU of this process and those that it has waited for."""
    used = [
        resource.getrusage(whose)
        for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    return sum(each.ru_utime + each.ru_stime for each in used)


def report(work: Callable[[], object]) -> None:
    """Do work, and print what it took, for :func:`run` to read."""
    before = cpu()
    work()
    say(cpu() - before)


def say(took: float) -> None:
    """Print what work took, and the memory that this process had at its height."""
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({'cpu': took, 'memory': memory}))


@contextmanager
def databases() -> Iterator[Iterator[tuple[str, Callable[..., dict[str, float]]]]]:
    """The kinds of database that this machine has: a name, and what runs work there.

    That takes a module and its arguments, before which it puts an address for
    :func:`start`; `build` may name another commit.  It returns what :func:`report` has
    printed, with the server's CPU in `cpu`.
    """
    # What is measured does without it.
    from bench.bounces import database_server

    with database_server(True) as server:

        def kinds() -> Iterator[tuple[str, Callable[..., dict[str, float]]]]:
            yield 'SQLite', lambda *args, **kws: run(None, *args, **kws)
            if server is not None:
                yield 'PostgreSQL', lambda *args, **kws: run(server, *args, **kws)

        yield kinds()


def run(
    server: postgresql.Server | None, module: str, *arguments: str, build: Build = HERE
) -> dict[str, float]:
    """Run a module; see :func:`databases`."""
    from bench.bounces import cpu_of

    url = '' if server is None else server.create_database('bench')
    before = 0.0 if server is None else cpu_of(server)
    said = build.run('-m', f'bench.{module}', url, *arguments)
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    if server is not None:
        found['cpu'] += cpu_of(server) - before
    return found
