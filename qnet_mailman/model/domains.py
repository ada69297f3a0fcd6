# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail domains, with one statement for each question.

Mailman's counts the rows of a name twice before it reads the one that there is, and is
asked for the domain of a list wherever a text is filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from mailman.interfaces.domain import IDomainManager
from mailman.model.domain import Domain
from mailman.model.domain import DomainManager as Stock
from sqlalchemy import select
from zope.interface import implementer

from qnet_mailman.model.base import store

_ALL = ''
_known: ContextVar[dict[str, Any] | None] = ContextVar('known', default=None)
"""By name; and all of them."""


@contextmanager
def each_once() -> Iterator[None]:
    """Within this, which is one transaction, each is asked for once."""
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


@implementer(IDomainManager)
class DomainManager(Stock):
    """Mailman's."""

    def get(self, mail_host: str, default: Any = None) -> Any:
        """See `IDomainManager`."""
        found = _once(
            mail_host,
            lambda: store().scalar(select(Domain).where(Domain.mail_host == mail_host)),
        )
        return default if found is None else found

    def __iter__(self) -> Iterator[Any]:
        """See `IDomainManager`."""
        yield from _once(_ALL, lambda: list(super(DomainManager, self).__iter__()))

    def __contains__(self, mail_host: str) -> bool:
        """See `IDomainManager`."""
        return self.get(mail_host) is not None

    def add(self, *args: Any, **kws: Any) -> Any:
        """See `IDomainManager`."""
        domain = super().add(*args, **kws)
        _forget()
        return domain

    def remove(self, mail_host: str) -> Any:
        """See `IDomainManager`."""
        domain = super().remove(mail_host)
        _forget()
        return domain


def _once(key: str, find: Callable[[], Any]) -> Any:
    known = _known.get()
    if known is None:
        return find()
    if key not in known:
        known[key] = find()
    return known[key]


def _forget() -> None:
    known = _known.get()
    if known is not None:
        known.clear()
