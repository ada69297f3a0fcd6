# SPDX-License-Identifier: GPL-3.0-or-later
"""The declarative base of our tables.

It is not Mailman's `Model`: on a new database Mailman creates every table of
its own metadata at once, which would make ours behind the back of our
migrations whenever a module of ours is imported early.  Sessions and
transactions are shared with Mailman's tables all the same.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailman.config import config
from mailman.interfaces.runner import RunnerInterrupt
from sqlalchemy import MetaData
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase

if TYPE_CHECKING:
    from logging import Logger

    from sqlalchemy.orm import Mapped, Session

NAMING = {
    'ix': 'ix_%(table_name)s_%(column_0_N_name)s',
    'uq': 'uq_%(table_name)s_%(column_0_N_name)s',
    'pk': 'pk_%(table_name)s',
}


class Base(DeclarativeBase):
    """Base of our tables; constraints have names that migrations can use."""

    metadata = MetaData(naming_convention=NAMING)


class OfAList:
    """A table whose rows go with the list that their `list_id` names.

    What keeps rows about lists that are gone does not say so (the audit log, R31).
    """

    if TYPE_CHECKING:
        list_id: Mapped[str]


def tables_of_a_list() -> list[Any]:
    """All tables that are :class:`OfAList`, whichever of them this process has used."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)], __package__ + '.'):
        importlib.import_module(module.name)
    mapped = (mapper.class_ for mapper in Base.registry.mappers)
    return sorted(
        (each for each in mapped if issubclass(each, OfAList)),
        key=lambda each: each.__tablename__,
    )


def store() -> Session:
    """Mailman's session: its transaction is ours."""
    return config.db.store


def is_there(row: object) -> bool:
    """Whether a row that was read is still there, as far as this transaction knows."""
    session = store()
    return row in session and row not in session.deleted


_READ = 'qnet_read'


def read_in_transaction(kind: str) -> dict[Any, Any]:
    """What of a kind this transaction has read, to read it once; empty in the next.

    A post asks for the row of its list at a dozen places.
    """
    session = store()
    # What a savepoint has read may go with it.
    transaction = session.get_nested_transaction() or session.get_transaction()
    if transaction is None:
        # Whatever is asked first begins one.
        return {}
    kept: Any = session.info.get(_READ)
    if kept is None or kept[0] is not transaction:
        kept = session.info[_READ] = (transaction, defaultdict(dict))
    found: dict[Any, Any] = kept[1][kind]
    return found


@contextmanager
def by_itself(log: Logger, failure: str, *arguments: object) -> Iterator[None]:
    """One piece of work among several, which does not stop the others; commits.

    What goes wrong in it is taken back and logged.

    :param failure: What the log says then, with `arguments` filled in.
    :raises sqlalchemy.exc.DBAPIError: the runner's guard is to wait for the database.
    :raises mailman.interfaces.runner.RunnerInterrupt: the runner is to stop.
    """
    try:
        yield
        config.db.commit()
    except (DBAPIError, RunnerInterrupt):
        config.db.abort()
        raise
    except Exception:
        config.db.abort()
        log.exception(failure, *arguments)
