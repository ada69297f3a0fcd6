# SPDX-License-Identifier: GPL-3.0-or-later
"""SQL that several rooms need: portions, inserts that happen once, touched rows.

Every function works in Mailman's session and leaves the commit to its caller.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from mailman.config import config
from sqlalchemy import ColumnElement, TextClause, bindparam, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from qnet_mailman.model.base import store

BATCH = 500
"""Rows or members that one statement is given at most."""
T = TypeVar('T')


class _Unindexed(FunctionElement[Any]):
    inherit_cache = True


@compiles(_Unindexed)
def _with_its_index(element: _Unindexed, compiler: Any, **kws: Any) -> str:
    return str(compiler.process(element.clauses, **kws))


@compiles(_Unindexed, 'sqlite')
def _without_its_index(element: _Unindexed, compiler: Any, **kws: Any) -> str:
    return f'+{compiler.process(element.clauses, **kws)}'


def unindexed(column: Any) -> ColumnElement[Any]:
    """A column that SQLite finds no row by, as another condition finds far fewer.

    It knows nothing of how many rows share a list or a role, and would begin with all
    members of the site (its documentation of the query planner: disqualifying terms
    with a unary plus).  PostgreSQL knows, and is told nothing.
    """
    element = _Unindexed(column)
    element.type = column.type
    return element


def chunks(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """The items, so many at a time."""
    rest = list(items)
    for start in range(0, len(rest), size):
        yield rest[start : start + size]


@functools.cache
def insert_once(table: Any) -> TextClause:
    """An INSERT that does nothing where a unique constraint says no.

    Its `rowcount` is 1 or 0.  As text, which SQLite and PostgreSQL both understand:
    SQLAlchemy would put an INSERT with ON CONFLICT together anew each time.
    """
    columns = [one for one in table.columns if one.name != 'id']
    names = ', '.join(one.name for one in columns)
    places = ', '.join(f':{one.name}' for one in columns)
    return text(
        f'INSERT INTO {table.name} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING'
    ).bindparams(*(bindparam(one.name, type_=one.type) for one in columns))


def insert_over(
    table: Any, key: Sequence[str], where: str = '1 = 1', unless: str = '1 = 0'
) -> TextClause:
    """An INSERT that takes the place of a row with the same key, if that allows it.

    Its `rowcount` is 1 or 0; see `insert_once`.

    :param key: The columns of a unique constraint.
    :param where: What a row must be like to be replaced, in SQL; any is, by default.
    :param unless: With what in the table nothing is inserted, in SQL; by default there
        is nothing like that.
    """
    columns = [one for one in table.columns if one.name != 'id']
    names = ', '.join(one.name for one in columns)
    places = ', '.join(f':{one.name}' for one in columns)
    others = [one.name for one in columns if one.name not in key]
    values = ', '.join(f'{one} = excluded.{one}' for one in others)
    return text(
        f'INSERT INTO {table.name} ({names}) SELECT {places} WHERE NOT EXISTS '
        f'(SELECT 1 FROM {table.name} WHERE {unless}) '
        f'ON CONFLICT ({", ".join(key)}) DO UPDATE SET {values} WHERE {where}'
    ).bindparams(*(bindparam(one.name, type_=one.type) for one in columns))


def insert_rows(table: Any, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows in one statement, but for those where a unique constraint says no.

    SQLAlchemy writes a statement for many rows anew each time, which costs more than
    the rows do; so this one is put together here.

    :param rows: All with the same columns; at most `BATCH`.
    :return: How many were inserted.
    """
    if not rows:
        return 0
    names = list(rows[0])
    values, parameters = _values(table, names, rows)
    inserted = (
        store()
        .connection()
        .exec_driver_sql(
            f'INSERT INTO {table.name} ({", ".join(names)}) {values} '
            'ON CONFLICT DO NOTHING',
            parameters,
        )
    )
    return int(inserted.rowcount)


def update_rows(table: Any, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Change rows in one statement, each to values of its own.

    :param key: The column that says which row is meant.
    :param rows: All with the same columns; at most `BATCH`.
    """
    if not rows:
        return
    names = list(rows[0])
    values, parameters = _values(table, names, rows)
    changes = ', '.join(f'{one} = changed.{one}' for one in names if one != key)
    store().connection().exec_driver_sql(
        f'UPDATE {table.name} SET {changes} FROM ('
        f'WITH given ({", ".join(names)}) AS ({values}) SELECT * FROM given'
        f') AS changed WHERE {table.name}.{key} = changed.{key}',
        parameters,
    )


def _values(
    table: Any, names: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> tuple[str, tuple[Any, ...]]:
    """``VALUES`` for some columns of a table, and its parameters for the driver."""
    dialect = config.db.engine.dialect
    written = []
    for name in names:
        column = table.columns[name].type.dialect_impl(dialect)
        written.append((name, column.bind_processor(dialect) or _as_it_is))
    place = '?' if dialect.paramstyle == 'qmark' else '%s'
    row = f'({", ".join([place] * len(names))})'
    return f'VALUES {", ".join([row] * len(rows))}', tuple(
        process(one[name]) for one in rows for name, process in written
    )


def _as_it_is(value: Any) -> Any:
    return value


def begin_writing() -> None:
    """Begin the transaction as one that writes, where rows cannot be locked.

    On SQLite, `with_for_update` does nothing: what was read before the first write may
    have been changed by another process meanwhile.  So it is to wait for it first.

    :raises sqlalchemy.exc.OperationalError: if it does not end.
    """
    connection = store().connection()
    if connection.dialect.name != 'sqlite':
        return
    driver: Any = connection.connection.dbapi_connection
    if driver.in_transaction:
        return
    begin = 'BEGIN IMMEDIATE'
    try:
        driver.execute(begin)
    except sqlite3.OperationalError as error:
        raise OperationalError(begin, None, error) from error


def touched(statement: Any, values: dict[str, Any] | None = None) -> int:
    """How many rows a statement inserted, changed or deleted."""
    result: Any = store().execute(statement, values)
    return result.rowcount
