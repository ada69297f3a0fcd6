# SPDX-License-Identifier: GPL-3.0-or-later
"""Who waits for the database, and who says at once that it does not answer (R32)."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import click
import pytest
from mailman.bin import mailman, master, runner
from mailman.config import config
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import OperationalError

from qnet_mailman.setup import database
from tests.conftest import ON_POSTGRESQL

AWAY = 'postgresql://mailman@127.0.0.1:1/mailman'


@pytest.fixture
def away(core: Any) -> Iterator[None]:
    """Mailman's configuration names a server that does not answer."""
    config.push('away', f'[database]\nurl: {AWAY}\n')
    yield
    config.pop('away')


@pytest.mark.parametrize(
    ('command', 'name'),
    [
        (mailman.main, 'mailman'),
        (master.main, 'master'),
        (runner.main, 'runner'),
        (click.Group('other'), ''),
    ],
)
def test_which_program_this_is(command: click.Command, name: str) -> None:
    with click.Context(command):
        assert database.program() == name


def test_a_process_of_nobody(core: Any, away: None) -> None:
    assert database.program() == ''
    database.require_database()


def test_a_command_ends_and_says_why(
    away: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with click.Context(mailman.main), pytest.raises(SystemExit) as ended:
        database.require_database()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert re.match('the database cannot be used: .*Connection refused', said), said


def test_a_runner_waits(
    away: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answers = iter(['refused', 'refused', None])
    waited: list[float] = []
    monkeypatch.setattr(database, '_try', lambda url: next(answers))
    monkeypatch.setattr(database.time, 'sleep', waited.append)
    with click.Context(runner.main):
        database.require_database()
    assert waited == [database.WAIT] * 2
    assert [record.getMessage() for record in caplog.records] == [
        'Waiting for the database: refused',
        'The database answers again',
    ]


@pytest.mark.skipif(ON_POSTGRESQL, reason='its connections are kept by a pool')
def test_a_command_keeps_its_connection_for_a_while(core: Any) -> None:
    """What it was at is taken back where it fails, and the engine's is as before."""
    opened: list[Any] = []
    event.listen(config.db.engine, 'connect', lambda *one: opened.append(one))
    with pytest.raises(ZeroDivisionError), database.kept_connection():
        for number in range(3):
            config.db.store.execute(text(f'CREATE TABLE kept_{number} (x INTEGER)'))
            config.db.commit()
        config.db.store.execute(text('INSERT INTO kept_2 VALUES (1)'))
        assert len(opened) == 1
        raise ZeroDivisionError
    assert config.db.sessionmaker.session_factory.kw['bind'] is config.db.engine
    assert config.db.store.execute(text('SELECT * FROM kept_2')).all() == []
    config.db.abort()


@pytest.mark.skipif(ON_POSTGRESQL, reason='its connections are kept by a pool')
def test_a_queue_runner_keeps_its_connection_to_sqlite(
    core: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is opened for a transaction, and nobody else's closing is the last."""
    monkeypatch.setattr(database, 'program', lambda: 'runner')
    database.keep_connection()
    kept = config.db.sessionmaker.session_factory.kw['bind']
    opened: list[Any] = []
    event.listen(config.db.engine, 'connect', lambda *one: opened.append(one))
    try:
        for number in range(3):
            config.db.store.execute(text(f'CREATE TABLE kept_{number} (x INTEGER)'))
            config.db.commit()
        assert not opened
        # What failed is taken back, and the connection goes on.
        with pytest.raises(OperationalError):
            config.db.store.execute(text('CREATE TABLE kept_0 (x INTEGER)'))
        config.db.abort()
        log = core.var / 'data/mailman.db-wal'
        with closing(sqlite3.connect(core.var / 'data/mailman.db')) as other:
            assert other.execute('SELECT * FROM kept_2').fetchall() == []
        assert log.stat().st_size, 'closing did not write the log back'
    finally:
        config.db.sessionmaker.remove()
        config.db.sessionmaker.configure(bind=config.db.engine)
        kept.close()


def test_a_connection_is_asked_once_a_second_at_most() -> None:
    class Connection:
        pass

    clock = iter([0.0, 0.9, 0.9, 0.9, 1.0, 1.1, 1.2])
    first, second = Connection(), Connection()
    answers = True
    asked: list[Connection] = []

    def ping(connection: Connection) -> bool:
        asked.append(connection)
        return answers

    seldom = database.SeldomPing(ping, clock.__next__)
    assert seldom(first) and seldom(first)
    assert asked == [first]
    # What one says tells nothing of another.
    assert seldom(second) and seldom(first)
    assert asked == [first, second]
    answers = False
    assert not seldom(first) and not seldom(first)
    answers = True
    assert seldom(first)
    assert asked[2:] == [first] * 3


@pytest.mark.skipif(not ON_POSTGRESQL, reason='a file does not go away')
def test_a_queue_runner_whose_connection_breaks_has_another(
    core: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its transaction fails, and the next does not."""
    dialect = config.db.engine.dialect
    # To be put back afterwards.
    monkeypatch.setattr(dialect, 'do_ping', dialect.do_ping)
    monkeypatch.setattr(database, 'program', lambda: 'runner')
    for _runner in range(2):
        database.keep_connection()
    config.db.sessionmaker.remove()
    config.db.engine.dispose()
    store = config.db.store
    process = store.scalar(text('SELECT pg_backend_pid()'))
    config.db.commit()
    # From here on it is known to be there, for a second.
    assert store.scalar(text('SELECT pg_backend_pid()')) == process
    config.db.commit()
    other = create_engine(config.db.engine.url)
    with other.connect() as connection:
        end = text('SELECT pg_terminate_backend(:process, 60000)')
        assert connection.scalar(end, {'process': process})
    other.dispose()
    with suppress(OperationalError):
        store.scalar(text('SELECT 1'))
    config.db.abort()
    assert store.scalar(text('SELECT pg_backend_pid()')) != process


def test_a_command_keeps_none(core: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, 'program', lambda: 'mailman')
    database.keep_connection()
    assert config.db.sessionmaker.session_factory.kw['bind'] is config.db.engine
