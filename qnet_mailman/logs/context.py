# SPDX-License-Identifier: GPL-3.0-or-later
"""What is at work, for the lines that are logged meanwhile.

Each thread, and so each request of the web side, has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

Value = str | Callable[[], str] | None
"""A text, or what gives it once a line is logged; None and '' are left out."""

_NOTHING: Mapping[str, Value] = MappingProxyType({})
_current: ContextVar[Mapping[str, Value]] = ContextVar('at_work', default=_NOTHING)


def set_at_work(**about: Value) -> None:
    """Say what is at work from here on; without arguments, nothing.

    :param about: `list`, `message_id`, `entry` (of a queue) and `actor`.
    """
    _current.set(about)


@contextmanager
def at_work(**about: Value) -> Iterator[None]:
    """Say what else is at work while this lasts."""
    token = _current.set({**_current.get(), **about})
    try:
        yield
    finally:
        _current.reset(token)


def now_at_work() -> dict[str, str]:
    """What is at work; a value that cannot be found out is left out."""
    found = {}
    for name, value in _current.get().items():
        if callable(value):
            try:
                value = value()
            except Exception:
                # A line about a database that is away must not need the database.
                continue
        if value:
            found[name] = value
    return found
