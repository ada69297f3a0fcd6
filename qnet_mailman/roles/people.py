# SPDX-License-Identifier: GPL-3.0-or-later
"""Assigning people to lists (R25).

An *assignment* says that a person is to administer or moderate a list, perhaps
with posting privileges.  It waits until the person holds the role; see
`projection` for what it then gives.  Every function takes the lock and writes the
rosters, and leaves the commit to its caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mailman.utilities.datetime import now
from sqlalchemy import select

from qnet_mailman.mlist import Mlist
from qnet_mailman.model import audit
from qnet_mailman.model.base import store
from qnet_mailman.model.people import QNetAssignment, QNetPoster
from qnet_mailman.roles import projection
from qnet_mailman.roles.rights import Role, holder_of


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


def assignments_of(mlist: Mlist, role: Role | None = None) -> list[QNetAssignment]:
    """The assignments of a list, by address."""
    query = select(QNetAssignment).where(QNetAssignment.list_id == mlist.list_id)
    if role is not None:
        query = query.where(QNetAssignment.role == role.value)
    return list(store().scalars(query.order_by(QNetAssignment.email)))


def assign(mlist: Mlist, role: Role, person: Assignee) -> bool:
    """Assign a person to a list, or change how they are.

    :return: Whether anything changed.
    """
    projection.lock()
    email = person.email.lower()
    row = _find(mlist.list_id, role, email)
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
                holder=holder_of(person.harp_id),
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
        row.holder = holder_of(person.harp_id)
        audit.record(
            audit.Action.assignment_changed,
            mlist.list_id,
            email,
            role=role.value,
            **changed,
        )
    projection.project([(mlist.list_id, email)])
    return True


def unassign(mlist: Mlist, role: Role, email: str) -> bool:
    """Take a person's assignment away.

    :return: Whether there was one.
    """
    projection.lock()
    email = email.lower()
    row = _find(mlist.list_id, role, email)
    if row is None:
        return False
    store().delete(row)
    audit.record(audit.Action.unassigned, mlist.list_id, email, role=role.value)
    projection.project([(mlist.list_id, email)])
    return True


def change_address(old: str, new: str) -> list[str]:
    """Let all assignments of one address be of another one.

    Where the new address has the same assignment already, that one stays; the
    privileges of both are added up.

    :return: The IDs of the lists that this was about.
    """
    projection.lock()
    old, new = old.lower(), new.lower()
    if old == new:
        return []
    rows = list(
        store().scalars(
            select(QNetAssignment)
            .where(QNetAssignment.email == old)
            .order_by(QNetAssignment.list_id, QNetAssignment.role)
            .execution_options(populate_existing=True)
        )
    )
    for row in rows:
        other = _find(row.list_id, Role(row.role), new)
        if other is None:
            row.email = new
        else:
            other.may_post = other.may_post or row.may_post
            store().delete(row)
        audit.record(
            audit.Action.assignment_changed,
            row.list_id,
            old,
            role=row.role,
            email=new,
        )
    lists = sorted({row.list_id for row in rows})
    projection.project((list_id, email) for list_id in lists for email in (old, new))
    return lists


def _find(list_id: str, role: Role, email: str) -> QNetAssignment | None:
    return store().scalar(
        select(QNetAssignment)
        .where(
            QNetAssignment.list_id == list_id,
            QNetAssignment.email == email,
            QNetAssignment.role == role.value,
        )
        # What this session knows may be older than the lock.
        .execution_options(populate_existing=True)
    )


def posters_of(mlist: Mlist) -> list[str]:
    """The addresses with posting privileges on a list, sorted."""
    return list(
        store().scalars(
            select(QNetPoster.email)
            .where(QNetPoster.list_id == mlist.list_id)
            .order_by(QNetPoster.email)
        )
    )
