# SPDX-License-Identifier: GPL-3.0-or-later
"""Assigning people to lists, and what follows from it (R25).

An *assignment* says that a person is to administer or moderate a list, perhaps
with posting privileges.  Mailman's rosters and the posting privileges are a
projection: of every assignment whose person holds an active grant.  They are
written in the transaction that changes either side, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mailman.interfaces.member import MemberRole
from mailman.interfaces.usermanager import IUserManager
from mailman.utilities.datetime import now
from sqlalchemy import delete, select
from zope.component import getUtility

from qnet_mailman.model import audit
from qnet_mailman.model.base import store
from qnet_mailman.model.people import QNetAssignment, QNetPoster
from qnet_mailman.roles.grants import is_granted


class Role(StrEnum):
    """What a person may do with a list (R24)."""

    administrator = 'administrator'
    moderator = 'moderator'


ROSTERS = {Role.administrator: MemberRole.owner, Role.moderator: MemberRole.moderator}


@dataclass(frozen=True)
class Assignee:
    """A person as a form names them.

    :ivar email: Their address.
    :ivar may_post: Whether they are to have posting privileges (R3).
    """

    email: str
    name: str = ''
    harp_id: str = ''
    may_post: bool = False


def assignments_of(mlist: Any, role: Role | None = None) -> list[QNetAssignment]:
    """The assignments of a list, by address."""
    query = select(QNetAssignment).where(QNetAssignment.list_id == mlist.list_id)
    if role is not None:
        query = query.where(QNetAssignment.role == role.value)
    return list(store().scalars(query.order_by(QNetAssignment.email)))


def assign(mlist: Any, role: Role, person: Assignee) -> bool:
    """Assign a person to a list, or change how they are.

    :return: Whether anything changed.
    """
    email = person.email.lower()
    row = store().scalar(
        select(QNetAssignment).where(
            QNetAssignment.list_id == mlist.list_id,
            QNetAssignment.email == email,
            QNetAssignment.role == role.value,
        )
    )
    wanted: dict[str, Any] = {
        'name': person.name,
        'harp_id': person.harp_id,
        'may_post': person.may_post,
    }
    if row is None:
        store().add(
            QNetAssignment(
                list_id=mlist.list_id,
                email=email,
                role=role.value,
                created_at=now(),
                **wanted,
            )
        )
        audit.record(
            audit.Action.assigned, mlist.list_id, email, role=role.value, **wanted
        )
    else:
        changed = {
            key: value for key, value in wanted.items() if getattr(row, key) != value
        }
        if not changed:
            return False
        for key, value in changed.items():
            setattr(row, key, value)
        audit.record(
            audit.Action.assignment_changed,
            mlist.list_id,
            email,
            role=role.value,
            **changed,
        )
    project(mlist, [email])
    return True


def unassign(mlist: Any, role: Role, email: str) -> bool:
    """Take a person's assignment away.

    :return: Whether there was one.
    """
    email = email.lower()
    row = store().scalar(
        select(QNetAssignment).where(
            QNetAssignment.list_id == mlist.list_id,
            QNetAssignment.email == email,
            QNetAssignment.role == role.value,
        )
    )
    if row is None:
        return False
    store().delete(row)
    audit.record(audit.Action.unassigned, mlist.list_id, email, role=role.value)
    project(mlist, [email])
    return True


def project(mlist: Any, emails: Iterable[str]) -> None:
    """Make rosters and posting privileges say what the assignments give (R25).

    :param emails: The people, in lower case, whose assignments or grants changed.
    """
    store().flush()
    for email in emails:
        effective = [
            row
            for row in assignments_of(mlist)
            if row.email == email and is_granted(row)
        ]
        for role, member_role in ROSTERS.items():
            mine = [row for row in effective if row.role == role.value]
            _on_roster(mlist, member_role, email, mine[0].name if mine else None)
        _may_post(mlist, email, any(row.may_post for row in effective))


def _on_roster(mlist: Any, role: MemberRole, email: str, name: str | None) -> None:
    """Put somebody on a roster, or take them off it.

    :param name: Their display name; None to take them off.
    """
    member = mlist.get_roster(role).get_member(email)
    if name is None:
        if member is not None:
            member.unsubscribe()
    elif member is None:
        user = getUtility(IUserManager).make_user(email, name)
        address = next(
            address for address in user.addresses if address.email.lower() == email
        )
        if name and not address.display_name:
            address.display_name = name
        mlist.subscribe(address, role)


def _may_post(mlist: Any, email: str, privileged: bool) -> None:
    mine = (QNetPoster.list_id == mlist.list_id) & (QNetPoster.email == email)
    found = store().scalar(select(QNetPoster.id).where(mine))
    if privileged and found is None:
        store().add(QNetPoster(list_id=mlist.list_id, email=email))
    elif not privileged and found is not None:
        store().execute(delete(QNetPoster).where(mine))


def posters_of(mlist: Any) -> list[str]:
    """The addresses with posting privileges on a list, sorted."""
    return list(
        store().scalars(
            select(QNetPoster.email)
            .where(QNetPoster.list_id == mlist.list_id)
            .order_by(QNetPoster.email)
        )
    )
