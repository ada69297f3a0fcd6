# SPDX-License-Identifier: GPL-3.0-or-later
"""SQL that several rooms need: portions, inserts that happen once, touched rows.

Every function works in Mailman's session and leaves the commit to its caller.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import TextClause, bindparam, text

from qnet_mailman.model.base import store

BATCH = 500
"""Rows or members that one statement is given at most."""
T = TypeVar('T')


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


def insert_over(table: Any, key: Sequence[str], where: str, unless: str) -> TextClause:
    """An INSERT that takes the place of a row with the same key, if that allows it.

    Its `rowcount` is 1 or 0; see `insert_once`.

    :param key: The columns of a unique constraint.
    :param where: What a row must be like to be replaced, in SQL.
    :param unless: With what in the table nothing is inserted, in SQL.
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


def touched(statement: Any, values: dict[str, Any] | None = None) -> int:
    """How many rows a statement inserted, changed or deleted."""
    result: Any = store().execute(statement, values)
    return result.rowcount
