# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person is to a list, as the database knows it (R3, R4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mailman.interfaces.action import Action
from mailman.interfaces.address import IEmailValidator
from mailman.interfaces.member import MemberRole
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.model.user import User
from sqlalchemy import bindparam, select, union
from zope.component import getUtility

from qnet_mailman.features import features_of
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.base import store
from qnet_mailman.model.people import QNetPoster
from qnet_mailman.model.statements import unindexed
from qnet_mailman.posting.decision import Fate, Standing

_FATES = {
    Action.accept: Fate.deliver,
    Action.hold: Fate.hold,
    Action.reject: Fate.reject,
    Action.discard: Fate.discard,
}


@dataclass(frozen=True)
class Person:
    """The author of a post and what the list knows of them.

    :ivar addresses: The address of the post, and every address of the same
        user that was verified; in lower case.
    :ivar names: The display names that Mailman knows.
    :ivar personal: The action that moderators set for this person.
    :ivar email: The address of the post; None where it is none that Mailman takes.
    """

    standing: Standing
    addresses: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    personal: Fate | None = None
    email: str | None = None


_SAME_USER = (
    select(Address.user_id)
    .where(Address.email == bindparam('email'), Address._verified_on.is_not(None))
    .scalar_subquery()
)
_ADDRESSES = (
    select(Address, User)
    .outerjoin(User, Address.user_id == User.id)
    .where((Address.email == bindparam('email')) | (Address.user_id == _SAME_USER))
)
"""An address, and with it all of its user, where it was verified."""
_PRIVILEGE = (
    select(QNetPoster.id)
    .where(
        QNetPoster.list_id == bindparam('list_id'),
        QNetPoster.email.in_(bindparam('addresses', expanding=True)),
    )
    .limit(1)
)
_MEMBERSHIPS = select(Member).where(
    unindexed(Member.list_id) == bindparam('list_id'),
    # One or the other, each with an index of its own.
    Member.id.in_(
        union(
            select(Member.id)
            .join(Address, Member.address_id == Address.id)
            .where(Address.email.in_(bindparam('addresses', expanding=True))),
            select(Member.id).where(Member.user_id == bindparam('user_id')),
        )
    ),
)


def fate_of(action: Action | None) -> Fate | None:
    """Mailman's moderation action as a fate; None where it decides nothing."""
    return _FATES.get(action)


def identify(mlist: Mlist, email: str | None) -> Person:
    """Find out what the author of a post is to a list.

    A second address counts as the same person only once it was verified; an
    address that somebody merely claimed lends nobody's rights.

    :param email: The author's address in lower case; None if there is none.
    """
    if email is None or not getUtility(IEmailValidator).is_valid(email):
        return Person(Standing.nobody)
    addresses = {email}
    names = set()
    user = None
    for address, whose in store().execute(_ADDRESSES, {'email': email}):
        # The address of a user that nobody verified is only itself.
        if address.verified_on is not None:
            addresses.add(address.email)
            names.add(address.display_name)
            if whose is not None:
                user = whose
                names.add(whose.display_name)
        elif address.email == email:
            names.add(address.display_name)
    standing, personal = _standing(mlist, addresses, user)
    return Person(
        standing,
        frozenset(addresses),
        frozenset(name for name in names if name),
        personal,
        email,
    )


def _standing(
    mlist: Mlist, addresses: set[str], user: Any
) -> tuple[Standing, Fate | None]:
    if _has_privilege(mlist, addresses):
        return Standing.poster, None
    members = _memberships(mlist, addresses, user)
    by_role: dict[MemberRole, Any] = {}
    for member in members:
        by_role.setdefault(member.role, member)
    if by_role and _is_privileged(mlist, by_role):
        return Standing.poster, None
    personal = None
    for role in (MemberRole.member, MemberRole.nonmember):
        if role in by_role:
            personal = fate_of(by_role[role].moderation_action)
            break
    for role, standing in (
        (MemberRole.owner, Standing.administrator),
        (MemberRole.moderator, Standing.moderator),
        (MemberRole.member, Standing.member),
    ):
        if role in by_role:
            return standing, personal
    return Standing.stranger, personal


def _has_privilege(mlist: Mlist, addresses: set[str]) -> bool:
    asked = {'list_id': mlist.list_id, 'addresses': sorted(addresses)}
    return store().scalar(_PRIVILEGE, asked) is not None


def _is_privileged(mlist: Mlist, by_role: dict[MemberRole, Any]) -> bool:
    """Whether a list of another style gives posting privileges, in Mailman's own way.

    It has no assignments: its owners and moderators have them, and whose posts a
    moderator lets pass ("accept").
    """
    features = features_of(mlist)
    if features.style or not features.posting_rights:
        return False
    return any(
        role in (MemberRole.owner, MemberRole.moderator)
        or member.moderation_action is Action.accept
        for role, member in by_role.items()
    )


def _memberships(mlist: Mlist, addresses: set[str], user: Any) -> list[Any]:
    asked = {
        'list_id': mlist.list_id,
        'addresses': sorted(addresses),
        'user_id': None if user is None else user.id,
    }
    return list(store().scalars(_MEMBERSHIPS, asked))
