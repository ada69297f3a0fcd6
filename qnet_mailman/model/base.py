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
