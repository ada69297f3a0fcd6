# SPDX-License-Identifier: GPL-3.0-or-later
"""Rosters equal assignments cut with active grants, whatever happened (R24-R26)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from mailman.app.lifecycle import create_list, remove_list
from mailman.config import config
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.member import MemberRole
from mailman.interfaces.usermanager import IUserManager
from mailman.model.member import Member
from mailman.utilities.datetime import now as real_now
from sqlalchemy import func, select
from zope.component import getUtility

from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.jobs import do_due
from qnet_mailman.model.people import QNetAssignment, QNetGrant, QNetUnattended
from qnet_mailman.roles import grants, overview, projection
from qnet_mailman.roles.grants import Decision, GrantError, Route
from qnet_mailman.roles.people import (
    Assignee,
    assign,
    change_address,
    posters_of,
    unassign,
)
from qnet_mailman.roles.rights import Identity, Role, Status
from qnet_mailman.runners import periodic
from tests.clock import Clock
from tests.conftest import DOMAIN, _clear
from tests.examples import LONG, again_long
from tests.helpers import make_user

EMAILS = [f'person{number}@example.org' for number in range(2)]
USERS = [Identity.of('ann'), Identity.of('ann', 'eua')]
HARP_IDS = ['', '', 'Ann', 'EUA:ann']
NAMES = [f'list{number}@{DOMAIN}' for number in range(2)]

emails = st.sampled_from(EMAILS)
users = st.sampled_from(USERS)
roles = st.sampled_from(list(Role))
names = st.sampled_from(NAMES)


class _Model:
    """What the rosters must be, said in another way than the code says it."""

    def __init__(self) -> None:
        self.assignments: dict[tuple[str, Role, str], tuple[str, bool]] = {}
        self.grants: dict[tuple[Identity, Role], dict[str, Any]] = {}

    def held(self, harp_id: str, email: str, moment: Any) -> set[Role]:
        return {
            role
            for (identity, role), grant in self.grants.items()
            if grant['status'] == 'active'
            and (grant['until'] is None or grant['until'] > moment)
            and (
                (harp_id and str(identity) == self.key(harp_id))
                or (not harp_id and grant['email'] == email)
            )
        }

    @staticmethod
    def key(harp_id: str) -> str:
        harp_id = harp_id.lower()
        return harp_id if ':' in harp_id else f'harp:{harp_id}'

    def rosters(self, moment: Any) -> tuple[set[Any], set[Any]]:
        found, posters = set(), set()
        for (name, role, email), (harp_id, may_post) in self.assignments.items():
            held = self.held(harp_id, email, moment)
            if not held:
                continue
            right = role if Role.administrator in held else Role.moderator
            found.add((name, right, email))
            if may_post:
                posters.add((name, email))
        return found, posters


class Histories(RuleBasedStateMachine):
    """Anything that can happen to assignments and grants, in any order."""

    clock: Clock
    clean: Any

    @initialize()
    def begin(self) -> None:
        self.clean()
        self.model = _Model()
        getUtility(IDomainManager).add(DOMAIN)
        for name in NAMES:
            create_list(name, style_name='qnet-discussion-public')
            for email, harp_id in zip(EMAILS, ('', 'Ann'), strict=True):
                for role in Role:
                    self.assign(name, email, role, harp_id, True, '')
        for user, email in zip(USERS, EMAILS, strict=True):
            for role in Role:
                self.imported(user, role, email, Status.active, None)

    def list_named(self, name: str) -> Any:
        found = getUtility(IListManager).get(name)
        if found is None:
            found = create_list(name, style_name='qnet-discussion-public')
        return found

    @rule(
        name=names,
        email=emails,
        role=roles,
        harp_id=st.sampled_from(HARP_IDS),
        may_post=st.booleans(),
        called=st.sampled_from(['', 'Ann', 'Ann Other']),
    )
    def assign(
        self,
        name: str,
        email: str,
        role: Role,
        harp_id: str,
        may_post: bool,
        called: str,
    ) -> None:
        # Renames, too, and gives another ID.
        assign(self.list_named(name), role, Assignee(email, called, harp_id, may_post))
        self.model.assignments[name, role, email] = (harp_id, may_post)

    @rule(name=names, email=emails, role=roles)
    def unassign(self, name: str, email: str, role: Role) -> None:
        there = unassign(self.list_named(name), role, email)
        assert there == ((name, role, email) in self.model.assignments)
        self.model.assignments.pop((name, role, email), None)

    @rule(old=emails, new=emails)
    def change_address(self, old: str, new: str) -> None:
        change_address(old, new)
        if old == new:
            return
        for key in sorted(self.model.assignments):
            name, role, email = key
            if email == old:
                harp_id, may_post = self.model.assignments.pop(key)
                other = self.model.assignments.get((name, role, new))
                self.model.assignments[name, role, new] = (
                    (harp_id, may_post)
                    if other is None
                    else (other[0], other[1] or may_post)
                )

    @rule(
        user=users,
        role=roles,
        email=emails,
        status=st.sampled_from([*Status, *[Status.active] * 5]),
        days=st.sampled_from([None, None, None, -1, 1, 3]),
    )
    def imported(
        self, user: Identity, role: Role, email: str, status: Status, days: int | None
    ) -> None:
        until = None if days is None else self.clock() + timedelta(days=days)
        decision = Decision(status, '', email, until)
        grants.apply([(user, role, decision)], Route.imported)
        self.model.grants[user, role] = {
            'status': status.value,
            'email': email,
            'until': until,
        }

    @rule(user=users, role=roles, how=st.sampled_from(['revoke', 'deny', 'expire']))
    def ended(self, user: Identity, role: Role, how: str) -> None:
        try:
            if how == 'revoke':
                grants.revoke(user, role, 'So it is.')
            elif how == 'deny':
                grants.deny(user, role, 'So it is.')
            else:
                grants.expire_at(user, role, self.clock())
        except GrantError:
            return
        self.model.grants.setdefault((user, role), {'email': '', 'until': None})
        self.model.grants[user, role]['status'] = 'ended by an operator'

    @rule(user=users, email=emails, claimed=st.sets(roles))
    def sign_in(self, user: Identity, email: str, claimed: set[Role]) -> None:
        grants.sign_in(user, 'Somebody', email, claimed)
        for role in Role:
            grant = self.model.grants.get((user, role))
            if grant is None and role not in claimed:
                continue
            grant = self.model.grants.setdefault(
                (user, role), {'status': 'new', 'until': None}
            )
            grant['email'] = email
            lasts = grant['until'] is None or grant['until'] > self.clock()
            was_active = grant['status'] == 'active' and lasts
            if role in claimed and grant['status'] != 'ended by an operator':
                grant['until'] = grant['until'] if lasts else None
                grant['status'] = 'active'
            elif role not in claimed and was_active:
                grant['status'] = 'revoked'
            # An operator's end of an approval is kept by the code as the end of time.

    @rule(days=st.integers(1, 3))
    def time_passes(self, days: int) -> None:
        self.clock.forward(days=days)
        config.db.commit()
        do_due(periodic.TASKS, self.clock())

    @rule(name=names)
    def remove_list(self, name: str) -> None:
        remove_list(self.list_named(name))
        for key in list(self.model.assignments):
            if key[0] == name:
                del self.model.assignments[key]

    @rule(name=names, email=emails, role=st.sampled_from(['owner', 'moderator']))
    def behind_our_back(self, name: str, email: str, role: str) -> None:
        mlist, member_role = self.list_named(name), MemberRole[role]
        if mlist.get_roster(member_role).get_member(email) is None:
            getUtility(IUserManager).make_user(email)
            address = getUtility(IUserManager).get_address(email)
            mlist.subscribe(address, member_role)

    @invariant()
    def rosters_are_what_they_must_be(self) -> None:
        if not hasattr(self, 'model'):
            return
        wanted, posters = self.model.rosters(self.clock())
        found, found_posters = set(), set()
        for name in NAMES:
            mlist = self.list_named(name)
            found |= {
                (name, role, address.email)
                for role, member_role in projection.ROSTERS.items()
                for address in mlist.get_roster(member_role).addresses
            }
            found_posters |= {(name, email) for email in posters_of(mlist)}
        assert found == wanted
        assert found_posters == posters
        assert projection.project() == []
        for user in USERS:
            told = overview.rights(user)
            held = {
                role.value
                for (identity, role), grant in self.model.grants.items()
                if identity == user
                and grant['status'] == 'active'
                and (grant['until'] is None or grant['until'] > self.clock())
            }
            assert set(told['roles']) == held


@again_long
def test_any_order_of_events(core: Any, clock: Clock) -> None:
    Histories.clock = clock
    Histories.clean = staticmethod(lambda: _clear(core))
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=25 if LONG else 8,
            stateful_step_count=30,
            suppress_health_check=list(HealthCheck),
        ),
    )


# --------------------------------------------------------- behind our back


@pytest.fixture
def administered(mlist: Any) -> Any:
    """A list with an administrator, who has the role."""
    grants.approve(Identity.of('pat'), Role.administrator)
    assign(mlist, Role.administrator, Assignee('pat@example.org', harp_id='pat'))
    config.db.commit()
    return mlist


def owners(mlist: Any) -> list[str]:
    return sorted(address.email for address in mlist.owners.addresses)


def corrected() -> list[tuple[str, str]]:
    query = select(QNetAudit).where(QNetAudit.action == 'roster corrected')
    return [(row.subject, row.detail) for row in store().scalars(query)]


def test_who_is_added_otherwise_is_off_the_roster_again(administered: Any) -> None:
    make_user('mallory@example.org')
    address = getUtility(IUserManager).get_address('mallory@example.org')
    administered.subscribe(address, MemberRole.owner)
    administered.subscribe(address, MemberRole.moderator)
    config.db.commit()
    assert owners(administered) == ['pat@example.org']
    assert list(administered.moderators.members) == []
    assert [subject for subject, _detail in corrected()] == ['mallory@example.org'] * 2


def test_owners_given_at_the_making_of_a_list_have_no_right(core: Any) -> None:
    getUtility(IDomainManager).add(DOMAIN)
    made = create_list(
        f'new@{DOMAIN}', ['mallory@example.org'], style_name='qnet-discussion-public'
    )
    plain = create_list(
        f'plain@{DOMAIN}', ['mallory@example.org'], style_name='legacy-default'
    )
    config.db.commit()
    assert owners(made) == []
    assert owners(plain) == ['mallory@example.org'], 'not ours to decide'


def test_what_mailman_does_not_tell_of_is_put_right(administered: Any) -> None:
    user = make_user('mallory@example.org')
    (address,) = user.addresses
    (member,) = administered.owners.members
    # As a change of a membership's address over REST.
    member._address = address
    config.db.commit()
    assert owners(administered) == ['mallory@example.org']
    do_due(periodic.TASKS, real_now())
    assert owners(administered) == ['pat@example.org']
    assert len(corrected()) == 2
    do_due(periodic.TASKS, real_now() + timedelta(hours=1))
    assert len(corrected()) == 2


def test_who_is_removed_otherwise_is_on_the_roster_again(administered: Any) -> None:
    (member,) = administered.owners.members
    member.unsubscribe()
    config.db.commit()
    assert owners(administered) == []
    assert projection.reconcile() != []
    assert owners(administered) == ['pat@example.org']


def test_a_membership_by_preferred_address_does_not_count(administered: Any) -> None:
    user = getUtility(IUserManager).get_user('pat@example.org')
    (address,) = user.addresses
    address.verified_on = real_now()
    user.preferred_address = address
    (member,) = administered.owners.members
    member._address, member._user = None, user
    config.db.commit()
    projection.reconcile()
    (member,) = administered.owners.members
    assert member.address_id is not None


def test_a_deleted_user_who_is_assigned_comes_back(administered: Any) -> None:
    manager = getUtility(IUserManager)
    manager.delete_user(manager.get_user('pat@example.org'))
    config.db.commit()
    projection.reconcile()
    assert owners(administered) == ['pat@example.org']


# --------------------------------------------------------- the last one gone


def unattended() -> list[str]:
    return list(store().scalars(select(QNetUnattended.list_id)))


def test_a_list_is_noted_when_its_last_administrator_goes(administered: Any) -> None:
    assign(administered, Role.administrator, Assignee('kim@example.org', harp_id='kim'))
    grants.approve(Identity.of('kim'), Role.administrator)
    grants.revoke(Identity.of('pat'), Role.administrator, 'x')
    assert unattended() == []
    grants.expire_at(Identity.of('kim'), Role.administrator, real_now())
    assert unattended() == [administered.list_id]
    grants.approve(Identity.of('pat'), Role.administrator)
    assert unattended() == []
    unassign(administered, Role.administrator, 'pat@example.org')
    assert unattended() == [administered.list_id]
    remove_list(administered)
    assert unattended() == []


def test_everything_goes_with_the_list_but_the_grants(administered: Any) -> None:
    remove_list(administered)
    config.db.commit()
    assert store().scalar(select(func.count(QNetAssignment.id))) == 0
    assert store().scalar(select(func.count(QNetGrant.id))) == 1
    assert store().scalar(select(func.count(Member.id))) == 0


def test_a_big_site_is_projected_in_portions(core: Any, make_list: Any) -> None:
    mlist = make_list()
    many = range(600)
    for number in many:
        store().add(
            QNetAssignment(
                list_id=mlist.list_id,
                email=f'person{number}@example.org',
                holder=f'harp:person{number}',
                harp_id=f'person{number}',
                role='moderator',
                created_at=real_now(),
            )
        )
    decisions = [
        (Identity.of(f'person{number}'), Role.moderator, Decision(Status.active))
        for number in many
    ]
    assert grants.apply(decisions, Route.imported) == 600
    assert mlist.moderators.member_count == 600
    assert projection.project() == []
