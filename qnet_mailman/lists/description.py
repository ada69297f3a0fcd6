# SPDX-License-Identifier: GPL-3.0-or-later
"""A list as plain data, for `mailman qnet show` and REST."""

from __future__ import annotations

from typing import Any

from mailman.interfaces.member import MemberRole
from mailman.model.address import Address
from mailman.model.member import Member
from sqlalchemy import func, select

from qnet_mailman.clock import moment_as_text
from qnet_mailman.lists import settings
from qnet_mailman.lists.closing import look_at_closure
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.base import store
from qnet_mailman.model.forms import QNetForm
from qnet_mailman.model.lists import row_of, type_of
from qnet_mailman.roles.overview import assignments_as_dicts
from qnet_mailman.roles.people import assignments_of, posters_of


def describe(mlist: Mlist) -> dict[str, Any]:
    """Type, settings, people and counts of a list.

    :return: `administrators`, `moderators` and `posters` are the addresses of those
        who are that now; `members` is their number; `assignments` tells who is to
        be administrator or moderator, and whether they are (R25; see
        `roles.overview.assignments_as_dicts`); `closed` is null, or `action`, `since`
        and `undo_until` (UTC).
    """
    row = row_of(mlist)
    return {
        'list': mlist.fqdn_listname,
        'list_id': mlist.list_id,
        'type': type_of(mlist).value,
        'visibility': None if row is None else row.visibility,
        **settings.current(mlist),
        'subscription_policy': mlist.subscription_policy.name,
        'archive_policy': mlist.archive_policy.name,
        'max_message_size_kb': mlist.max_message_size,
        'administrators': _emails(mlist, MemberRole.owner),
        'moderators': _emails(mlist, MemberRole.moderator),
        'posters': posters_of(mlist),
        'members': _count(mlist),
        'tickets': _tickets(mlist),
        'closed': _closure(mlist),
        'assignments': assignments_as_dicts(assignments_of(mlist)),
    }


def _closure(mlist: Mlist) -> dict[str, Any] | None:
    closure = look_at_closure(mlist)
    if closure is None:
        return None
    return {
        'action': closure.action.value,
        'since': moment_as_text(closure.since),
        'undo_until': moment_as_text(closure.undo_until),
    }


def _emails(mlist: Mlist, role: MemberRole) -> list[str]:
    # The projection subscribes addresses, never users with whatever they prefer.
    query = (
        select(Address.email)
        .join(Member, Member.address_id == Address.id)
        .where(Member.list_id == mlist.list_id, Member.role == role)
    )
    return list(store().scalars(query.order_by(Address.email)))


def _count(mlist: Mlist) -> int:
    query = select(func.count(Member.id)).where(
        Member.list_id == mlist.list_id, Member.role == MemberRole.member
    )
    return store().scalar(query) or 0


def _tickets(mlist: Mlist) -> list[str]:
    query = select(QNetForm.ticket).where(QNetForm.list_id == mlist.list_id)
    return list(store().scalars(query.order_by(QNetForm.ticket)))
