# SPDX-License-Identifier: GPL-3.0-or-later
"""The archivers of a list: read with one statement, and each made once.

Mailman asks for them one by one, and makes all archivers of the site anew, which read
their files of settings, whenever it asks one of a list something.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mailman.config import config
from mailman.interfaces.mailinglist import IListArchiver, IListArchiverSet
from mailman.model.mailinglist import ListArchiver
from sqlalchemy import select
from zope.interface import implementer

from qnet_mailman.mlist import Mlist
from qnet_mailman.model.base import store


@implementer(IListArchiver)
class Archiver:
    """An archiver of a list, with the site's at hand."""

    def __init__(self, row: ListArchiver, system_archiver: Any) -> None:
        self._row = row
        self.name = row.name
        self.mailing_list = row.mailing_list
        self.system_archiver = system_archiver

    @property
    def is_enabled(self) -> bool:
        """See `IListArchiver`."""
        return self.system_archiver.is_enabled and self._row._is_enabled

    @is_enabled.setter
    def is_enabled(self, value: bool) -> None:
        self._row.is_enabled = value


@implementer(IListArchiverSet)
class ArchiverSet:
    """See `IListArchiverSet`: what it gives is what Mailman's does."""

    def __init__(self, mailing_list: Mlist) -> None:
        self._system = {each.name: each for each in config.archivers}
        query = select(ListArchiver).where(ListArchiver.mailing_list == mailing_list)
        self._rows = list(store().scalars(query))
        known = {row.name for row in self._rows}
        for name, system in self._system.items():
            if name not in known:
                row = ListArchiver(mailing_list, name, system)
                store().add(row)
                self._rows.append(row)

    @property
    def archivers(self) -> Iterator[Any]:
        """See `IListArchiverSet`."""
        for row in self._rows:
            system = self._system.get(row.name)
            # One that the site has no more fails as Mailman's does.
            yield row if system is None else Archiver(row, system)

    def get(self, archiver_name: str) -> Any:
        """See `IListArchiverSet`."""
        named = (each for each in self.archivers if each.name == archiver_name)
        return next(named, None)
