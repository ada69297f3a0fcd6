# SPDX-License-Identifier: GPL-3.0-or-later
"""Who decides about a grant, and whose word lasts (R24-R26, R31)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from mailman.utilities.datetime import now as real_now
from sqlalchemy import select, update

from qnet_mailman.model import audit
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.jobs import do_due
from qnet_mailman.model.people import QNetGrant
from qnet_mailman.roles import grants, overview
from qnet_mailman.roles.grants import Decision, GrantError, Route
from qnet_mailman.roles.people import Assignee, assign
from qnet_mailman.roles.rights import Identity, Role, Status, holder_of
from qnet_mailman.runners import periodic, task
from tests.clock import Clock
from tests.effort import effort

PAT = Identity.of('pexample')
BOTH = {Role.administrator, Role.moderator}


def sign_in(*roles: Role, email: str = 'pat@example.org') -> bool:
    return grants.sign_in(PAT, 'Pat Example', email, roles)


def status(role: Role = Role.administrator) -> str | None:
    row = grants.find(PAT, role)
    return None if row is None else overview.status_of(row).value


def audited() -> list[tuple[str, str, dict[str, Any]]]:
    rows = store().scalars(select(QNetAudit).order_by(QNetAudit.id))
    return [(row.action, row.subject, json.loads(row.detail)) for row in rows]


@pytest.mark.parametrize(
    ('written', 'holder'),
    [
        ('PExample', 'harp:pexample'),
        (' eua:ABCD ', 'eua:abcd'),
        ('HARP:x:y', 'harp:x:y'),
        ('', ''),
        ('no provider:x', 'no provider:x'),
    ],
)
def test_how_a_harp_id_is_read(written: str, holder: str) -> None:
    assert holder_of(written) == holder


def test_the_claims_are_what_a_person_has(core: Any) -> None:
    assert sign_in(Role.administrator)
    assert (status(), status(Role.moderator)) == ('active', None)
    assert not sign_in(Role.administrator), 'nothing is new'
    assert sign_in(Role.moderator)
    assert (status(), status(Role.moderator)) == ('revoked', 'active')
    assert sign_in(*BOTH)
    assert (status(), status(Role.moderator)) == ('active', 'active')
    assert sign_in(*BOTH, email='other@example.org')
    assert overview.rights(PAT)['email'] == 'other@example.org'
    assert sign_in()
    assert (status(), status(Role.moderator)) == ('revoked', 'revoked')


@pytest.mark.parametrize('how', ['revoke', 'deny', 'expire', 'revoke after sign-in'])
def test_an_operators_word_outlasts_a_sign_in(
    core: Any, clock: Clock, how: str
) -> None:
    if how != 'deny':
        sign_in(Role.administrator)
    if how == 'revoke after sign-in':
        sign_in()
    if how == 'deny':
        grants.deny(PAT, Role.administrator, 'No.')
    elif how == 'expire':
        grants.expire_at(PAT, Role.administrator, clock.moment)
    else:
        grants.revoke(PAT, Role.administrator, 'No.')
    ended = status()
    assert ended != 'active'
    sign_in(Role.administrator, email='new@example.org')
    do_due(periodic.TASKS, clock.forward(minutes=5))
    sign_in(Role.administrator)
    assert status() == ended
    # An import that says the same does not change whose word it is.
    again = Decision(Status(ended or ''))
    grants.apply([(PAT, Role.administrator, again)], Route.imported)
    sign_in(Role.administrator)
    assert status() == ended
    grants.apply([(PAT, Role.administrator, Decision(Status.active))], Route.imported)
    assert status() == 'active'
    sign_in()
    assert sign_in(Role.administrator)
    assert status() == 'active', 'from then on the provider decides again'


def test_time_ends_a_grant_before_any_job_looks(
    core: Any, make_list: Any, clock: Clock
) -> None:
    mlist = make_list()
    assign(mlist, Role.administrator, Assignee('pat@example.org', harp_id='pexample'))
    end = clock.moment
    clock.forward(days=-10)
    grants.approve(PAT, Role.administrator, expires_at=end)
    assert overview.rights(PAT)['administers'] == [mlist.list_id]
    clock.forward(days=10)
    assert overview.rights(PAT)['administers'] == []
    assert overview.rights(PAT)['roles'] == []
    assert mlist.owners.member_count == 1
    do_due(periodic.TASKS, clock.moment)
    assert mlist.owners.member_count == 0
    told = ('role expired', 'harp:pexample')
    detail = {'role': 'administrator', 'by': 'clock', 'status': 'expired'}
    assert (*told, detail) in audited()


def test_the_task_runner_looks_at_the_clock(core: Any) -> None:
    end = real_now() + timedelta(seconds=1)
    grants.approve(PAT, Role.administrator, expires_at=end)
    store().execute(
        update(QNetGrant).values(expires_at=real_now() - timedelta(seconds=1))
    )
    core.config.db.commit()
    task.TaskRunner('task')._do_periodic()
    row = grants.find(PAT, Role.administrator)
    assert row is not None
    assert row.status == 'expired'


def test_what_has_ended_meanwhile_is_noted_first(core: Any, clock: Clock) -> None:
    decision = Decision(Status.active, expires_at=clock.forward(days=1))
    clock.forward(days=-1)
    grants.apply([(PAT, Role.administrator, decision)], Route.imported)
    clock.forward(days=2)
    sign_in(Role.administrator)
    assert [action for action, _subject, _detail in audited()] == [
        'role approved',
        'role expired',
        'role approved',
    ]
    row = grants.find(PAT, Role.administrator)
    assert row is not None
    assert row.expires_at is None


def test_what_does_not_fit_is_refused(core: Any) -> None:
    with pytest.raises(GrantError, match='does not have the role'):
        grants.revoke(PAT, Role.administrator, 'x')
    with pytest.raises(GrantError, match='does not have the role'):
        grants.expire_at(PAT, Role.administrator, None)
    grants.request(PAT, Role.administrator, name='Pat', email='pat@example.org')
    with pytest.raises(GrantError, match='it can be denied'):
        grants.revoke(PAT, Role.administrator, 'x')
    grants.approve(PAT, Role.administrator)
    with pytest.raises(GrantError, match='can be revoked'):
        grants.deny(PAT, Role.administrator, 'x')
    with pytest.raises(GrantError, match='has the role'):
        grants.request(PAT, Role.administrator, name=None, email=None)


def test_everything_is_audited(core: Any, clock: Clock) -> None:
    token = audit.current_actor.set('operator:test')
    try:
        grants.request(PAT, Role.administrator, name='Pat', email='PAT@example.org')
        grants.approve(PAT, Role.administrator)
        assert not grants.approve(PAT, Role.administrator)
        grants.expire_at(PAT, Role.administrator, clock.forward(days=3))
        clock.forward(days=-3)
        grants.revoke(PAT, Role.administrator, 'Has left.')
    finally:
        audit.current_actor.reset(token)
    assert audited() == [
        (
            'role requested',
            'harp:pexample',
            {
                'role': 'administrator',
                'by': 'request',
                'name': 'Pat',
                'email': 'pat@example.org',
            },
        ),
        (
            'role approved',
            'harp:pexample',
            {'role': 'administrator', 'by': 'operator', 'status': 'active'},
        ),
        (
            'grant changed',
            'harp:pexample',
            {
                'role': 'administrator',
                'by': 'operator',
                'expires_at': '2026-03-05 12:00:00',
            },
        ),
        (
            'role revoked',
            'harp:pexample',
            {
                'role': 'administrator',
                'by': 'operator',
                'status': 'revoked',
                'reason': 'Has left.',
            },
        ),
    ]
    assert set(store().scalars(select(QNetAudit.actor))) == {'operator:test'}


def test_rights_take_two_statements_whatever_the_number(
    core: Any, make_list: Any
) -> None:
    for number in range(8):
        role = Role.moderator if number % 2 else Role.administrator
        person = Assignee('pat@example.org', harp_id='pexample' if number % 3 else '')
        assign(make_list(), role, person)
    sign_in(Role.administrator)
    core.config.db.commit()
    with effort() as spent:
        found = overview.rights(PAT)
    assert (len(found['administers']), len(found['moderates'])) == (4, 4)
    assert len(spent.statements) == 2, spent.statements
    with effort() as spent:
        nobody = overview.rights(Identity.of('nobody'))
    assert nobody == {
        'provider': 'harp',
        'user_id': 'nobody',
        'name': '',
        'email': '',
        'roles': [],
        'administers': [],
        'moderates': [],
    }
    assert len(spent.statements) == 1, spent.statements
    with effort() as spent:
        assert not sign_in(Role.administrator)
    assert len(spent.statements) == 2, spent.statements
