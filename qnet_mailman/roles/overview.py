# SPDX-License-Identifier: GPL-3.0-or-later
"""Assignments, grants and rights as plain data, for commands and REST (R25)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from mailman.interfaces.member import MemberRole
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.model.user import User
from mailman.utilities.datetime import now
from sqlalchemy import ColumnElement, func, select

from qnet_mailman.clock import moment_as_text
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import QNetList
from qnet_mailman.model.people import QNetAssignment, QNetGrant
from qnet_mailman.model.statements import chunks
from qnet_mailman.roles.rights import (
    ActiveGrants,
    Assignment,
    Grant,
    Identity,
    Role,
    Status,
    has_passed,
    right_by,
)

NO_GRANT = 'none'
"""The state of an assignment whose person has never had or asked for a role."""


def assignments(list_ids: Collection[str] | None = None) -> list[QNetAssignment]:
    """The rows of the assignments, of some lists or all."""
    query = select(QNetAssignment).order_by(
        QNetAssignment.list_id, QNetAssignment.role, QNetAssignment.email
    )
    if list_ids is not None:
        query = query.where(QNetAssignment.list_id.in_(list_ids))
    return list(store().scalars(query))


def assignments_as_dicts(rows: Iterable[QNetAssignment]) -> list[dict[str, Any]]:
    """Assignments as plain data, with what they give now.

    :return: `effective` says whether the person may do anything; `right` is what:
        `administrator`, `moderator` or null; `grant` is the status of their grant of
        that role, or `none`.
    """
    rows = list(rows)
    values = [as_value(row) for row in rows]
    grants = _grants_for(values)
    active = ActiveGrants((_as_grant(row) for row in grants), now())
    status: dict[tuple[str, str], str] = {}
    for grant in grants:
        for whom in (f'{grant.provider}:{grant.user_id}', grant.email):
            if status.get((whom, grant.role)) != Status.active.value:
                status[whom, grant.role] = status_of(grant).value
    found = []
    for row, value in zip(rows, values, strict=True):
        right = active.right(value)
        whom = value.holder or value.email
        found.append(
            {
                'role': row.role,
                'name': row.name,
                'email': row.email,
                'harp_id': row.harp_id,
                'may_post': row.may_post,
                'effective': right is not None,
                'right': None if right is None else right.value,
                'grant': status.get((whom, row.role), NO_GRANT),
            }
        )
    return found


def rights_by(wanted: Iterable[Assignment]) -> list[Role | None]:
    """What assignments give now, or would give if they were made."""
    wanted = list(wanted)
    active = ActiveGrants((_as_grant(row) for row in _grants_for(wanted)), now())
    return [active.right(each) for each in wanted]


def administers(list_id: str, email: str) -> bool:
    """Whether somebody may administer a list now (R25).

    :param email: Their address, in any case.
    """
    return Role.administrator in _roles_by(*_of(list_id, email))


def moderates(list_id: str, email: str) -> bool:
    """Whether somebody may moderate a list now, as its administrators may (R25).

    :param email: Their address, in any case.
    """
    return any(_roles_by(*_of(list_id, email)))


def administers_any(email: str) -> bool:
    """Whether somebody may administer a list of this site now (R25).

    :param email: Their address, in any case.
    """
    return Role.administrator in _roles_by(QNetAssignment.email == email.lower())


def _of(list_id: str, email: str) -> tuple[ColumnElement[bool], ...]:
    return QNetAssignment.list_id == list_id, QNetAssignment.email == email.lower()


def _roles_by(*where: ColumnElement[bool]) -> list[Role | None]:
    rows = store().scalars(select(QNetAssignment).where(*where))
    return rights_by(map(as_value, rows))


def waits_for(entry: dict[str, Any]) -> str:
    """In a few words, what an assignment still waits for; empty if for nothing.

    :param entry: One of `assignments_as_dicts()`.
    """
    if entry['right'] == entry['role']:
        return ''
    why = '' if entry['grant'] == NO_GRANT else f' ({entry["grant"]})'
    may = '; may moderate' if entry['effective'] else ''
    return f'waits for the HARP role{why}{may}'


def as_value(row: QNetAssignment) -> Assignment:
    """An assignment's row as the plain value of it."""
    return Assignment(
        row.list_id, row.email, Role(row.role), row.holder, row.name, row.may_post
    )


def _as_grant(row: QNetGrant) -> Grant:
    return Grant(
        f'{row.provider}:{row.user_id}',
        row.email,
        Role(row.role),
        Status(row.status),
        row.expires_at,
    )


def _grants_for(values: Iterable[Assignment]) -> list[QNetGrant]:
    values = list(values)
    user_ids = {each.holder.partition(':')[2] for each in values} - {''}
    emails = {each.email for each in values if not each.holder}
    found: dict[int, QNetGrant] = {}
    for where in (
        *(QNetGrant.user_id.in_(some) for some in chunks(user_ids)),
        *(QNetGrant.email.in_(some) for some in chunks(emails)),
    ):
        found |= {
            row.id: row for row in store().scalars(select(QNetGrant).where(where))
        }
    return [found[row_id] for row_id in sorted(found)]


