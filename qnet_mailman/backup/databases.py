# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of a database, of one moment, and such a copy in the place of an empty one.

The moment is when :func:`snapshot` is entered; the copying takes its time afterwards,
while others write.  SQLite is copied by its own backup API out of a transaction that
reads; PostgreSQL by `pg_dump` with an exported snapshot, and put back by `psql` in one
transaction.  Its programs get the password in their environment, which other users of
the host do not see.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from qnet_mailman.backup.container import BackupError
from qnet_mailman.site import describe

SQLITE, POSTGRESQL = 'sqlite', 'postgresql'
BUSY = 60
"""Seconds to wait for whoever writes to SQLite."""

_EMPTY = """
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT oid::regclass AS name FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    LOOP
        EXECUTE 'DROP TABLE IF EXISTS ' || one.name || ' CASCADE';
    END LOOP;
    FOR one IN SELECT oid::regprocedure AS name FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND pg_has_role(proowner, 'USAGE')
            AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid
                AND deptype = 'e')
    LOOP
        EXECUTE 'DROP FUNCTION ' || one.name || ' CASCADE';
    END LOOP;
END $$;
"""
"""What a new database has been given by our programs goes: a dump of earlier tables
knows nothing of later ones, which would be in the way of their migration."""

_LIBPQ = {
    'host': 'PGHOST',
    'port': 'PGPORT',
    'user': 'PGUSER',
    'password': 'PGPASSWORD',
    'service': 'PGSERVICE',
    'passfile': 'PGPASSFILE',
    'sslmode': 'PGSSLMODE',
    'sslrootcert': 'PGSSLROOTCERT',
    'sslcert': 'PGSSLCERT',
    'sslkey': 'PGSSLKEY',
    'connect_timeout': 'PGCONNECT_TIMEOUT',
}
"""Parameters of a connection, and the variables that stand for them (libpq)."""

Copy = Callable[[Path], None]
"""Writes the copy into a new file."""


def kind(url: URL) -> str:
    """Which database that is.

    :raises BackupError: if it is another than these two.
    """
    name = url.get_backend_name()
    if name not in (SQLITE, POSTGRESQL):
        raise BackupError(
            f'there is no backup of {name}, only of PostgreSQL and SQLite'
        )
    return name


def file_of(url: URL) -> Path:
    """The file of a database of SQLite."""
    return Path(url.database or '')


@contextmanager
def connected(url: URL) -> Iterator[Connection]:
    """A connection that sees one moment of the database.

    :raises BackupError: where it does not answer.
    """
    if kind(url) == SQLITE and not file_of(url).is_file():
        raise BackupError(f'there is no database {file_of(url)}')
    engine = create_engine(
        url, **({} if kind(url) == SQLITE else {'isolation_level': 'REPEATABLE READ'})
    )
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise BackupError(f'the database {url.database}: {describe(error)}') from error
    finally:
        engine.dispose()


@contextmanager
def snapshot(url: URL) -> Iterator[Copy]:
    """Stop a database's moment; what copies it may be called as long as this lasts.

    :raises BackupError: where that cannot be done.
    """
    if kind(url) == SQLITE:
        with closing(_sqlite(file_of(url))) as source:
            # Whoever reads has a moment of its own (WAL).
            source.execute('BEGIN')
            source.execute('SELECT count(*) FROM sqlite_master').fetchone()
            yield lambda path: _copy(source, path)
        return
    with connected(url) as connection:
        name = connection.scalar(text('SELECT pg_export_snapshot()'))
        yield lambda path: _run(
            url,
            *('pg_dump', '--format=custom', '--no-owner', '--no-privileges'),
            *(f'--snapshot={name}', f'--file={path}'),
        )


def _sqlite(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY, isolation_level=None)


def _copy(source: sqlite3.Connection, path: Path) -> None:
    try:
        with closing(_sqlite(path)) as target:
            source.backup(target)
    except sqlite3.Error as error:
        raise BackupError(f'the database cannot be copied: {error}') from error


def restore(url: URL, copy: Path) -> None:
    """Put a copy in the place of what a database has, whole or not at all.

    :param copy: Of a database of the same kind.
    :raises BackupError: where that cannot be done.
    """
    if kind(url) == SQLITE:
        file_of(url).parent.mkdir(parents=True, exist_ok=True)
        with closing(_sqlite(copy)) as source:
            _copy(source, file_of(url))
        return
    script = copy.with_suffix('.sql')
    with script.open('x', encoding='utf-8') as file:
        file.write(_EMPTY)
    _run(url, 'pg_restore', '--no-owner', f'--file={script}.rest', str(copy))
    _run(
        url,
        *('psql', '--no-psqlrc', '--quiet', '--single-transaction'),
        *('--set=ON_ERROR_STOP=1', '--output=/dev/null'),
        *(f'--file={script}', f'--file={script}.rest'),
    )


def _run(url: URL, *command: str) -> None:
    given = {**url.translate_connect_args(username='user'), **url.query}
    variables = {
        _LIBPQ[name]: str(value) for name, value in given.items() if name in _LIBPQ
    }
    try:
        subprocess.run(
            command,
            env={**os.environ, **variables, 'PGDATABASE': str(url.database)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
    except FileNotFoundError:
        raise BackupError(
            f'there is no program {command[0]}: install postgresql-client'
        ) from None
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or ['']
        raise BackupError(f'{command[0]} failed: {lines[0]}') from error


def has_rows(url: URL, tables: Iterable[str]) -> list[str]:
    """Which of some tables have rows; those that are not there have none."""
    if kind(url) == SQLITE and not file_of(url).exists():
        return []
    with connected(url) as connection:
        there = set(inspect(connection).get_table_names())
        return [
            name
            for name in tables
            if name in there
            # Names of our own.
            and connection.execute(text(f'SELECT 1 FROM "{name}" LIMIT 1')).first()
        ]


def rows(url: URL, query: str) -> list[tuple[str, ...]]:
    """What a query finds."""
    with connected(url) as connection:
        return [tuple(row) for row in connection.execute(text(query))]
