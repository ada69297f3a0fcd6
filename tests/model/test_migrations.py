# SPDX-License-Identifier: GPL-3.0-or-later
"""Making and upgrading the tables, on SQLite and on PostgreSQL."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import alembic.op
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from qnet_mailman import model
from qnet_mailman.model import (  # noqa: F401
    audit,
    bounces,
    closures,
    forms,
    lists,
    people,
    posts,
    queues,
    seals,
    subscriptions,
)
from qnet_mailman.model.base import Base
from qnet_mailman.model.migrations import (
    VERSION_TABLE,
    DatabaseIsNewer,
    current,
    head,
    upgrade,
)
from tests import postgresql

PROCESSES = 12

STARTER = """
import sys
from sqlalchemy import create_engine
from qnet_mailman.model.migrations import upgrade
sys.stdin.readline()
upgrade(create_engine(sys.argv[1]), sys.argv[2])
"""


@pytest.fixture(scope='module')
def server() -> Iterator[postgresql.Server]:
    with postgresql.server() as running:
        yield running


@pytest.fixture(
    params=['sqlite', pytest.param('postgresql', marks=pytest.mark.postgresql)]
)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == 'sqlite':
        return f'sqlite:///{tmp_path}/mailman.db'
    return request.getfixturevalue('server').create_database('migrations')


@pytest.mark.long
def test_a_dozen_processes_at_once(url: str, tmp_path: Path) -> None:
    starters = [
        subprocess.Popen(
            [sys.executable, '-c', STARTER, url, str(tmp_path)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    for starter in starters:
        assert starter.stdin is not None
        starter.stdin.write('go\n')
        starter.stdin.flush()
    errors = [starter.communicate(timeout=600)[1] for starter in starters]
    assert [starter.returncode for starter in starters] == [0] * PROCESSES, errors
    engine = create_engine(url)
    with engine.connect() as connection:
        assert current(connection) == head()


@pytest.mark.postgresql
def test_several_hosts_at_once(server: postgresql.Server, tmp_path: Path) -> None:
    # Each host has a lock folder of its own; the database must keep them apart.
    url = server.create_database('hosts')
    starters = []
    for number in range(4):
        folder = tmp_path / str(number)
        folder.mkdir()
        starters.append(
            subprocess.Popen(
                [sys.executable, '-c', STARTER, url, str(folder)],
                stdin=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    errors = [starter.communicate('go\n', timeout=600)[1] for starter in starters]
    assert [starter.returncode for starter in starters] == [0] * 4, errors


def test_the_revisions_make_what_the_model_says(url: str, tmp_path: Path) -> None:
    for found in pkgutil.iter_modules(model.__path__):
        importlib.import_module(f'{model.__name__}.{found.name}')
    engine = create_engine(url)
    upgrade(engine, str(tmp_path))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                'version_table': VERSION_TABLE,
                'compare_type': True,
                'include_name': lambda name, kind, _: (
                    kind != 'table' or name.startswith('qnet_')
                ),
            },
        )
        assert compare_metadata(context, Base.metadata) == []


def test_an_older_revision_is_upgraded_with_its_rows(url: str, tmp_path: Path) -> None:
    engine = create_engine(url)
    upgrade(engine, str(tmp_path), target='0001')
    with engine.begin() as connection:
        assert 'qnet_post' not in inspect(connection).get_table_names()
        connection.execute(
            text(
                'INSERT INTO qnet_list (list_id, list_type, visibility, mask) '
                "VALUES ('a.example.gov', 'discussion', 'public', 'off')"
            )
        )
    upgrade(engine, str(tmp_path))
    with engine.connect() as connection:
        assert current(connection) == head()
        assert 'qnet_post' in inspect(connection).get_table_names()
        rows = connection.execute(text('SELECT list_id, mask FROM qnet_list')).all()
    assert [tuple(row) for row in rows] == [('a.example.gov', 'off')]


def test_a_database_that_is_newer_than_the_code(url: str, tmp_path: Path) -> None:
    engine = create_engine(url)
    upgrade(engine, str(tmp_path))
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(DatabaseIsNewer, match='are those of 9999'):
        upgrade(engine, str(tmp_path))
    engine.dispose()


def test_a_revision_that_fails_leaves_nothing(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kws: Any) -> None:
        raise RuntimeError('the power went')

    engine = create_engine(url)
    with monkeypatch.context() as patch:
        patch.setattr(alembic.op, 'execute', fail)
        with pytest.raises(RuntimeError):
            upgrade(engine, str(tmp_path))
    with engine.connect() as connection:
        names = inspect(connection).get_table_names()
        assert [name for name in names if name.startswith('qnet_')] == []
    upgrade(engine, str(tmp_path))


ROW = "(7, '2026-01-01 00:00:00', 'somebody', 'list created', '', '{}')"
SEAL = "(1, 7, '', '')"
ROWS = f'qnet_audit (id, at, actor, action, subject, detail) VALUES {ROW}'
SEALS = f'qnet_audit_seal (number, audit_id, personal, digest) VALUES {SEAL}'
REWRITING = (
    "UPDATE qnet_audit SET actor = 'nobody'",
    'DELETE FROM qnet_audit',
    "UPDATE qnet_audit_seal SET digest = 'x'",
    'DELETE FROM qnet_audit_seal',
    f"INSERT INTO {ROWS} ON CONFLICT (id) DO UPDATE SET actor = 'nobody'",
)
ONLY_THERE = {
    'postgresql': ('TRUNCATE qnet_audit', 'TRUNCATE qnet_audit_seal'),
    'sqlite': (
        f'INSERT OR REPLACE INTO {ROWS}',
        f'REPLACE INTO {SEALS}',
        f'REPLACE INTO {SEALS.replace("(1, ", "(2, ")}',
        "UPDATE OR REPLACE qnet_audit SET actor = 'nobody'",
    ),
}


def test_the_audit_log_only_grows(url: str, tmp_path: Path) -> None:
    engine = create_engine(url)
    upgrade(engine, str(tmp_path))
    with engine.begin() as connection:
        connection.execute(text(f'INSERT INTO {ROWS}'))
        connection.execute(text(f'INSERT INTO {SEALS}'))
    for statement in REWRITING + ONLY_THERE[engine.dialect.name]:
        with pytest.raises(DBAPIError, match='append-only'), engine.begin() as change:
            change.execute(text(statement))
    with engine.begin() as connection:
        # One after another is what it is for.
        connection.execute(text(f'INSERT INTO {ROWS.replace("(7,", "(8,")}'))
        count = connection.scalar(text('SELECT count(*) FROM qnet_audit'))
        assert count == 2


def test_who_was_sent_something_before_envelope_senders_had_tokens(
    url: str, tmp_path: Path
) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        kind = 'UUID' if url.startswith('postgresql') else 'CHAR(32)'
        for statement in (
            f'CREATE TABLE member (_member_id {kind}, role INTEGER, list_id VARCHAR)',
            'CREATE TABLE mailinglist (list_id VARCHAR, last_post_at TIMESTAMP)',
        ):
            connection.execute(text(statement))
    upgrade(engine, str(tmp_path), target='0010')
    there = {'a': '2026-11-01 12:00:00', 'new': None, 'stock': '2026-11-01 12:00:00'}
    with engine.begin() as connection:
        for number, (name, posted) in enumerate(there.items()):
            row = {'list_id': name, 'at': posted}
            connection.execute(
                text('INSERT INTO mailinglist VALUES (:list_id, :at)'), row
            )
            if name != 'stock':
                connection.execute(
                    text(
                        'INSERT INTO qnet_list (list_id, list_type, visibility, mask) '
                        "VALUES (:list_id, 'discussion', 'public', 'off')"
                    ),
                    row,
                )
            for role in (1, 2):
                uuid = f'{number}{role}' * 16
                connection.execute(
                    text('INSERT INTO member VALUES (:uuid, :role, :list_id)'),
                    {'uuid': uuid, 'role': role, **row},
                )
    upgrade(engine, str(tmp_path))
    with Session(engine) as session:
        (row,) = session.scalars(select(bounces.QNetEarlierCopy))
        assert (row.member_id.hex, row.list_id) == ('01' * 16, 'a')
