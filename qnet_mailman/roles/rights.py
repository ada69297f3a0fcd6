# SPDX-License-Identifier: GPL-3.0-or-later
"""What people may do: assignments cut with grants, as plain values (R24, R25).

An *assignment* says that a person is to administer or moderate a list; a *grant*
that a person has a role.  A right is what both give, and here alone is decided what
that is.  No database: `projection` and `overview` fetch the values.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

DEFAULT_PROVIDER = 'harp'
"""Whose IDs the forms name (R29)."""
MAX_USER_ID = 255
_PROVIDER = re.compile(r'[a-z0-9][a-z0-9_-]{0,39}')


class Role(StrEnum):
    """What a person may do with a list (R24)."""

    administrator = 'administrator'
    moderator = 'moderator'


HARP_NAMES = {
    Role.administrator: 'List Administrator',
    Role.moderator: 'List Moderator',
}
"""The roles as HARP writes them (R24)."""


class Status(StrEnum):
    """How a grant is (R25, R28)."""

    requested = 'requested'
    active = 'active'
    denied = 'denied'
    revoked = 'revoked'
    expired = 'expired'


@dataclass(frozen=True)
class Identity:
    """A person as a provider knows them, whatever their name or address.

    :ivar provider: In lower case.
    :ivar user_id: The provider's ID of the person, in lower case.
    """

    provider: str
    user_id: str

    @classmethod
    def of(cls, user_id: str, provider: str = DEFAULT_PROVIDER) -> Identity:
        """Who a provider's ID names, however it is written.

        :raises ValueError: with what follows "expected".
        """
        provider, user_id = provider.strip().lower(), user_id.strip().lower()
        if not _PROVIDER.fullmatch(provider):
            raise ValueError(
                'the name of a provider: letters, digits, "_" and "-", at most 40'
            )
        if not 0 < len(user_id) <= MAX_USER_ID or not user_id.isprintable():
            raise ValueError(f'an ID of at most {MAX_USER_ID} characters in one line')
        return cls(provider, user_id)

    @classmethod
    def written(cls, text: str) -> Identity:
        """Who `pexample` (of the default provider) or `harp:pexample` is.

        :raises ValueError: with what follows "expected".
        """
        provider, colon, user_id = text.partition(':')
        return cls.of(user_id, provider) if colon else cls.of(provider)

    def __str__(self) -> str:
        return f'{self.provider}:{self.user_id}'


def holder_of(harp_id: str) -> str:
    """The identity in the HARP ID of an assignment, to be compared; may be empty.

    What is no identity is one that nobody has.
    """
    if not harp_id.strip():
        return ''
    try:
        return str(Identity.written(harp_id))
    except ValueError:
        return harp_id.strip().lower()[:300]


@dataclass(frozen=True)
class Assignment:
    """A person is to look after a list.

    :ivar email: In lower case.
    :ivar holder: The person's identity; empty where only the address is known.
    """

    list_id: str
    email: str
    role: Role
    holder: str = ''
    name: str = ''
    may_post: bool = False


@dataclass(frozen=True)
class Grant:
    """A person has, had or is to have a role.

    :ivar email: The address that the provider has verified, in lower case.
    :ivar expires_at: In UTC; from then on it is not active.
    """

    holder: str
    email: str
    role: Role
    status: Status = Status.active
    expires_at: datetime | None = None

    def is_active(self, now: datetime) -> bool:
        """Whether it counts, also before a periodic job has seen the clock."""
        return self.status is Status.active and not has_passed(self.expires_at, now)


def has_passed(expires_at: datetime | None, now: datetime) -> bool:
    """Whether something that ends has ended."""
    return expires_at is not None and expires_at <= now


def right_by(assignment: Assignment, roles: Iterable[Role]) -> Role | None:
    """What an assignment gives to a person who has these roles.

    The role of an administrator covers moderating.  Who is assigned as administrator
    and has only the role of a moderator may moderate that list.
    """
    held = set(roles)
    if not held:
        return None
    if Role.administrator in held:
        return assignment.role
    return Role.moderator


@dataclass
class Rights:
    """Who may do what.

    :ivar rosters: The names of people by list, role and address.
    :ivar posters: List and address of who has posting privileges (R3).
    """

    rosters: dict[tuple[str, Role, str], str] = field(default_factory=dict)
    posters: set[tuple[str, str]] = field(default_factory=set)


class ActiveGrants:
    """The grants that count, to be asked about assignments."""

    def __init__(self, grants: Iterable[Grant], now: datetime) -> None:
        self._by_holder: defaultdict[str, set[Role]] = defaultdict(set)
        self._by_email: defaultdict[str, set[Role]] = defaultdict(set)
        for grant in grants:
            if grant.is_active(now):
                self._by_holder[grant.holder].add(grant.role)
                if grant.email:
                    self._by_email[grant.email].add(grant.role)

    def right(self, assignment: Assignment) -> Role | None:
        """What the assignment gives now; None while it waits for a grant.

        The identity says whose grants count.  Where an assignment has none, the
        address does, which the provider has verified.
        """
        roles = (
            self._by_holder.get(assignment.holder, ())
            if assignment.holder
            else self._by_email.get(assignment.email, ())
        )
        return right_by(assignment, roles)


def effective(
    assignments: Iterable[Assignment], grants: Iterable[Grant], now: datetime
) -> Rights:
    """Assignments cut with active grants: what rosters and posting must be (R25).

    :param now: In UTC.
    """
    active = ActiveGrants(grants, now)
    rights = Rights()
    for each in assignments:
        role = active.right(each)
        if role is None:
            continue
        key = (each.list_id, role, each.email)
        # Who comes to a roster by two assignments has the name of the first one.
        if not rights.rosters.get(key):
            rights.rosters[key] = each.name
        if each.may_post:
            rights.posters.add((each.list_id, each.email))
    return rights
