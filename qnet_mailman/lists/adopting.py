# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking a list of Mailman's own over, and handing it back (R40).

Both are one transaction for each list, of the database alone: there is no moment in
which half of it is done.  A row (`model/lists.py`) says whose a list is, and everybody
looks there; so a post that is on its way meets the rules of either before or after:

- in the queues `in` and `pipeline`, those that hold when its turn comes;
- what Mailman has prepared is masked where it leaves the queues `archive` and `out`,
  and what its digest file has when our digest is made (`handlers/mask.py`);
- what ours have prepared, Mailman delivers as it is.

Members stay as they are.  What is replaced is kept (`model/adoptions.py`): handing a
list back restores each setting that nobody has changed since, and the rosters of owners
and moderators as their assignments are by then (R25).
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from mailman.config import config
from mailman.interfaces.mailinglist import IListArchiverSet
from mailman.interfaces.usermanager import IUserManager
from mailman.model.member import Member
from mailman.model.preferences import Preferences
from mailman.utilities.datetime import now
from sqlalchemy import delete, select
from zope.component import getUtility

from qnet_mailman.bounces import adopted
from qnet_mailman.lists import digests
from qnet_mailman.lists.adoption_facts import keepers, look, on_rosters, settings_of
from qnet_mailman.lists.adoption_plan import (
    OURS,
    STOCK,
    Difference,
    Kind,
    Released,
    as_plain,
    differences,
    from_plain,
    kind_of,
    wanted,
)
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import audit
from qnet_mailman.model.adoptions import QNetAdoption
from qnet_mailman.model.base import store
from qnet_mailman.model.closures import closure_of
from qnet_mailman.model.lists import QNetList, define, forget_row, row_of
from qnet_mailman.model.people import QNetAssignment, QNetPoster, QNetUnattended
from qnet_mailman.roles import overview, people, projection
from qnet_mailman.roles.projection import ROSTERS
from qnet_mailman.roles.rights import Role, Status
from qnet_mailman.subscriptions import released
from qnet_mailman.values import ListType, Visibility

NO_MORE = frozenset({Status.denied, Status.revoked, Status.expired})
"""Of whoever holds a role no more: they get no stock rights instead (R26)."""


class CannotAdopt(Exception):
    """A list that is not adopted; the text says why."""


class CannotRelease(Exception):
    """A list that is not handed back; the text says why."""


def adopt(
    mlist: Mlist,
    list_type: ListType | None = None,
    visibility: Visibility | None = None,
) -> Kind:
    """Make a list of Mailman's own one of ours; does not commit.

    :param list_type: What it becomes; as its settings say, if None.
    :param visibility: Likewise.
    :raises CannotAdopt: if it is one of ours already.
    """
    _alone_with(mlist)
    if row_of(mlist) is not None:
        raise CannotAdopt(f'{mlist.fqdn_listname} is a list of ours already')
    old = settings_of(mlist)
    kind = kind_of(old, list_type, visibility)
    changes = wanted(kind, old)
    # By Mailman's rules, which still hold: who may post, and who looks after it.
    people_before = keepers(mlist)
    rosters = on_rosters(mlist)
    for name, new in changes.items():
        setattr(mlist, name, new)
    settings = {
        name: (as_plain(name, old[name]), as_plain(name, new))
        for name, new in changes.items()
    }
    store().add(
        QNetAdoption(
            list_id=mlist.list_id,
            adopted_at=now(),
            settings=json.dumps(settings),
            rosters=json.dumps(
                [
                    (role, email, member_id, by_user)
                    for role, email, _name, member_id, by_user in rosters
                ]
            ),
        )
    )
    define(mlist, kind.type, kind.visibility)
    store().flush()
    audit.record(
        audit.Action.list_adopted,
        mlist.list_id,
        mlist.fqdn_listname,
        type=kind.type.value,
        visibility=kind.visibility.value,
        settings=settings,
    )
    # Two runners that looked at them first would make each twice.
    IListArchiverSet(mlist)
    adopted.take_over(mlist, now())
    for (role, email), keeper in people_before.items():
        may_post = keeper.may_post and kind.type is ListType.notification
        people.assign(
            mlist, role, people.Assignee(email, keeper.name, may_post=may_post)
        )
    return kind


def preview(
    mlist: Mlist,
    list_type: ListType | None = None,
    visibility: Visibility | None = None,
) -> tuple[Kind, list[Difference]]:
    """What adopting a list would make of it, and what would differ for whom.

    :raises CannotAdopt: if it is one of ours already.
    """
    if row_of(mlist) is not None:
        raise CannotAdopt(f'{mlist.fqdn_listname} is a list of ours already')
    facts = look(mlist, now())
    kind = kind_of(facts.settings, list_type, visibility)
    return kind, differences(kind, facts)


