# SPDX-License-Identifier: GPL-3.0-or-later
"""/lists/<list-id>/bounces: the members whose mail bounces (R17, R18)."""

from __future__ import annotations

from typing import Any

import falcon
from mailman.interfaces.listmanager import IListManager
from mailman.rest.helpers import NotFound, child, etag, not_found, okay
from mailman.utilities.datetime import now
from zope.component import getUtility

from qnet_mailman.bounces import overview

MAX_COUNT = 1000
"""Members that one answer has at most."""


class Bounces:
    """The bounces of a list's members."""

    def __init__(self, mlist: Any) -> None:
        self._mlist = mlist

    def on_get(self, request: Any, response: Any) -> None:
        """A page: `count` members (at most, and without it, 1000), `page` from 1.

        `member` is an address: only this one, with all that is remembered.
        """
        count = request.get_param_as_int('count', min_value=0, max_value=MAX_COUNT)
        page = request.get_param_as_int('page', min_value=1, default=1)
        if count is None:
            count = MAX_COUNT
        address = request.get_param('member')
        moment = now()
        start = (page - 1) * count
        if start > 2**31:
            raise falcon.HTTPInvalidParam('there is no such page', 'page')
        entries = overview.overview(
            self._mlist, moment, address=address, start=start, count=count
        )
        total = (
            overview.how_many(self._mlist, moment) if address is None else len(entries)
        )
        found: dict[str, Any] = {'start': start, 'total_size': total}
        if entries:
            for entry in entries:
                etag(entry)
            found['entries'] = entries
        okay(response, etag(found))


class OneList:
    """A list."""

    def __init__(self, list_id: str) -> None:
        self._mlist = getUtility(IListManager).get(list_id)

    def on_get(self, request: Any, response: Any) -> None:
        """Nothing is here itself."""
        not_found(response)

    @child()
    def bounces(self, context: Any, segments: list[str]) -> Any:
        """/lists/<list-id>/bounces"""
        if self._mlist is None or segments:
            return NotFound(), []
        return Bounces(self._mlist), []
