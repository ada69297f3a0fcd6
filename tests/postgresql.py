# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server of our own, from Debian's package, on a free port."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest

BINARIES = Path('/usr/lib/postgresql/15/bin')


@dataclass
class Server:
    """A running server.

    :ivar port: Its port on loopback.
    """

    folder: Path
    port: int

    def _control(self, *args: str) -> None:
        subprocess.run(
            [*_as_somebody(), str(BINARIES / 'pg_ctl'), '-D', str(self.folder), *args],
            check=True,
            capture_output=True,
        )

    def start(self) -> None:
        """Start, and wait until it answers."""
        log = str(self.folder.parent / 'log')
        options = (
            f'-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off '
            f'-c unix_socket_directories={self.folder.parent} -c max_connections=200'
        )
        self._control('-w', '-l', log, '-o', options, 'start')

    def stop(self) -> None:
        """Stop at once, with whatever is connected."""
        self._control('-w', '-m', 'immediate', 'stop')

    def create_database(self, name: str) -> str:
        """Make an empty database.

        :return: Its address for SQLAlchemy.
        """
        dsn = f'host=127.0.0.1 port={self.port} user=mailman dbname=postgres'
        connection = psycopg2.connect(dsn)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS {name} WITH (FORCE)')
            cursor.execute(f'CREATE DATABASE {name}')
        connection.close()
        return f'postgresql+psycopg2://mailman@127.0.0.1:{self.port}/{name}'


def _as_somebody() -> list[str]:
    # PostgreSQL refuses to run as root.
    return ['runuser', '-u', 'postgres', '--'] if os.getuid() == 0 else []


@contextlib.contextmanager
def server() -> Iterator[Server]:
    """Make a cluster, start it, and remove it afterwards.

    Skips the test where the package is not installed.
    """
    if not (BINARIES / 'initdb').exists():
        pytest.skip('PostgreSQL 15 is not installed (Debian package postgresql-15)')
    folder = Path(tempfile.mkdtemp(prefix='qnet-pg-'))
    folder.chmod(0o777)
    data = folder / 'data'
    subprocess.run(
        [
            *_as_somebody(),
            str(BINARIES / 'initdb'),
            *('-D', str(data), '-U', 'mailman', '-A', 'trust', '-E', 'UTF8', '-N'),
        ],
        check=True,
        capture_output=True,
    )
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        port = sock.getsockname()[1]
    running = Server(data, port)
    try:
        running.start()
        yield running
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            running.stop()
        shutil.rmtree(folder, ignore_errors=True)
