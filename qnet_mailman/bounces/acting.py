# SPDX-License-Identifier: GPL-3.0-or-later
"""What administrators do with several members at once whose mail bounces (R20, R22)."""

from __future__ import annotations

import logging
from collections.abc import Collection
from enum import Enum
from typing import Any
from uuid import UUID

from mailman.interfaces.member import DeliveryStatus, MemberRole
from mailman.model.member import Member
from sqlalchemy import select

from qnet_mailman.bounces import discipline, member_notices, table
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import audit, limits
from qnet_mailman.model.base import store
from qnet_mailman.subscriptions import leaving

MOST = 100
"""Members that are acted on at once."""

log = logging.getLogger('mailman.bounce')


class Act(Enum):
    """What is done."""

    enable = 'enable'
    """Delivery that bounces have stopped is turned on again."""
    notify = 'notify'
    """The member is told what to do: once a day at most."""
    remove = 'remove'


def act(mlist: Mlist, what: Act, ids: Collection[UUID], *, actor: str) -> list[str]:
    """Do something with members of a list.  Does not commit.

    :param ids: Of the members; who is none (any more) is passed over.
    :param actor: Who does it, for the audit log.
    :return: The addresses of those with whom it was done.
    """
    members = store().scalars(
        select(Member)
        .where(
            Member._member_id.in_(ids),
            Member.list_id == mlist.list_id,
            Member.role == MemberRole.member,
        )
        .order_by(Member.id)
        .with_for_update(of=Member)
    )
    found = [member for member in members if member.address is not None]
    match what:
        case Act.enable:
            done = [one for member in found if (one := _enable(mlist, member, actor))]
        case Act.notify:
            done = [one for member in found if (one := _notify(mlist, member))]
        case Act.remove:
            done = list(leaving.end(mlist, found))
    log.info('%s: %s: %s %s', mlist.list_id, actor, what.value, ', '.join(done))
    return done


def _enable(mlist: Mlist, member: Any, actor: str) -> str | None:
    email = table.enable(mlist, member.member_id)
    if email is not None:
        audit.record(audit.Action.delivery_enabled, mlist.list_id, email, actor=actor)
    return email


def _notify(mlist: Mlist, member: Any) -> str | None:
    email = str(member.address.email)
    if not limits.allowed('told of bounces', f'{mlist.list_id} {email}', 1, limits.DAY):
        return None
    member_notices.send_help(
        mlist,
        email,
        last=discipline.last_bounce(member),
        stopped=member.preferences.delivery_status is DeliveryStatus.by_bounces,
    )
    return email
