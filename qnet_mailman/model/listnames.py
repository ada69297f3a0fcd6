# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists by their addresses, each read once a transaction; which addresses are lists'.

Mailman's LMTP runner reads the names of all lists, twice for each message, to look for
one or two of them.  Within `only()` they are asked for by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from mailman.interfaces.listmanager import IListManager
from mailman.model.listmanager import ListManager as Stock
from mailman.model.mailinglist import MailingList
from sqlalchemy import bindparam, select, tuple_
from zope.interface import implementer

from qnet_mailman.model.base import is_there, read_in_transaction, store
from qnet_mailman.model.statements import chunks

# Made once: making it takes as long as its answer.
_BY_LIST_ID = select(MailingList).where(MailingList._list_id == bindparam('list_id'))

_asked: ContextVar[frozenset[str] | None] = ContextVar('asked', default=None)


@contextmanager
def only(addresses: Iterable[str]) -> Iterator[None]:
    """Let `ListManager.names` tell, within this, of no others.

    :param addresses: In lower case.
    """
    token = _asked.set(frozenset(addresses))
    try:
        yield
    finally:
        _asked.reset(token)


@implementer(IListManager)
class ListManager(Stock):
    """Mailman's, which can be asked about some lists instead of all."""

    @property
    def names(self) -> Iterator[str]:
        """See `IListManager`."""
        asked = _asked.get()
        if asked is None:
            yield from super().names
            return
        known = read_in_transaction('names of lists')
        if asked not in known:
            known[asked] = list(self._names_among(asked))
        yield from known[asked]

    @staticmethod
    def _names_among(asked: Iterable[str]) -> Iterator[str]:
        pairs = [tuple(each.split('@', 1)) for each in sorted(asked) if '@' in each]
        columns = (MailingList.list_name, MailingList.mail_host)
        for some in chunks(pairs):
            query = select(*columns).where(tuple_(*columns).in_(some))
            for name, host in store().execute(query):
                yield f'{name}@{host}'

    def create(self, fqdn_listname: str) -> Any:
        """See `IListManager`."""
        mlist = super().create(fqdn_listname)
        known = read_in_transaction('names of lists')
        for asked in [each for each in known if mlist.fqdn_listname in each]:
            del known[asked]
        read_in_transaction('lists by address')[mlist.fqdn_listname] = mlist
        return mlist

    def delete(self, mlist: Any) -> None:
        """See `IListManager`."""
        super().delete(mlist)
        read_in_transaction('names of lists').clear()

    def get_by_fqdn(self, fqdn_listname: str) -> Any:
        """See `IListManager`."""
        known = read_in_transaction('lists by address')
        mlist = known.get(fqdn_listname)
        # It may have gone, or have another name since.
        if mlist is None or not is_there(mlist) or mlist.fqdn_listname != fqdn_listname:
            mlist = known[fqdn_listname] = super().get_by_fqdn(fqdn_listname)
        return mlist

    def get_by_list_id(self, list_id: str) -> Any:
        """See `IListManager`: asked for each entry of a queue."""
        return store().scalars(_BY_LIST_ID, {'list_id': list_id}).first()
