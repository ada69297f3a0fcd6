# SPDX-License-Identifier: GPL-3.0-or-later
"""/lists: what a list is, what waits there, and two settings of it (R4, R7)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.rest.helpers import NotFound, bad_request, child, conflict, etag, okay
from mailman.rest.validator import Validator, list_of_strings_validator
from mailman.utilities.datetime import now
from zope.component import getUtility

from qnet_mailman import clock, site
from qnet_mailman.lists import attention
from qnet_mailman.lists.description import describe
from qnet_mailman.lists.settings import Unfit, change_setting, checked, current
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import listing
from qnet_mailman.model.lists import row_of
from qnet_mailman.rest.acting import acting_for, person
from qnet_mailman.rest.adoption import Adoption, ByStyle
from qnet_mailman.rest.bounces import Bounces
from qnet_mailman.rest.paging import Page
from qnet_mailman.roles import overview
from qnet_mailman.roles.rights import Identity, Status

CHANGEABLE = ('mask', 'replies')
"""The settings that a list's administrators change; the others are for operators."""
MAX_LISTS = 5000
"""Lists that one answer tells of at most."""


class _Settings:
    """The settings that administrators change."""

    def __init__(self, mlist: Mlist) -> None:
        self._mlist = mlist

    def on_post(self, request: Any, response: Any) -> None:
        """Change `mask` or `replies` or both.

        200 and those that were other before, as `changed`; 400 what is wrong; 409 if
        the list has none of our styles.  `actor` is the person for whom the caller
        asks.
        """
        names = ('actor', *CHANGEABLE)
        validator = Validator(
            actor=person, **dict.fromkeys(CHANGEABLE, str), _optional=names
        )
        try:
            written = validator(request)
            actor = acting_for(written.pop('actor', None))
            wanted = checked(self._mlist, written)
        except (ValueError, Unfit) as error:
            bad_request(response, str(error))
            return
        if row_of(self._mlist) is None:
            conflict(response, 'the list was made without a QualityNet style')
            return
        before = current(self._mlist)
        changed = {key: new for key, new in wanted.items() if before[key] != new}
        for key, new in changed.items():
            change_setting(self._mlist, key, before[key], new, actor=actor)
        config.db.commit()
        okay(response, etag({'changed': changed}))


class _List:
    """A list."""

    def __init__(self, mlist: Mlist) -> None:
        self._mlist = mlist

    def on_get(self, request: Any, response: Any) -> None:
        """What `mailman qnet show --json` tells, and what of it waits for somebody."""
        found = describe(self._mlist)
        found |= attention.heading(self._mlist)
        found['delivery'] = attention.by_delivery(self._mlist)
        okay(response, etag(found))

    @child()
    def bounces(self, context: Any, segments: list[str]) -> Any:
        """/lists/<list-id>/bounces"""
        return Bounces(self._mlist), segments

    @child()
    def adoption(self, context: Any, segments: list[str]) -> Any:
        """/lists/<list-id>/adoption"""
        return Adoption(self._mlist), segments

    @child()
    def settings(self, context: Any, segments: list[str]) -> Any:
        """/lists/<list-id>/settings"""
        return _Settings(self._mlist), segments


class _Overview:
    """Many lists, and a person's roles."""

    def on_post(self, request: Any, response: Any) -> None:
        """What waits and what is wrong on each `list` (an ID; may be repeated).

        Those that exist, by name, those without one of our styles with null for `type`
        and `visibility` (R40); with `provider` and `user_id`, that person's `roles`,
        and whether they end soon (R28).  A POST, as there may be more lists than an
        address of a resource can hold.
        """
        names = {'list': list_of_strings_validator, 'provider': str, 'user_id': str}
        try:
            asked = Validator(**names, _optional=tuple(names))(request)
            list_ids = set(asked.get('list', ()))
            if len(list_ids) > MAX_LISTS:
                raise ValueError(f'at most {MAX_LISTS} lists')
            holder = None
            if 'user_id' in asked:
                holder = Identity.of(asked['user_id'], asked.get('provider', 'harp'))
        except ValueError as error:
            bad_request(response, str(error))
            return
        listed = listing.of_any_style(list_ids)
        numbers = attention.of_lists([each.list_id for each in listed])
        okay(
            response,
            etag(
                {
                    'lists': [
                        {
                            'list_id': each.list_id,
                            'list': each.fqdn_listname,
                            'display_name': each.display_name,
                            'type': each.type,
                            'visibility': each.visibility,
                            **asdict(numbers[each.list_id]),
                        }
                        for each in listed
                    ],
                    'roles': [] if holder is None else _roles(holder),
                }
            ),
        )


class _Unattended:
    """Lists that nobody administers now."""

    def on_get(self, request: Any, response: Any) -> None:
        """Those of ours, by their IDs, with who is assigned and what that waits for."""
        page = Page.asked(request)
        ids = overview.unattended_lists()
        shown = ids[page.start :][: page.count]
        assigned: dict[str, list[dict[str, Any]]] = {each: [] for each in shown}
        rows = overview.assignments(shown)
        for row, entry in zip(rows, overview.assignments_as_dicts(rows), strict=True):
            waits_for = overview.waits_for(entry)
            assigned[row.list_id].append({**entry, 'waits_for': waits_for})
        found = [
            {
                'list_id': each.list_id,
                'list': each.fqdn_listname,
                'display_name': each.display_name,
                'assignments': assigned[each.list_id],
            }
            for each in sorted(listing.by_ids(shown), key=lambda each: each.list_id)
        ]
        okay(response, etag(page.answer(found, len(ids))))


def _roles(holder: Identity) -> list[dict[str, Any]]:
    soon = now() + site.settings().role_warning
    return [
        {
            'role': row.role,
            'status': overview.status_of(row).value,
            'expires_at': clock.moment_as_text(row.expires_at),
            'ends_soon': overview.status_of(row) is Status.active
            and row.expires_at is not None
            and row.expires_at <= soon,
        }
        for row in overview.grants(holder.provider, holder.user_id)
    ]


class Lists:
    """All lists."""

    @child()
    def overview(self, context: Any, segments: list[str]) -> Any:
        """/lists/overview"""
        return _Overview(), segments

    @child()
    def unattended(self, context: Any, segments: list[str]) -> Any:
        """/lists/unattended"""
        return _Unattended(), segments

    @child('by-style')
    def by_style(self, context: Any, segments: list[str]) -> Any:
        """/lists/by-style"""
        return ByStyle(), segments

    @child(r'^(?P<name>[^/]*[.@][^/]*)')
    def one(self, context: Any, segments: list[str], name: str) -> Any:
        """/lists/<list-id>, or the list's address: there is always a dot in them."""
        mlist = getUtility(IListManager).get(name)
        if mlist is None:
            return NotFound(), []
        return _List(mlist), segments
