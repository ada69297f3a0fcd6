# SPDX-License-Identifier: GPL-3.0-or-later
"""Granting roles and taking them away, whoever decides it (R24-R26).

A grant is per provider, person and role.  Four decide about it:

- the provider, when a person signs in: the claims name the roles that they have now;
- an import of what the provider knows (`importing`);
- an operator;
- the clock, when a grant has an end.

The last word counts, with one exception: what an operator has denied, revoked or let
expire stays so when a sign-in still names the role, until an operator or an import
approves it again.

Every function takes the lock, writes rosters and the audit log, and leaves the commit
to its caller, who then lets `telling.tell()` write to the people (R28).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from mailman.utilities.datetime import now
from sqlalchemy import select

from qnet_mailman.model import audit
from qnet_mailman.model.base import store
from qnet_mailman.model.people import QNetGrant
from qnet_mailman.roles import projection
from qnet_mailman.roles.rights import Identity, Role, Status, has_passed

AUDITED = {
    Status.requested: audit.Action.role_requested,
    Status.active: audit.Action.role_approved,
    Status.denied: audit.Action.role_denied,
    Status.revoked: audit.Action.role_revoked,
    Status.expired: audit.Action.role_expired,
}
ENDED = frozenset({Status.denied, Status.revoked, Status.expired})
UNTOLD_UNLESS_ACTIVE = frozenset({Status.revoked, Status.expired})
"""What is news only for somebody who had the role."""
SHOWN = frozenset({'name', 'email', 'status', 'expires_at', 'reason'})
"""What of a change is in the audit log (R31)."""
NOT_CLAIMED = 'Your sign-in provider does not name this role any more.'


class Route(StrEnum):
    """Who decided."""

    sign_in = 'sign-in'
    imported = 'import'
    operator = 'operator'
    request = 'request'
    clock = 'clock'


class GrantError(Exception):
    """What was asked for does not fit the grant as it is."""


class _Keep:
    """Stands for "as it is"."""


KEEP = _Keep()


@dataclass(frozen=True)
class Decision:
    """What a grant is to be.

    :ivar name: The person's name; None leaves it.
    :ivar email: The address that the provider has verified; None leaves it.
    :ivar expires_at: In UTC; None is without end, `KEEP` leaves it.
    :ivar reason: Why, for the person to read.
    """

    status: Status
    name: str | None = None
    email: str | None = None
    expires_at: datetime | _Keep | None = KEEP
    reason: str = ''


@dataclass
class _Concerned:
    """Whose rosters are to be written."""

    holders: set[str] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)

    def project(self) -> None:
        pairs = projection.pairs_of(self.holders, self.emails)
        projection.project(pairs)


def apply(
    decisions: Iterable[tuple[Identity, Role, Decision]],
    route: Route,
    *,
    silent: bool = False,
) -> int:
    """Write decisions, and what follows from them.

    :param silent: Whether the people are not told (R28).
    :return: How many grants have changed.
    """
    projection.lock()
    concerned = _Concerned()
    changed = sum(
        _write(identity, role, decision, route, silent, concerned)
        for identity, role, decision in decisions
    )
    concerned.project()
    return changed


def _write(
    identity: Identity,
    role: Role,
    decision: Decision,
    route: Route,
    silent: bool,
    concerned: _Concerned,
) -> bool:
    moment = now()
    row = find(identity, role)
    if row is not None and is_over(row, moment) and route is not Route.clock:
        # The job that notes it has not come by yet.
        _write(identity, role, Decision(Status.expired), Route.clock, silent, concerned)
    is_new = row is None
    if row is None:
        row = _new(identity, role, decision.status, route, moment)
        store().add(row)
    before = row.status
    changes = _changes(row, decision, route, moment)
    if not changes and not is_new:
        return False
    concerned.holders.add(str(identity))
    concerned.emails |= {row.email, changes.get('email', '')}
    for key, value in changes.items():
        setattr(row, key, value)
    row.changed_at = moment
    action = audit.Action.grant_changed
    if is_new or 'status' in changes:
        action = AUDITED[decision.status]
        had_it = before == Status.active.value and not is_new
        if silent or (decision.status in UNTOLD_UNLESS_ACTIVE and not had_it):
            row.told = decision.status.value
    audit.record(
        action,
        None,
        str(identity),
        role=role.value,
        by=route.value,
        **{key: changes[key] for key in changes if key in SHOWN},
    )
    return True


def _new(
    identity: Identity, role: Role, status: Status, route: Route, moment: datetime
) -> QNetGrant:
    return QNetGrant(
        provider=identity.provider,
        user_id=identity.user_id,
        role=role.value,
        name='',
        email='',
        status=status.value,
        expires_at=None,
        reason='',
        route=route.value,
        told='',
        created_at=moment,
        changed_at=moment,
    )


def _changes(
    row: QNetGrant, decision: Decision, route: Route, moment: datetime
) -> dict[str, Any]:
    wanted: dict[str, Any] = {'status': decision.status.value}
    if decision.name is not None:
        wanted['name'] = decision.name
    if decision.email is not None:
        wanted['email'] = decision.email.lower()
    if not isinstance(decision.expires_at, _Keep):
        wanted['expires_at'] = decision.expires_at
    elif decision.status is Status.active and has_passed(row.expires_at, moment):
        # Its end was that of an earlier approval.
        wanted['expires_at'] = None
    if decision.status is not Status(row.status) or decision.reason:
        wanted['reason'] = decision.reason
    changes = {
        key: value for key, value in wanted.items() if getattr(row, key) != value
    }
    if 'expires_at' in changes:
        changes['warned_at'] = None
    # Time only carries out what somebody decided.
    decides = bool({'status', 'expires_at'} & set(changes)) and route is not Route.clock
    pins = route is Route.operator and decision.status in ENDED
    if (decides or pins) and row.route != route.value:
        changes['route'] = route.value
    return changes


def find(identity: Identity, role: Role) -> QNetGrant | None:
    """The grant of a person's role; None where there never was one."""
    return store().scalar(
        select(QNetGrant)
        .where(
            QNetGrant.provider == identity.provider,
            QNetGrant.user_id == identity.user_id,
            QNetGrant.role == role.value,
        )
        # What this session knows may be older than the lock.
        .execution_options(populate_existing=True)
    )


