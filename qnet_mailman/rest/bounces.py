# SPDX-License-Identifier: GPL-3.0-or-later
"""/lists/<list-id>/bounces: the members whose mail bounces (R17-R22)."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import falcon
from mailman.config import config
from mailman.rest.helpers import (
    NotFound,
    bad_request,
    child,
    conflict,
    etag,
    not_found,
    okay,
)
from mailman.rest.validator import Validator, list_of_strings_validator
from mailman.utilities.datetime import now

from qnet_mailman.bounces import acting, overview, table
from qnet_mailman.bounces.reading.verdict import Kind
from qnet_mailman.lists.attention import heading
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import audit
from qnet_mailman.rest.acting import acting_for, person
from qnet_mailman.rest.paging import Page

MAX_COUNT = 1000
"""Members that one answer has at most."""
MAX_ROWS = 5000
"""Rows of the table that one answer has at most."""
MAX_DAYS = 366
"""Days that one answer tells the numbers of at most."""


def _start(request: Any, count: int) -> int:
    """How many to pass over for `page`, from 1."""
    page = request.get_param_as_int('page', min_value=1, default=1)
    start: int = (page - 1) * count
    if start > 2**31:
        raise falcon.HTTPInvalidParam('there is no such page', 'page')
    return start


class _Enable:
    """Let a member have mail again."""

    def __init__(self, mlist: Mlist, member_id: UUID) -> None:
        self._mlist = mlist
        self._member_id = member_id

    def on_post(self, request: Any, response: Any) -> None:
        """200 and the member's `address`; 409 if delivery is not disabled for bounces.

        `actor` is the person for whom the caller asks.
        """
        try:
            fields = Validator(actor=person, _optional=('actor',))(request)
        except ValueError as error:
            bad_request(response, str(error))
            return
        address = table.enable(self._mlist, self._member_id)
        if address is None:
            config.db.abort()
            conflict(response, 'delivery is not disabled for bounces')
            return
        audit.record(
            audit.Action.delivery_enabled,
            self._mlist.list_id,
            address,
            actor=acting_for(fields.get('actor')),
        )
        config.db.commit()
        okay(response, etag({'address': address}))


def _ids(values: Any) -> set[UUID]:
    found = {UUID(value) for value in list_of_strings_validator(values)}
    if len(found) > acting.MOST:
        raise ValueError(f'more than {acting.MOST} members')
    return found


class _Act:
    """Do something with several members."""

    def __init__(self, mlist: Mlist) -> None:
        self._mlist = mlist

    def on_post(self, request: Any, response: Any) -> None:
        """200 and the `addresses` with which it was done.

        `action` is `enable`, `notify` or `remove`, each `member` (at most 100) a
        member's id; `actor` is the person for whom the caller asks.
        """
        try:
            fields = Validator(
                action=acting.Act,
                member=_ids,
                actor=person,
                _optional=('actor',),
            )(request)
        except ValueError as error:
            bad_request(response, str(error))
            return
        actor = acting_for(fields.get('actor'))
        done = acting.act(self._mlist, fields['action'], fields['member'], actor=actor)
        config.db.commit()
        okay(response, etag({'addresses': done}))


class _Member:
    """A member."""

    def __init__(self, mlist: Mlist, member_id: UUID) -> None:
        self._mlist = mlist
        self._member_id = member_id

    def on_get(self, request: Any, response: Any) -> None:
        """The member, with everything that is remembered of them."""
        found = table.one(self._mlist, now(), self._member_id)
        if found is None:
            not_found(response)
            return
        okay(response, etag({'list': heading(self._mlist), 'member': found}))

    @child()
    def enable(self, context: Any, segments: list[str]) -> Any:
        """/lists/<list-id>/bounces/members/<member-id>/enable"""
        return _Enable(self._mlist, self._member_id), segments


class _Members:
    """The table of the members whose mail bounces."""

    def __init__(self, mlist: Mlist) -> None:
        self._mlist = mlist

    def on_get(self, request: Any, response: Any) -> None:
        """A page of `count` rows (at most, and without it, 5000), `page` from 1.

        `text`, `kind` and `suspended` narrow them down, `sort` and `descending` sort
        them; `after` is the `place` of a row to go on after, by address; `days` asks
        for the numbers of so many days.
        """
        count = request.get_param_as_int('count', min_value=0, max_value=MAX_ROWS)
        if count is None:
            count = MAX_ROWS
        start = _start(request, count)
        days = request.get_param_as_int('days', min_value=0, max_value=MAX_DAYS)
        try:
            choice = table.Choice(
                text=request.get_param('text') or '',
                kind=Kind(kind) if (kind := request.get_param('kind')) else None,
                suspended=request.get_param_as_bool('suspended') or False,
                sort=table.Sort(request.get_param('sort') or table.Sort.address),
                descending=request.get_param_as_bool('descending') or False,
            )
            after = request.get_param('after')
            place = table.Place.written(after) if after else None
        except ValueError as error:
            bad_request(response, str(error))
            return
        moment = now()
        found: dict[str, Any] = {
            'list': heading(self._mlist),
            'start': start,
            'total_size': table.how_many(self._mlist, moment, choice),
            'entries': table.rows(
                self._mlist, moment, choice, start=start, count=count, after=place
            ),
        }
        if days:
            found['days'] = table.by_day(self._mlist, moment, days)
        # No tag: making it takes longer than all the rest.
        okay(response, json.dumps(found))

    @child()
    def act(self, context: Any, segments: list[str]) -> Any:
        """/lists/<list-id>/bounces/members/act"""
        return _Act(self._mlist), segments

    @child(r'^(?P<member_id>[^/]+)')
    def member(self, context: Any, segments: list[str], member_id: str) -> Any:
        """/lists/<list-id>/bounces/members/<member-id>"""
        try:
            return _Member(self._mlist, UUID(member_id)), segments
        except ValueError:
            return NotFound(), []


class Bounces:
    """The bounces of a list's members."""

    def __init__(self, mlist: Mlist) -> None:
        self._mlist = mlist

    def on_get(self, request: Any, response: Any) -> None:
        """A page: `count` members (at most, and without it, 1000), `page` from 1.

        `member` is an address: only this one, with all that is remembered.
        """
        count = request.get_param_as_int('count', min_value=0, max_value=MAX_COUNT)
        if count is None:
            count = MAX_COUNT
        start = _start(request, count)
        address = request.get_param('member')
        moment = now()
        rows = overview.overview(
            self._mlist, moment, address=address, start=start, count=count
        )
        total = overview.how_many(self._mlist, moment) if address is None else len(rows)
        okay(response, etag(Page(start, count).answer(rows, total)))

    @child()
    def members(self, context: Any, segments: list[str]) -> Any:
        """/lists/<list-id>/bounces/members"""
        return _Members(self._mlist), segments