def status_of(row: QNetGrant) -> Status:
    """How a grant is now, also before a periodic job has seen the clock."""
    status = Status(row.status)
    if status is Status.active and has_passed(row.expires_at, now()):
        return Status.expired
    return status


def grants(
    provider: str | None = None,
    user_id: str | None = None,
    role: str | None = None,
    status: str | None = None,
) -> list[QNetGrant]:
    """The rows of grants, all or those that have these values."""
    query = select(QNetGrant).order_by(
        QNetGrant.provider, QNetGrant.user_id, QNetGrant.role
    )
    for column, value in (
        (QNetGrant.provider, provider),
        (QNetGrant.user_id, user_id),
        (QNetGrant.role, role),
    ):
        if value is not None:
            query = query.where(column == value.lower())
    return [
        row
        for row in store().scalars(query)
        if status is None or status_of(row).value == status
    ]


def grant_as_dict(row: QNetGrant) -> dict[str, Any]:
    """A grant as plain data; times are in UTC."""
    return {
        'provider': row.provider,
        'user_id': row.user_id,
        'role': row.role,
        'name': row.name,
        'email': row.email,
        'status': status_of(row).value,
        'expires_at': moment_as_text(row.expires_at),
        'reason': row.reason,
        'route': row.route,
        'changed_at': moment_as_text(row.changed_at),
    }


def rights(identity: Identity) -> dict[str, Any]:
    """What a person may do now (R24-R26), in two statements at most.

    :return: `administers` are the IDs of lists that the person may configure and
        moderate, `moderates` of those that they may moderate, by an assignment or a
        role that goes no further; all of them ours.
    """
    moment = now()
    rows = list(
        store().scalars(
            select(QNetGrant)
            .where(
                QNetGrant.provider == identity.provider,
                QNetGrant.user_id == identity.user_id,
            )
            .order_by(QNetGrant.changed_at, QNetGrant.id)
        )
    )
    active = [grant for row in rows if (grant := _as_grant(row)).is_active(moment)]
    lists: dict[Role, set[str]] = {role: set() for role in Role}
    if active:
        emails = {grant.email for grant in active} - {''}
        query = select(
            QNetAssignment.list_id,
            QNetAssignment.role,
            QNetAssignment.holder,
            QNetAssignment.email,
        ).where(
            QNetAssignment.list_id.in_(select(QNetList.list_id)),
            (QNetAssignment.holder == str(identity))
            | ((QNetAssignment.holder == '') & QNetAssignment.email.in_(emails)),
        )
        for list_id, role, holder, email in store().execute(query):
            held = [each.role for each in active if holder or each.email == email]
            right = right_by(Assignment(list_id, email, Role(role)), held)
            if right is not None:
                lists[right].add(list_id)
    return {
        'provider': identity.provider,
        'user_id': identity.user_id,
        'name': rows[-1].name if rows else '',
        'email': rows[-1].email if rows else '',
        'roles': sorted(grant.role.value for grant in active),
        'administers': sorted(lists[Role.administrator]),
        'moderates': sorted(lists[Role.moderator]),
    }


def on_rosters_elsewhere(emails: Iterable[str]) -> dict[str, list[str]]:
    """The lists without one of our styles that some addresses look after (R40).

    There, Mailman's rosters say who does.

    :param emails: In any case.
    :return: The IDs of lists that they own, `administers`, and of those that they
        moderate, `moderates`.
    """
    lists: dict[MemberRole, set[str]] = {
        MemberRole.owner: set(),
        MemberRole.moderator: set(),
    }
    query = select(Member.role, Member.list_id).where(
        Member.role.in_(lists), Member.list_id.not_in(select(QNetList.list_id))
    )
    for some in chunks({email.lower() for email in emails}):
        # Each leads on by an index: there may be a million memberships, and users.
        addresses = select(Address.id).where(Address.email.in_(some))
        users = (
            select(User.id)
            .join(Address, Address.user_id == User.id)
            .where(Address.email.in_(some), User._preferred_address_id == Address.id)
        )
        theirs = Member.address_id.in_(addresses) | Member.user_id.in_(users)
        for role, list_id in store().execute(query.where(theirs)):
            lists[role].add(list_id)
    return {
        'administers': sorted(lists[MemberRole.owner]),
        'moderates': sorted(lists[MemberRole.moderator]),
    }


def unattended_lists() -> list[str]:
    """The IDs of the lists that nobody administers now."""
    attended = select(Member.list_id).where(Member.role == MemberRole.owner)
    query = select(QNetList.list_id).where(QNetList.list_id.not_in(attended))
    return list(store().scalars(query.order_by(QNetList.list_id)))


def how_many_active(moment: datetime, until: datetime | None = None) -> int:
    """How many grants are active; with `until`, of those that end by then."""
    query = select(func.count(QNetGrant.id)).where(
        QNetGrant.status == Status.active.value,
        (QNetGrant.expires_at > moment)
        if until is not None
        else (QNetGrant.expires_at.is_(None) | (QNetGrant.expires_at > moment)),
    )
    if until is not None:
        query = query.where(QNetGrant.expires_at <= until)
    return store().scalar(query) or 0
