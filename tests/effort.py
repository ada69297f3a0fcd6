# SPDX-License-Identifier: GPL-3.0-or-later
"""What the database is asked, which is the same on every machine and at every load.

And a database that answers no more, at any statement that a test chooses.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from mailman.config import config
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

KILO = 1000


@dataclass
class Effort:
    """What the database was asked, and how much work that was.

    :ivar kilosteps: Thousands of instructions of SQLite's virtual machine, which is
        what a bad query plan shows in; 0 on PostgreSQL.
    """

    statements: list[str] = field(default_factory=list)
    kilosteps: int = 0


@contextmanager
def effort() -> Iterator[Effort]:
    """What the work in the block costs."""
    found = Effort()
    used: list[Any] = []

    def count() -> int:
        found.kilosteps += 1
        return 0

    def note(_connection: Any, cursor: Any, statement: str, *_rest: Any) -> None:
        found.statements.append(statement)
        # There may be a new connection after each commit.
        if hasattr(cursor.connection, 'set_progress_handler'):
            used[:] = [cursor.connection]
            cursor.connection.set_progress_handler(count, KILO)

    event.listen(config.db.engine, 'before_cursor_execute', note)
    try:
        yield found
    finally:
        event.remove(config.db.engine, 'before_cursor_execute', note)
        for connection in used:
            with suppress(sqlite3.ProgrammingError):
                # It is not closed yet.
                connection.set_progress_handler(None, 0)


AWAY = 'connection refused'
"""What the driver says of a database that is away."""


@contextmanager
def database_away(
    word: str = '', *, after: int = 0, times: int | None = None
) -> Iterator[None]:
    """Mailman's database refuses what it is asked in the block.

    :param word: Only statements in which this stands.
    :param after: How many of these it answers first.
    :param times: How many of these it refuses then; None for all.
    """
    asked = 0

    def refuse(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        nonlocal asked
        if word not in statement:
            return
        asked += 1
        if asked > after and (times is None or asked <= after + times):
            raise OperationalError(statement, None, Exception(AWAY))

    event.listen(config.db.engine, 'before_cursor_execute', refuse)
    try:
        yield
    finally:
        event.remove(config.db.engine, 'before_cursor_execute', refuse)