def is_over(row: QNetGrant, moment: datetime) -> bool:
    """Whether a grant has ended by the clock, and is not marked so yet."""
    return row.status == Status.active.value and has_passed(row.expires_at, moment)


# ----------------------------------------------------------------- operators


def approve(
    identity: Identity,
    role: Role,
    *,
    name: str | None = None,
    email: str | None = None,
    expires_at: datetime | _Keep | None = KEEP,
    silent: bool = False,
) -> bool:
    """Give a person a role.

    :return: Whether anything changed.
    """
    decision = Decision(Status.active, name, email, expires_at)
    return bool(apply([(identity, role, decision)], Route.operator, silent=silent))


def request(
    identity: Identity, role: Role, *, name: str | None, email: str | None
) -> bool:
    """Note that a person has asked for a role (R28).

    :return: Whether anything changed.
    :raises GrantError: if they have it.
    """
    projection.lock()
    _refuse_unless(identity, role, {None, *ENDED, Status.requested}, 'has the role')
    decision = Decision(Status.requested, name, email)
    return bool(apply([(identity, role, decision)], Route.request))


def deny(identity: Identity, role: Role, reason: str) -> bool:
    """Refuse a person a role that they do not have.

    :return: Whether anything changed.
    :raises GrantError: if they have it.
    """
    projection.lock()
    allowed = {None, *ENDED, Status.requested}
    _refuse_unless(identity, role, allowed, 'has the role, which can be revoked')
    decision = Decision(Status.denied, reason=reason)
    return bool(apply([(identity, role, decision)], Route.operator))


def revoke(identity: Identity, role: Role, reason: str) -> bool:
    """Take a role away, for as long as nobody approves it again.

    :return: Whether anything changed.
    :raises GrantError: if they never had it.
    """
    projection.lock()
    allowed: set[Status | None] = {Status.active, Status.revoked, Status.expired}
    _refuse_unless(identity, role, allowed, 'does not have the role; it can be denied')
    decision = Decision(Status.revoked, reason=reason)
    return bool(apply([(identity, role, decision)], Route.operator))


def expire_at(identity: Identity, role: Role, when: datetime | None) -> bool:
    """Set when a role that a person has ends; None is never.

    :return: Whether anything changed.
    :raises GrantError: if they do not have it.
    """
    projection.lock()
    _refuse_unless(identity, role, {Status.active}, 'does not have the role')
    decision = Decision(Status.active, expires_at=when)
    return bool(apply([(identity, role, decision)], Route.operator))


def _refuse_unless(
    identity: Identity, role: Role, allowed: set[Status | None], why: str
) -> None:
    row = find(identity, role)
    status = None if row is None else Status(row.status)
    if row is not None and is_over(row, now()):
        status = Status.expired
    if status not in allowed:
        raise GrantError(f'{identity} {why}: {role.value}')


# ------------------------------------------------------------------- sign-in


def sign_in(identity: Identity, name: str, email: str, roles: Iterable[Role]) -> bool:
    """Take a provider's word for which roles a person has now, no more and no fewer.

    :param email: The address that the provider has verified.
    :return: Whether anything changed.
    """
    claimed = set(roles)
    # Most sign-ins change nothing, and need not wait for anybody.
    if not _news(identity, name, email, claimed):
        return False
    projection.lock()
    return bool(apply(_news(identity, name, email, claimed), Route.sign_in))


def _news(
    identity: Identity, name: str, email: str, claimed: set[Role]
) -> list[tuple[Identity, Role, Decision]]:
    found = []
    for role in Role:
        row = find(identity, role)
        decision = _decided(row, role in claimed, name, email)
        if decision is None:
            continue
        if row is None or _changes(row, decision, Route.sign_in, now()):
            found.append((identity, role, decision))
    return found


def _decided(
    row: QNetGrant | None, is_claimed: bool, name: str, email: str
) -> Decision | None:
    """What the claims make of a grant; None if they leave it."""
    if row is None:
        return Decision(Status.active, name, email) if is_claimed else None
    status = Status.expired if is_over(row, now()) else Status(row.status)
    if not is_claimed:
        if status is Status.active:
            return Decision(Status.revoked, name, email, reason=NOT_CLAIMED)
        return Decision(status, name, email)
    if status in ENDED and row.route == Route.operator.value:
        return Decision(status, name, email)
    return Decision(Status.active, name, email)


# --------------------------------------------------------------------- clock


def expire(moment: datetime) -> int:
    """Mark the grants that have ended, and take away what they gave.

    :return: How many.
    """
    ended = (
        select(QNetGrant.provider, QNetGrant.user_id, QNetGrant.role)
        .where(QNetGrant.status == Status.active.value, QNetGrant.expires_at <= moment)
        .order_by(QNetGrant.id)
    )
    if store().execute(ended.limit(1)).first() is None:
        return 0
    projection.lock()
    return apply(
        [
            (Identity(provider, user_id), Role(role), Decision(Status.expired))
            for provider, user_id, role in store().execute(ended)
        ],
        Route.clock,
    )
