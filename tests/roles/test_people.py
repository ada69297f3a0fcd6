# SPDX-License-Identifier: GPL-3.0-or-later
"""Assignments, and the rosters and privileges they project on (R25)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.roles.people import (
    Assignee,
    Role,
    assign,
    assignments_of,
    posters_of,
    unassign,
)

PEOPLE = ['pat@agency.example.gov', 'kim@agency.example.gov', 'lee@example.org']


def rosters(mlist: Any) -> dict[str, set[str]]:
    return {
        'administrator': {a.email for a in mlist.owners.addresses},
        'moderator': {a.email for a in mlist.moderators.addresses},
    }


def test_an_assignment_is_effective_at_once(make_list: Any) -> None:
    mlist = make_list()
    person = Assignee('Pat@Agency.Example.GOV', 'Pat Example', 'pexample', True)
    assert assign(mlist, Role.administrator, person)
    assert rosters(mlist)['administrator'] == {'pat@agency.example.gov'}
    assert posters_of(mlist) == ['pat@agency.example.gov']
    assert not assign(mlist, Role.administrator, person), 'nothing changed'
    (member,) = mlist.owners.members
    assert member.display_name == 'Pat Example'


def test_privileges_of_one_role_stay_when_the_other_goes(make_list: Any) -> None:
    mlist = make_list()
    assign(mlist, Role.administrator, Assignee(PEOPLE[0], may_post=True))
    assign(mlist, Role.moderator, Assignee(PEOPLE[0], may_post=True))
    unassign(mlist, Role.administrator, PEOPLE[0])
    assert rosters(mlist) == {'administrator': set(), 'moderator': {PEOPLE[0]}}
    assert posters_of(mlist) == [PEOPLE[0]]
    unassign(mlist, Role.moderator, PEOPLE[0])
    assert posters_of(mlist) == []
    assert not unassign(mlist, Role.moderator, PEOPLE[0])


def test_changes_are_audited(core: Any, make_list: Any) -> None:
    mlist = make_list()
    assign(mlist, Role.administrator, Assignee(PEOPLE[0]))
    assign(mlist, Role.administrator, Assignee(PEOPLE[0], may_post=True))
    unassign(mlist, Role.administrator, PEOPLE[0])
    rows = store().query(QNetAudit).filter_by(list_id=mlist.list_id).all()
    assert [row.action for row in rows] == [
        'assigned',
        'assignment changed',
        'unassigned',
    ]
    assert all(row.subject == PEOPLE[0] for row in rows)


steps = st.lists(
    st.tuples(
        st.sampled_from(PEOPLE),
        st.sampled_from(list(Role)),
        st.sampled_from(['assign', 'assign to post', 'unassign']),
    ),
    max_size=25,
)


@given(steps=steps)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rosters_equal_assignments(core: Any, make_list: Any, steps: Any) -> None:
    mlist = make_list()
    expected: dict[tuple[str, str], bool] = {}
    for email, role, step in steps:
        if step == 'unassign':
            unassign(mlist, role, email)
            expected.pop((email, role), None)
        else:
            may_post = step == 'assign to post'
            assign(mlist, role, Assignee(email, may_post=may_post))
            expected[email, role] = may_post
    assert rosters(mlist) == {
        role.value: {email for email, r in expected if r is role} for role in Role
    }
    assert posters_of(mlist) == sorted({e for (e, _), may in expected.items() if may})
    assert {(row.email, row.role) for row in assignments_of(mlist)} == set(expected)
    core.config.db.abort()


@pytest.mark.parametrize('mask', ['administrators', 'everyone', 'off'])
def test_masking_and_mailmans_anonymous_list_agree(make_list: Any, mask: str) -> None:
    from qnet_mailman.model.lists import Mask, mask_of, set_mask

    mlist = make_list()
    set_mask(mlist, Mask(mask))
    assert mask_of(mlist) == mask
    assert mlist.anonymous_list is (mask == 'everyone')
    mlist.anonymous_list = True
    assert mask_of(mlist) is Mask.everyone
    mlist.anonymous_list = False
    # What was set before is kept under the switch of Postorius.
    assert mask_of(mlist) == ('off' if mask == 'off' else 'administrators')
