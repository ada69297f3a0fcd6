# SPDX-License-Identifier: GPL-3.0-or-later
"""Assignments, and the rosters and privileges they project on (R25)."""

from __future__ import annotations

from typing import Any

import pytest
from mailman.interfaces.bans import IBanManager

from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import mask_of, set_mask
from qnet_mailman.roles import grants
from qnet_mailman.roles.people import (
    Assignee,
    assign,
    change_address,
    posters_of,
    unassign,
)
from qnet_mailman.roles.rights import Identity, Role
from qnet_mailman.values import Mask

PEOPLE = ['pat@agency.example.gov', 'kim@agency.example.gov', 'lee@example.org']


def rosters(mlist: Any) -> dict[str, set[str]]:
    return {
        'administrator': {a.email for a in mlist.owners.addresses},
        'moderator': {a.email for a in mlist.moderators.addresses},
    }


def test_an_assignment_waits_for_the_role(make_list: Any) -> None:
    mlist = make_list()
    person = Assignee('Pat@Agency.Example.GOV', 'Pat Example', 'pexample', True)
    assert assign(mlist, Role.administrator, person)
    assert rosters(mlist)['administrator'] == set()
    assert posters_of(mlist) == []
    grants.approve(Identity.of('PExample'), Role.administrator)
    assert rosters(mlist)['administrator'] == {'pat@agency.example.gov'}
    assert posters_of(mlist) == ['pat@agency.example.gov']
    assert not assign(mlist, Role.administrator, person), 'nothing changed'
    (member,) = mlist.owners.members
    assert member.display_name == 'Pat Example'
    grants.revoke(Identity.of('pexample'), Role.administrator, 'Has left.')
    assert rosters(mlist)['administrator'] == set()
    assert posters_of(mlist) == []


def test_an_assignment_of_somebody_who_has_the_role_is_effective_at_once(
    make_list: Any,
) -> None:
    mlist = make_list()
    grants.approve(Identity.of('pexample'), Role.administrator)
    assign(mlist, Role.administrator, Assignee(PEOPLE[0], harp_id='harp:PExample'))
    assert rosters(mlist)['administrator'] == {PEOPLE[0]}


def test_an_assignment_without_an_id_goes_by_the_verified_address(
    make_list: Any,
) -> None:
    mlist = make_list()
    assign(mlist, Role.moderator, Assignee(PEOPLE[0]))
    assign(mlist, Role.moderator, Assignee(PEOPLE[1], harp_id='kim1'))
    # Somebody else at another provider, whose ID or address is the same.
    grants.approve(Identity.of('kim1', 'eua'), Role.moderator, email=PEOPLE[1])
    grants.approve(Identity.of('pexample', 'eua'), Role.moderator, email=PEOPLE[0])
    assert rosters(mlist)['moderator'] == {PEOPLE[0]}
    # The provider has verified another address instead.
    grants.sign_in(Identity.of('pexample', 'eua'), '', PEOPLE[2], {Role.moderator})
    assert rosters(mlist)['moderator'] == set()


def test_the_roles_that_do_not_match(make_list: Any) -> None:
    mlist = make_list()
    assign(mlist, Role.administrator, Assignee(PEOPLE[0], harp_id='pat'))
    assign(mlist, Role.moderator, Assignee(PEOPLE[1], harp_id='kim'))
    grants.approve(Identity.of('pat'), Role.moderator)
    grants.approve(Identity.of('kim'), Role.administrator)
    # Who has only the moderator's role moderates where they are administrator.
    assert rosters(mlist) == {'administrator': set(), 'moderator': set(PEOPLE[:2])}


def test_privileges_of_one_role_stay_when_the_other_goes(make_list: Any) -> None:
    mlist = make_list()
    grants.approve(Identity.of('pat'), Role.administrator)
    pat = Assignee(PEOPLE[0], harp_id='pat', may_post=True)
    assign(mlist, Role.administrator, pat)
    assign(mlist, Role.moderator, pat)
    unassign(mlist, Role.administrator, PEOPLE[0])
    assert rosters(mlist) == {'administrator': set(), 'moderator': {PEOPLE[0]}}
    assert posters_of(mlist) == [PEOPLE[0]]
    unassign(mlist, Role.moderator, PEOPLE[0])
    assert posters_of(mlist) == []
    assert not unassign(mlist, Role.moderator, PEOPLE[0])


def test_a_change_of_address_moves_everything(make_list: Any) -> None:
    first, second = make_list(), make_list()
    grants.approve(Identity.of('pat'), Role.administrator)
    for mlist in (first, second):
        assign(mlist, Role.administrator, Assignee(PEOPLE[0], 'Pat', 'pat', True))
    assign(second, Role.administrator, Assignee(PEOPLE[2], 'Pat', 'pat'))
    lists = change_address(PEOPLE[0].upper(), PEOPLE[2])
    assert lists == sorted([first.list_id, second.list_id])
    for mlist in (first, second):
        assert rosters(mlist)['administrator'] == {PEOPLE[2]}
        assert posters_of(mlist) == [PEOPLE[2]]
    assert change_address(PEOPLE[0], PEOPLE[2]) == []


def test_a_ban_does_not_decide_about_rosters(make_list: Any) -> None:
    mlist = make_list()
    IBanManager(mlist).ban(PEOPLE[0])
    assign(mlist, Role.moderator, Assignee(PEOPLE[0], harp_id='pat'))
    grants.approve(Identity.of('pat'), Role.moderator)
    assert rosters(mlist)['moderator'] == {PEOPLE[0]}


def test_changes_are_audited(core: Any, make_list: Any) -> None:
    mlist = make_list()
    assign(mlist, Role.administrator, Assignee(PEOPLE[0]))
    assign(mlist, Role.administrator, Assignee(PEOPLE[0], may_post=True))
    unassign(mlist, Role.administrator, PEOPLE[0])
    rows = store().query(QNetAudit).filter_by(list_id=mlist.list_id).all()
    assert [row.action for row in rows if row.subject == PEOPLE[0]] == [
        'assigned',
        'assignment changed',
        'unassigned',
    ]


@pytest.mark.parametrize('mask', ['administrators', 'everyone', 'off'])
def test_masking_and_mailmans_anonymous_list_agree(make_list: Any, mask: str) -> None:
    mlist = make_list()
    set_mask(mlist, Mask(mask))
    assert mask_of(mlist) == mask
    assert mlist.anonymous_list is (mask == 'everyone')
    mlist.anonymous_list = True
    assert mask_of(mlist) is Mask.everyone
    mlist.anonymous_list = False
    # What was set before is kept under the switch of Postorius.
    assert mask_of(mlist) == ('off' if mask == 'off' else 'administrators')
