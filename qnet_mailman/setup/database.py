# SPDX-License-Identifier: GPL-3.0-or-later
"""TODO."""

from __future__ import annotations

from typing import Any

from mailman.config import config
from sqlalchemy import event
from sqlalchemy.orm import configure_mappers

SQLITE_BUSY_TIMEOUT = 30
"""Seconds a process waits for another's write on SQLite."""


def _prepare_database() -> None:
    from qnet_mailman.model import migrations

    engine = config.db.engine
    if engine.dialect.name == 'sqlite' and not event.contains(
        engine, 'connect', _wait_for_writers
    ):
        # A dozen processes write to one file: without this, mail was shunted
        # because the "database is locked".
        event.listen(engine, 'connect', _wait_for_writers)
        config.db.store.close()
        engine.dispose()
    # The migrations have a connection of their own, which must not wait for
    # a transaction of this process.
    config.db.store.commit()
    migrations.upgrade(engine, config.LOCK_DIR)
    configure_mappers()


def _wait_for_writers(connection: Any, record: Any) -> None:
    connection.execute(f'PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT * 1000}')
    connection.execute('PRAGMA journal_mode = WAL')
    connection.execute('PRAGMA synchronous = FULL')
