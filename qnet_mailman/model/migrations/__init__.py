# SPDX-License-Identifier: GPL-3.0-or-later
"""Making and upgrading our tables.

A dozen runner processes start at once, perhaps on several hosts: whoever comes
first upgrades, the others wait.  On one host a flufl.lock in Mailman's lock
folder keeps them apart, across hosts an advisory lock of PostgreSQL.  A
revision is applied in one transaction, on SQLite too, so that a process killed
half-way leaves the database as it was.  There is no downgrade.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flufl.lock import Lock
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import ProgrammingError

from qnet_mailman.model import log_owner

VERSION_TABLE = 'qnet_alembic_version'
ADVISORY_LOCK = 0x716E6574
"""Key of the PostgreSQL advisory lock: 'qnet' in ASCII."""
LOCK_LIFETIME = timedelta(minutes=10)
_NOT_OWNER = '42501'


class DatabaseIsNewer(Exception):
    """A later version of the package has changed the tables; the text says so."""


class AuditLogOfAnother(Exception):
    """The audit log's tables are to be changed by another role; the text says how."""


def _config() -> Config:
    config = Config()
    config.set_main_option(
        'script_location', str(Path(__file__).parent).replace('%', '%%')
    )
    return config


def head() -> str:
    """The revision that this version of the package needs.

    Their files' names begin with it: alembic would read each file, at every start.
    """
    names = (path.name for path in Path(__file__).parent.glob('versions/[0-9]*.py'))
    return max(names).partition('_')[0]


def current(connection: Connection) -> str | None:
    """The revision of a database; None before the first upgrade."""
    context = MigrationContext.configure(
        connection, opts={'version_table': VERSION_TABLE}
    )
    return context.get_current_revision()


def upgrade(engine: Engine, lock_dir: str, *, target: str = 'head') -> None:
    """Bring a database to a revision, the newest unless told otherwise.

    :param engine: Mailman's engine; only its address is used.
    :param lock_dir: Folder of the lock for the processes of this host.
    :raises DatabaseIsNewer: if this version of the package does not know its tables.
    :raises AuditLogOfAnother: if it changes those of a log that is not the service's.
    :raises sqlalchemy.exc.SQLAlchemyError: if the database refuses.
    """
    with engine.connect() as connection:
        found = current(connection)
    if target == 'head' and found == head():
        return
    require_known(found)
    own_engine = _transactional_engine(engine)
    lock = Lock(os.path.join(lock_dir, 'qnet-migrations.lck'), lifetime=LOCK_LIFETIME)
    try:
        with lock, own_engine.begin() as connection:
            if connection.dialect.name == 'postgresql':
                connection.execute(
                    text('SELECT pg_advisory_xact_lock(:key)'), {'key': ADVISORY_LOCK}
                )
            config = _config()
            config.attributes['connection'] = connection
            command.upgrade(config, target)
    except ProgrammingError as error:
        with own_engine.connect() as connection:
            lend = log_owner.how_to_lend(connection)
        if lend is None or getattr(error.orig, 'pgcode', None) != _NOT_OWNER:
            raise
        raise AuditLogOfAnother(
            'this version changes the audit log, which belongs to a role of its own: '
            f'{lend}; {log_owner.GIVE_BACK} afterwards'
        ) from error
    finally:
        own_engine.dispose()


def require_known(revision: str | None) -> None:
    """Look whether this version of the package knows a database's revision.

    :raises DatabaseIsNewer: if not.
    """
    known = {
        each.revision
        for each in ScriptDirectory.from_config(_config()).walk_revisions()
    }
    if revision is not None and revision not in known:
        raise DatabaseIsNewer(
            f'the database is newer than this version of QualityNet Mailer (its tables '
            f'are those of {revision}, and {head()} is the newest known here): install '
            'the version that made them, or restore a backup of before'
        )


def _transactional_engine(engine: Engine) -> Engine:
    own_engine = create_engine(engine.url)
    if own_engine.dialect.name == 'sqlite':
        # The driver commits before each CREATE TABLE unless transactions are
        # begun by hand; SQLAlchemy's documentation of pysqlite tells this way.
        @event.listens_for(own_engine, 'connect')
        def _no_driver_transactions(dbapi_connection, record):  # type: ignore[no-untyped-def]
            dbapi_connection.isolation_level = None
            dbapi_connection.execute('PRAGMA busy_timeout = 60000')

        @event.listens_for(own_engine, 'begin')
        def _begin_immediate(connection):  # type: ignore[no-untyped-def]
            connection.exec_driver_sql('BEGIN IMMEDIATE')

    return own_engine