def release(mlist: Mlist) -> Released:
    """Hand a list back to Mailman's own rules; does not commit.

    What waits for the next digest is in Mailman's file from here on.

    :raises CannotRelease: if it is none of ours, or closed.
    :raises qnet_mailman.lists.digests.Overtaken: if a digest is made just now.
    """
    found = _release(mlist)
    digests.hand_back(mlist)
    return found


def _release(mlist: Mlist) -> Released:
    _alone_with(mlist)
    if row_of(mlist) is None:
        raise CannotRelease(f'{mlist.fqdn_listname} is not a list of ours')
    if closure_of(mlist.list_id) is not None:
        raise CannotRelease(
            f'{mlist.fqdn_listname} is closed: reopen it first, or nobody could'
        )
    row = store().get(QNetAdoption, mlist.list_id)
    left_out = _restore_rosters(mlist, row)
    released.hand_back(mlist)
    adopted.hand_back(mlist.list_id)
    for table in (
        QNetAdoption,
        QNetAssignment,
        QNetPoster,
        QNetUnattended,
        QNetList,
    ):
        store().execute(delete(table).where(table.list_id == mlist.list_id))
    forget_row(mlist)
    # While it is ours, its pipeline stays ours.
    settings = _restore_settings(mlist, row)
    store().flush()
    audit.record(
        audit.Action.list_released,
        mlist.list_id,
        mlist.fqdn_listname,
        settings=settings,
        left_out=left_out,
    )
    return Released(settings, len(on_rosters(mlist)), tuple(left_out))


def preview_release(mlist: Mlist) -> Released:
    """What handing a list back would do: done, and taken back.

    :raises CannotRelease: if it is none of ours, or closed.
    """
    try:
        return _release(mlist)
    finally:
        config.db.abort()


def _alone_with(mlist: Mlist) -> None:
    """Let nobody else adopt a list, hand it back, or change its people or settings."""
    projection.lock()
    store().refresh(mlist, with_for_update=True)
    store().expire_all()


def _restore_settings(mlist: Mlist, row: QNetAdoption | None) -> dict[str, Any]:
    """Undo what adopting has changed and nobody since.

    :return: By name, what was and what is now.
    """
    kept = (
        {name: (STOCK[name], ours) for name, ours in OURS.items()}
        if row is None
        else json.loads(row.settings)
    )
    changed = {}
    for name, (old, new) in kept.items():
        if as_plain(name, getattr(mlist, name)) == new:
            setattr(mlist, name, from_plain(name, old))
            changed[name] = (new, old)
    return changed


def _restore_rosters(mlist: Mlist, row: QNetAdoption | None) -> list[str]:
    """Put on the rosters whoever is assigned; where they were, as they were.

    :return: Who is not, as their role was taken from them.
    """
    before: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    for role, email, member_id, by_user in (
        [] if row is None else json.loads(row.rosters)
    ):
        before.setdefault((role, email), []).append((member_id, by_user))
    there: dict[tuple[str, str], set[str]] = {}
    for role, email, _name, member_id, _by_user in on_rosters(mlist):
        there.setdefault((role, email), set()).add(member_id)
    left_out = []
    for each in overview.assignments_as_dicts(people.assignments_of(mlist)):
        key = each['role'], each['email']
        if each['grant'] in NO_MORE and not each['effective']:
            left_out.append(each['email'])
            continue
        now_there = there.get(key, set())
        # Somebody without a membership before gets one by their address.
        wanted_ones = dict(
            before.get(key) or [(next(iter(now_there), str(uuid.uuid4())), False)]
        )
        for member_id in now_there - wanted_ones.keys():
            _member(member_id).unsubscribe()
        for member_id in wanted_ones.keys() - now_there:
            _put_on(mlist, each, member_id, wanted_ones[member_id])
    return sorted(set(left_out))


def _member(member_id: str) -> Any:
    return (
        store()
        .scalars(select(Member).where(Member._member_id == uuid.UUID(member_id)))
        .one()
    )


def _put_on(
    mlist: Mlist, person: dict[str, Any], member_id: str, by_user: bool
) -> None:
    users = getUtility(IUserManager)
    user = users.make_user(person['email'], person['name'])
    address = users.get_address(person['email'])
    prefers = user.preferred_address is not None and (
        user.preferred_address.email == person['email']
    )
    member = Member(
        ROSTERS[Role(person['role'])],
        mlist.list_id,
        user if by_user and prefers else address,
    )
    member._member_id = uuid.UUID(member_id)
    member.preferences = Preferences()
    store().add(member)
