# SPDX-License-Identifier: GPL-3.0-or-later
"""The database before Mailman connects to it, and our tables in it (R32).

Mailman ends a process whose database does not answer, and its master gives up on a
runner after ten restarts: a database that is away for a minute would stop the mail
until somebody comes.  So runners and the master wait, and log ``Waiting for the
database: ...`` once for each reason.  A command that a person typed ends at once with
that reason on standard error and the status 2, where Mailman would print a traceback
and end with 1, which means an invalid form (R30).
"""

from __future__ import annotations

import inspect
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import click
from mailman.config import config
from mailman.utilities.string import expand
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError

from qnet_mailman.forms.batch import COULD_NOT_RUN
from qnet_mailman.model import changes, migrations
from qnet_mailman.site import describe

SQLITE_BUSY_TIMEOUT = 30
"""Seconds a process waits for another's write on SQLite."""
WAIT = 5.0
"""Seconds between attempts of a service's process to connect."""
PING_EVERY = 1.0
"""Seconds for which a connection that answered is taken to be there."""
SERVICE = frozenset({'master', 'runner'})

log = logging.getLogger('mailman.plugins')


def program() -> str:
    """Which of Mailman's programs this process is: `mailman`, `master` or `runner`.

    All three are click commands, and set Mailman up from within.

    :return: Its name; empty for a process that is none of them, as a test's is.
    """
    context = click.get_current_context(silent=True)
    if context is None:
        return ''
    main = context.find_root().command.callback
    return Path(inspect.unwrap(main).__code__.co_filename).stem if main else ''


def require_database() -> None:
    """Return once the database answers; end a command of a person if it does not."""
    name = program()
    url = expand(config.database.url, None, config.paths)
    if name in SERVICE:
        _wait(url)
    # A file of SQLite is made by Mailman itself, which wants to be the first.
    elif name == 'mailman' and not url.startswith('sqlite'):
        problem = _try(url)
        if problem is not None:
            click.echo(f'the database cannot be used: {problem}', err=True)
            sys.exit(COULD_NOT_RUN)


def _wait(url: str) -> None:
    said = None
    while (problem := _try(url)) is not None:
        if problem != said:
            log.critical('Waiting for the database: %s', problem)
            said = problem
        time.sleep(WAIT)
    if said is not None:
        log.warning('The database answers again')


def _try(url: str) -> str | None:
    """Why a database does not answer; None if it does."""
    engine = create_engine(url)
    try:
        engine.connect().close()
    except OperationalError as error:
        return describe(error)
    finally:
        engine.dispose()
    return None


def prepare() -> None:
    """Bring our tables up to date, and let SQLite wait for other writers."""
    engine = config.db.engine
    _let_sqlite_wait()
    # The migrations have a connection of their own, which must not wait for
    # a transaction of this process.
    config.db.store.commit()
    migrations.upgrade(engine, config.LOCK_DIR)
    changes.install()


def keep_connection() -> None:
    """Let this process, a queue runner, keep its connection.

    Mailman opens the file of SQLite for each transaction and closes it afterwards, and
    whoever closes it last writes the whole log of writes back and syncs twice.  Not for
    a process that works in threads, or forks others that go on
    (sqlite.org/howtocorrupt, section 2.6).

    PostgreSQL is asked before each transaction whether it is there.  A runner puts back
    what it was at where it is not, and so need not know each time.
    """
    engine = config.db.engine
    if program() not in SERVICE:
        return
    if engine.dialect.name == 'sqlite':
        _let_sqlite_wait()
        _work_with(engine.connect())
    elif not isinstance(ping := engine.dialect.do_ping, SeldomPing):
        engine.dialect.do_ping = SeldomPing(ping)


@contextmanager
def kept_connection() -> Iterator[None]:
    """While this lasts, a command keeps its connection to SQLite, as a runner does.

    For many transactions in a row, in one thread, without a fork.
    """
    engine = config.db.engine
    if engine.dialect.name != 'sqlite':
        yield
        return
    with engine.connect() as connection:
        _work_with(connection)
        try:
            yield
        finally:
            _work_with(engine)


def _work_with(bind: Connection | Engine) -> None:
    config.db.sessionmaker.remove()
    config.db.sessionmaker.configure(bind=bind)


class SeldomPing:
    """SQLAlchemy's question whether a connection is there, once a second at most.

    With psycopg2 that takes three round trips: one, and two for the isolation level.
    """

    def __init__(
        self,
        ping: Callable[[Any], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ping = ping
        self._clock = clock
        self._answered: WeakKeyDictionary[Any, float] = WeakKeyDictionary()

    def __call__(self, connection: Any) -> bool:
        moment, when = self._clock(), self._answered.get(connection)
        if when is not None and moment - when < PING_EVERY:
            return True
        answers = self._ping(connection)
        if answers:
            self._answered[connection] = moment
        return answers


def _let_sqlite_wait() -> None:
    engine = config.db.engine
    if engine.dialect.name == 'sqlite' and not event.contains(
        engine, 'connect', _wait_for_writers
    ):
        # A dozen processes write to one file: without this, mail was shunted
        # because the "database is locked".
        event.listen(engine, 'connect', _wait_for_writers)
        config.db.store.close()
        engine.dispose()


def _wait_for_writers(connection: Any, record: Any) -> None:
    connection.execute(f'PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT * 1000}')
    connection.execute('PRAGMA journal_mode = WAL')
    connection.execute('PRAGMA synchronous = FULL')
