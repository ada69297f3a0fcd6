# SPDX-License-Identifier: GPL-3.0-or-later
"""One thing that was looked at, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import wraps
from typing import Literal, ParamSpec

from mailman.config import config
from sqlalchemy.exc import SQLAlchemyError

Level = Literal['ok', 'warning', 'error', 'not seen']

_Asked = ParamSpec('_Asked')


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    :ivar level: `error` where mail is not processed or promises are not kept; `not
        seen` for what nobody looked at.
    :ivar text: What is so.
    :ivar remedy: What to do, in a sentence; empty where nothing is to be done.
    """

    level: Level
    subject: str
    text: str
    remedy: str = ''

    def as_dict(self) -> dict[str, str]:
        """The finding as plain data."""
        return asdict(self)


def from_database(
    look: Callable[_Asked, Iterable[Finding]],
) -> Callable[_Asked, Iterator[Finding]]:
    """Find nothing where the database does not answer: that is told once.

    :param look: What asks it.
    """

    @wraps(look)
    def looking(*args: _Asked.args, **kws: _Asked.kwargs) -> Iterator[Finding]:
        try:
            found = list(look(*args, **kws))
            config.db.commit()
        except SQLAlchemyError:
            config.db.abort()
            return
        yield from found

    return looking


def named(names: Iterable[str], most: int = 3) -> str:
    """The first of some names, and how many more there are."""
    names = list(names)
    more = f' and {len(names) - most} more' if len(names) > most else ''
    return ', '.join(names[:most]) + more
