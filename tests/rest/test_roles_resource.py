# SPDX-License-Identifier: GPL-3.0-or-later
"""/roles over REST: sign-in, rights, and what operators decide (R24-R28)."""

from __future__ import annotations

from typing import Any

import pytest
from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.member import MemberRole
from mailman.model.member import Member
from mailman.model.preferences import Preferences
from mailman.utilities.datetime import now
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.people import QNetAssignment
from tests.effort import effort
from tests.helpers import make_user, queued, subscribe
from tests.rest.client import ask

WHO = {'provider': 'harp', 'user_id': 'PExample'}
CLAIMS = {**WHO, 'name': 'Pat Example', 'email': 'Pat@agency.example.gov'}


def get(what: str, **fields: Any) -> Any:
    return ask('GET', f'plugins/qnet/roles{what}', fields)


def post(what: str, **fields: Any) -> Any:
    return ask('POST', f'plugins/qnet/roles/{what}', fields)


def owners(mlist: Any) -> list[str]:
    found = getUtility(IListManager).get_by_list_id(mlist.list_id)
    return sorted(address.email for address in found.owners.addresses)


def assign(mlist: Any, **more: Any) -> Any:
    return post(
        'assign',
        list=mlist.list_id,
        email='pat@agency.example.gov',
        role='administrator',
        name='Pat',
        harp_id='pexample',
        **more,
    )


def without_tag(answer: Any) -> dict[str, Any]:
    return {key: value for key, value in answer.json.items() if key != 'http_etag'}


def test_sign_in_and_rights(plain_list: Any) -> None:
    assert without_tag(assign(plain_list, may_post='yes', actor='operator:ann')) == {
        'changed': True
    }
    nobody = get('/rights', **WHO)
    assert nobody.status_code == 200
    assert (nobody.json['roles'], nobody.json['administers']) == ([], [])
    answer = post('sign-in', **CLAIMS, roles=['administrator', 'moderator'])
    assert answer.status_code == 200
    rights = {
        'provider': 'harp',
        'user_id': 'pexample',
        'name': 'Pat Example',
        'email': 'pat@agency.example.gov',
        'roles': ['administrator', 'moderator'],
        'administers': [plain_list.list_id],
        'moderates': [],
    }
    assert without_tag(answer) == rights
    assert without_tag(get('/rights', **WHO)) == rights
    assert owners(plain_list) == ['pat@agency.example.gov']
    answer = post('sign-in', **CLAIMS, roles='moderator')
    assert (answer.json['administers'], answer.json['moderates']) == (
        [],
        [plain_list.list_id],
    )
    assert owners(plain_list) == []
    answer = post('sign-in', **CLAIMS)
    assert (answer.json['roles'], answer.json['moderates']) == ([], [])
    actors = list(store().scalars(select(QNetAudit.actor).order_by(QNetAudit.id)))
    assert 'REST: operator:ann' in actors
    assert actors[-1] == 'sign-in of harp:pexample'


def test_a_revocation_outlasts_a_sign_in_and_is_told(plain_list: Any) -> None:
    assign(plain_list)
    post('sign-in', **CLAIMS, roles='administrator')
    assert post('revoke', **WHO, role='administrator', reason='Has left.').json[
        'changed'
    ]
    assert get('/rights', **WHO).json['administers'] == []
    assert post('sign-in', **CLAIMS, roles='administrator').json['roles'] == []
    subjects = {str(msg['subject']) for msg, _data in queued('out')}
    assert 'You do not have the role List Administrator any more' in subjects
    post('approve', user_id='harp:pexample', role='List Administrator')
    assert get('/rights', **WHO).json['administers'] == [plain_list.list_id]


def test_assignments_and_grants_are_listed(plain_list: Any) -> None:
    assign(plain_list)
    (entry,) = get('').json['entries']
    assert (entry['list_id'], entry['effective'], entry['grant']) == (
        plain_list.list_id,
        False,
        'none',
    )
    post('request', **WHO, role='administrator', email='pat@agency.example.gov')
    assert get('', list=plain_list.address).json['entries'][0]['grant'] == 'requested'
    (entry,) = get('/grants', status='requested').json['entries']
    assert (entry['user_id'], entry['role'], entry['route']) == (
        'pexample',
        'administrator',
        'request',
    )
    assert 'entries' not in get('/grants', status='active').json
    post('deny', **WHO, role='administrator', reason='No.')
    assert get('/grants', provider='HARP').json['entries'][0]['reason'] == 'No.'
    post('approve', **WHO, role='administrator', expires_at='2199-12-31')
    post('expire-at', **WHO, role='administrator', when='2198-12-31')
    assert get('/grants').json['entries'][0]['expires_at'] == '2198-12-31T00:00:00Z'
    answer = post('change-address', old='pat@agency.example.gov', new='pat@example.org')
    assert answer.json['lists'] == [plain_list.list_id]
    assert owners(plain_list) == ['pat@example.org']
    fields = {'list': plain_list.list_id, 'email': 'pat@example.org'}
    assert post('unassign', **fields, role='administrator').json['changed']
    assert not post('unassign', **fields, role='administrator').json['changed']


def test_an_import(core: Any, plain_list: Any) -> None:
    content = 'user_id,role\nann,moderator\nbob,moderator\n'
    dry = post('import', content=content, mode='full', dry_run='yes')
    assert dry.json['changes'][0]['after'] == 'active'
    assert get('/grants').json['total_size'] == 0
    assert post('import', content=content, mode='full').status_code == 200
    assert get('/grants').json['total_size'] == 2
    refused = post('import', content='user_id,role\nann,moderator\n', mode='full')
    assert refused.status_code == 400
    assert 'would take away 1 of 2 active roles' in refused.text
    rows = '[{"user_id": "ann", "role": "moderator"}]'
    done = post('import', content=rows, format='json', mode='full', force='yes')
    assert done.json['taken_away'] == 1


