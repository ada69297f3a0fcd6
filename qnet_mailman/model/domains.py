# SPDX-License-Identifier: GPL-3.0-or-later
"""Domains of lists, each of which is read once a transaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mailman.interfaces.domain import IDomainManager
from mailman.model import domain as stock
from sqlalchemy import select
from zope.interface import implementer

from qnet_mailman.model.base import is_there, read_in_transaction, store


@implementer(IDomainManager)
class DomainManager(stock.DomainManager):
    """Mailman's, which counts the rows of a domain twice before it reads one."""

    def get(self, mail_host: str, default: Any = None) -> Any:
        """See `IDomainManager`."""
        known = read_in_transaction('domains')
        row = known.get(mail_host)
        if row is None or not is_there(row):
            query = select(stock.Domain).where(stock.Domain.mail_host == mail_host)
            row = known[mail_host] = store().scalar(query)
        return default if row is None else row

    def __contains__(self, mail_host: str) -> bool:
        """See `IDomainManager`."""
        return self.get(mail_host) is not None

    def __iter__(self) -> Iterator[Any]:
        """See `IDomainManager`."""
        whole = read_in_transaction('all domains')
        if not whole or not all(map(is_there, whole.values())):
            whole.clear()
            whole.update((each.mail_host, each) for each in super().__iter__())
            read_in_transaction('domains').update(whole)
        yield from list(whole.values())

    def add(self, *args: Any, **kws: Any) -> Any:
        """See `IDomainManager`."""
        added = super().add(*args, **kws)
        read_in_transaction('all domains').clear()
        return added
