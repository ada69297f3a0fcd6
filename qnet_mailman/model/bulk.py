# SPDX-License-Identifier: GPL-3.0-or-later
"""Many rows of a table at once, in values that the database driver takes.

What SQLAlchemy does for each row takes longer than the database.  SQLite has
``executemany``, PostgreSQL ``COPY``.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Sequence
from typing import Any

from mailman.config import config
from mailman.model.preferences import Preferences
from sqlalchemy import Table, func, select, text, update
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from qnet_mailman.model.base import store

_NEXT = text(
    # The sequence is looked up once, and not for each row.
    "WITH found AS MATERIALIZED (SELECT pg_get_serial_sequence(:name, 'id')::regclass "
    'AS ids) SELECT nextval(ids) FROM found, generate_series(1, :count)'
)
_ESCAPES = str.maketrans({'\\': r'\\', '\t': r'\t', '\n': r'\n', '\r': r'\r'})


def take_ids(table: Table, count: int) -> Sequence[int]:
    """Numbers for rows that this transaction adds.

    On SQLite nobody else writes from here on until it ends.
    """
    if config.db.engine.dialect.name == 'postgresql':
        values = {'name': f'"{table.name}"', 'count': count}
        return store().connection().execute(_NEXT, values).scalars().all()
    # A statement that writes makes us the one writer.
    nobody = (
        update(Preferences).where(Preferences.id < 0).values(acknowledge_posts=None)
    )
    store().execute(nobody.execution_options(synchronize_session=False))
    last = store().scalar(select(func.max(table.c.id))) or 0
    return range(last + 1, last + 1 + count)


def write(
    table: Table, names: Sequence[str], rows: Iterable[tuple[Any, ...]], **same: Any
) -> None:
    """Add rows.

    :param names: The columns that each row gives.
    :param rows: Numbers, text and None: a UUID as 32 hexadecimal digits.
    :param same: What is the same in all rows, in Python's types; columns that are
        nowhere named have the table's defaults.
    """
    for column in table.columns:
        default = column.default
        if isinstance(default, ScalarElementColumnDefault) and column.name not in names:
            same.setdefault(column.name, default.arg)
    dialect = config.db.engine.dialect
    tail = []
    for name, value in same.items():
        process = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
        tail.append(value if process is None else process(value))
    whole = ((*row, *tail) for row in rows)
    columns = ', '.join(f'"{name}"' for name in (*names, *same))
    if dialect.name == 'postgresql':
        # Which only the driver has.
        cursor: Any = store().connection().connection.cursor()
        copy = f'COPY "{table.name}" ({columns}) FROM STDIN'
        cursor.copy_expert(copy, _copied(whole))
    else:
        places = ', '.join('?' for _ in (*names, *same))
        store().connection().exec_driver_sql(
            f'INSERT INTO "{table.name}" ({columns}) VALUES ({places})', list(whole)
        )


def _copied(rows: Iterable[tuple[Any, ...]]) -> io.StringIO:
    # The text format of COPY.
    return io.StringIO(
        ''.join(
            '\t'.join(
                r'\N' if cell is None else str(cell).translate(_ESCAPES) for cell in row
            )
            + '\n'
            for row in rows
        )
    )


def random_uuids(count: int) -> list[str]:
    """UUIDs of version 4 (RFC 9562 section 5.4), as 32 hexadecimal digits each."""
    digits = os.urandom(16 * count).hex()
    return [
        f'{each[:12]}4{each[13:16]}{"89ab"[int(each[16], 16) % 4]}{each[17:]}'
        for each in (digits[at : at + 32] for at in range(0, 32 * count, 32))
    ]