@pytest.mark.parametrize(
    ('what', 'fields', 'status'),
    [
        ('sign-in', {**CLAIMS, 'roles': 'king'}, 400),
        ('sign-in', {**CLAIMS, 'email': 'nobody'}, 400),
        ('sign-in', {**WHO}, 400),
        ('sign-in', {**CLAIMS, 'provider': 'no:one'}, 400),
        ('sign-in', {**CLAIMS, 'more': 'x'}, 400),
        ('revoke', {**WHO, 'role': 'moderator', 'reason': 'x'}, 409),
        ('expire-at', {**WHO, 'role': 'moderator', 'when': 'soon'}, 400),
        ('import', {'content': 'user_id,role\nx,king\n'}, 400),
        ('import', {'content': '', 'format': 'xml'}, 400),
        ('assign', {'list': 'nosuch.example.gov', 'email': 'a@b.org'}, 400),
        ('nosuch', {}, 404),
        ('approve/more', {}, 404),
    ],
)
def test_mistakes(core: Any, what: str, fields: dict[str, Any], status: int) -> None:
    assert post(what, **fields).status_code == status
    assert get('/grants').json['total_size'] == 0


@pytest.mark.parametrize('fields', [{}, {'provider': 'harp'}, {**WHO, 'x': 'y'}])
def test_rights_need_a_person(core: Any, fields: dict[str, str]) -> None:
    assert get('/rights', **fields).status_code == 400


def test_rights_ask_the_database_little(plain_list: Any) -> None:
    assign(plain_list)
    post('sign-in', **CLAIMS, roles='administrator')
    with effort() as spent:
        get('/rights', **WHO)
    ours = [one for one in spent.statements if 'qnet_' in one]
    assert len(ours) == 2, spent.statements
    assert len(spent.statements) <= 3, spent.statements


def test_an_owner_added_over_rest_is_none(plain_list: Any) -> None:
    answer = ask(
        'POST',
        'members',
        {
            'list_id': plain_list.list_id,
            'subscriber': 'mallory@example.org',
            'role': 'owner',
        },
    )
    assert answer.status_code == 201, 'as Mailman answers'
    assert owners(plain_list) == []
    found = ask('GET', f'lists/{plain_list.list_id}/roster/owner').json
    assert found['total_size'] == 0


def test_operators_are_in_the_audit_log(core: Any) -> None:
    """They are the web side's; core writes down who was made one, and by whom."""
    for change in ('add', 'remove'):
        answer = post(
            'operator', **CLAIMS, change=change, actor='operator:ann at the web side'
        )
        assert (answer.status_code, answer.json['recorded']) == (200, True)
    rows = store().scalars(select(QNetAudit).order_by(QNetAudit.id)).all()
    assert [(row.action, row.subject, row.actor) for row in rows] == [
        (
            f'operator {done}',
            'harp:pexample',
            'REST: operator:ann at the web side',
        )
        for done in ('added', 'removed')
    ]
    assert 'pat@agency.example.gov' in rows[0].detail
    for wrong in ({'change': 'promote'}, {'user_id': ''}, {'provider': '!'}):
        assert (
            post('operator', **{**CLAIMS, 'change': 'add', **wrong}).status_code == 400
        )
    assert len(store().scalars(select(QNetAudit)).all()) == 2


# ----------------------------------------------------------- lists of other styles


@pytest.fixture
def elsewhere(plain_list: Any) -> Any:
    """A list of another style with an owner, who is on a roster of ours, too."""
    mlist = create_list(
        'talk@lists.example.gov', ['Olga@example.gov'], 'legacy-default'
    )
    mods = subscribe(mlist, 'mod@example.org', MemberRole.moderator)
    user = make_user('second@example.org', 'Sue')
    user.preferred_address = next(iter(user.addresses))
    mlist.subscribe(user, MemberRole.owner)
    behind_our_back = Member(MemberRole.owner, plain_list.list_id, mods.address)
    behind_our_back.preferences = Preferences()
    store().add(behind_our_back)
    config.db.commit()
    return mlist


@pytest.mark.parametrize(
    ('addresses', 'administers', 'moderates'),
    [
        (['OLGA@example.gov'], ['talk'], []),
        (['second@example.org', 'mod@example.org'], ['talk'], ['talk']),
        (['nobody@example.org', 'mod@example.org'], [], ['talk']),
        ([f'{number}@example.org' for number in range(1200)], [], []),
    ],
)
def test_who_looks_after_them_is_on_their_rosters(
    elsewhere: Any, addresses: list[str], administers: list[str], moderates: list[str]
) -> None:
    """Whatever a roster of ours says (R25, R40)."""
    answer = get('/rosters', address=addresses)
    assert without_tag(answer) == {
        right: [f'{name}.lists.example.gov' for name in names]
        for right, names in (('administers', administers), ('moderates', moderates))
    }


def test_rosters_of_nobody(core: Any) -> None:
    assert get('/rosters').status_code == 400


def test_an_assignment_to_a_list_of_another_style_gives_nothing(elsewhere: Any) -> None:
    store().add(
        QNetAssignment(
            list_id='talk.lists.example.gov',
            email='pat@agency.example.gov',
            role='administrator',
            holder='harp:pexample',
            created_at=now(),
            name='',
            harp_id='pexample',
            may_post=False,
        )
    )
    config.db.commit()
    answer = post('sign-in', **CLAIMS, roles=['administrator'])
    assert answer.json['administers'] == []
