# SPDX-License-Identifier: GPL-3.0-or-later
"""/lists over REST: what a list is, what waits there, and two settings (R4, R7)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from mailman.app.lifecycle import create_list
from mailman.app.moderator import hold_message
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.member import DeliveryStatus
from mailman.interfaces.pending import IPendings
from mailman.interfaces.subscriptions import ISubscriptionManager, TokenOwner
from mailman.interfaces.usermanager import IUserManager
from mailman.utilities.datetime import now
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman.bounces import discipline
from qnet_mailman.lists import closing
from qnet_mailman.lists.description import describe
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.rest import lists as module
from qnet_mailman.roles import grants
from qnet_mailman.roles.people import Assignee, assign
from qnet_mailman.roles.rights import Identity, Role
from qnet_mailman.values import Closing
from tests.effort import effort
from tests.helpers import appoint, make_user, message, subscribe
from tests.rest import client

pytestmark = pytest.mark.mlist(
    'notification', 'private', administrators=['pat@example.org']
)


@pytest.fixture
def busy(mlist: Any, plain_list: Any) -> Any:
    """A private list with two requests, a held message and a suspended member."""
    for name in ('ann', 'bob'):
        request_to_join(mlist, f'{name}@example.org')
    hold(mlist, 1)
    subscribe(mlist, 'reader@example.org')
    away = subscribe(mlist, 'away@example.org')
    away.preferences.delivery_status = DeliveryStatus.by_user
    suspend(mlist, 'full@example.org')
    config.db.commit()
    return plain_list


def ask(method: str, path: str, fields: dict[str, Any] | None = None) -> Any:
    return client.ask(method, f'plugins/qnet/lists/{path}', fields)


def request_to_join(mlist: Any, address: str) -> None:
    make_user(address)
    person = getUtility(IUserManager).get_address(address)
    ISubscriptionManager(mlist).register(person)


def hold(mlist: Any, number: int) -> None:
    raw = (
        f'From: ann@example.org\nTo: {mlist.posting_address}\nSubject: {number}\n'
        f'Message-ID: <held{number}@example.org>\n\nHello.\n'
    )
    hold_message(mlist, message(raw), {}, 'Not a member')


def suspend(mlist: Any, address: str) -> None:
    discipline.reached(mlist, subscribe(mlist, address), 10, now=now())


def again(mlist: Any) -> Any:
    return getUtility(IListManager).get_by_list_id(mlist.list_id)


def test_a_closed_list_says_so_and_takes_nobody(busy: Any) -> None:
    assert ask('GET', busy.list_id).json['closed'] is None
    closing.close(again(busy), Closing.archive, 'REQ1')
    config.db.commit()
    found = ask('GET', busy.list_id).json['closed']
    assert (found['action'], set(found)) == (
        'archive',
        {'action', 'since', 'undo_until'},
    )
    said = f'{busy.address} is closed: nobody can join it'
    fields = {'list_id': busy.list_id, 'subscriber': 'new@example.org'}
    added = client.ask('POST', 'members', fields)
    assert (added.status_code, added.json['description']) == (400, said)
    (token, *_others) = [
        each['token']
        for each in client.ask('GET', f'lists/{busy.list_id}/requests').json['entries']
    ]
    path = f'lists/{busy.list_id}/requests/{token}'
    accepted = client.ask('POST', path, {'action': 'accept'})
    assert (accepted.status_code, accepted.json['description']) == (409, said)
    assert client.ask('GET', path).status_code == 200, 'it waits until the list is open'


def test_a_list_is_what_show_tells_and_more(busy: Any) -> None:
    told = describe(again(busy))
    for name in (busy.list_id, busy.address):
        answer = ask('GET', name)
        assert answer.status_code == 200
        assert {key: answer.json[key] for key in told} == told
    found = answer.json
    assert (found['type'], found['visibility']) == ('notification', 'private')
    assert (found['requests'], found['held'], found['suspended']) == (2, 1, 1)
    assert found['administrators'] == ['pat@example.org']
    assert found['delivery'] == {
        'enabled': 1,
        'by_user': 1,
        'by_bounces': 1,
        'by_moderator': 0,
        'unknown': 0,
    }
    assert sum(found['delivery'].values()) == found['members']


def test_a_status_of_the_person_counts_too(busy: Any) -> None:
    user = getUtility(IUserManager).get_user('reader@example.org')
    user.preferences.delivery_status = DeliveryStatus.by_user
    config.db.commit()
    assert ask('GET', busy.list_id).json['delivery']['enabled'] == 0


def test_who_was_enabled_again_is_not_suspended(busy: Any) -> None:
    member = again(busy).members.get_member('full@example.org')
    member.preferences.delivery_status = DeliveryStatus.enabled
    config.db.commit()
    assert ask('GET', busy.list_id).json['suspended'] == 0


def test_as_many_statements_for_many_people(busy: Any) -> None:
    with effort() as few:
        ask('GET', busy.list_id)
    for number in range(12):
        appoint(again(busy), f'more{number}@example.org', may_post=True)
        appoint(again(busy), f'mod{number}@example.org', 'moderator')
        suspend(again(busy), f'full{number}@example.org')
        request_to_join(again(busy), f'new{number}@example.org')
    config.db.commit()
    with effort() as many:
        found = ask('GET', busy.list_id).json
    assert len(found['administrators']) == 13
    assert len(many.statements) == len(few.statements), many


# ------------------------------------------------------------------- settings


def test_settings_are_changed_in_the_name_of_a_person(make_list: Any) -> None:
    list_id = make_list('discussion').list_id
    answer = ask(
        'POST',
        f'{list_id}/settings',
        {'mask': 'everyone', 'replies': 'accept', 'actor': 'harp:pexample'},
    )
    assert answer.status_code == 200
    assert answer.json['changed'] == {'mask': 'everyone'}
    found = ask('GET', list_id).json
    assert (found['mask'], found['replies']) == ('everyone', 'accept')
    [line] = store().scalars(select(QNetAudit).where(QNetAudit.actor.like('REST%')))
    assert (line.actor, line.subject) == ('REST: harp:pexample', 'mask')
    assert line.detail == '{"new": "everyone", "old": "administrators"}'


@pytest.mark.parametrize(
    'fields',
    [
        {'mask': 'nobody'},
        {'replies': 'accept'},
        {'threshold': '99'},
        {'mask': 'off', 'window_days': '99'},
        {'mask': ['off', 'everyone']},
        {'mask': 'off', 'actor': 'a\nb'},
    ],
)
def test_what_is_wrong_changes_nothing(busy: Any, fields: dict[str, Any]) -> None:
    before = ask('GET', busy.list_id).json
    answer = ask('POST', f'{busy.list_id}/settings', fields)
    assert answer.status_code == 400, answer.text
    assert ask('GET', busy.list_id).json == before


def test_a_list_of_another_style_is_left_alone(core: Any, make_list: Any) -> None:
    make_list()
    list_id = create_list(
        'other@lists.example.gov', style_name='legacy-announce'
    ).list_id
    config.db.commit()
    assert ask('POST', f'{list_id}/settings', {'mask': 'off'}).status_code == 409
    assert ask('GET', list_id).json['visibility'] is None


@pytest.mark.parametrize(
    'path', ['', 'nosuch.lists.example.gov', 'overview/more', 'nodots']
)
def test_what_there_is_not(core: Any, path: str) -> None:
    assert ask('GET', path).status_code == 404


# ------------------------------------------------------------------- overview


def test_an_overview_of_some_lists(busy: Any, make_list: Any) -> None:
    quiet = make_list('discussion').list_id
    make_list()
    answer = ask(
        'POST', 'overview', {'list': [busy.list_id, quiet, 'gone.lists.example.gov']}
    )
    assert answer.status_code == 200
    found = {each['list_id']: each for each in answer.json['lists']}
    assert set(found) == {busy.list_id, quiet}
    assert found[busy.list_id] == {
        'list_id': busy.list_id,
        'list': busy.address,
        'display_name': 'HQR Updates',
        'type': 'notification',
        'visibility': 'private',
        'requests': 2,
        'held': 1,
        'suspended': 1,
        'posters': 1,
        'administrators': 1,
    }
    numbers = ('requests', 'held', 'suspended', 'posters', 'administrators')
    assert [found[quiet][name] for name in numbers] == [0, 0, 0, 0, 0]
    assert answer.json['roles'] == []


def test_an_overview_of_one_or_no_list(busy: Any) -> None:
    answer = ask('POST', 'overview', {'list': busy.list_id})
    assert [each['list_id'] for each in answer.json['lists']] == [busy.list_id]
    assert ask('POST', 'overview').json['lists'] == []


def test_requests_are_those_that_postorius_counts(busy: Any) -> None:
    counted = getUtility(IPendings).count(
        mlist=again(busy), pend_type='subscription', token_owner=TokenOwner.moderator
    )
    [found] = ask('POST', 'overview', {'list': busy.list_id}).json['lists']
    assert found['requests'] == counted == 2


def test_a_role_that_ends_soon(busy: Any) -> None:
    who = Identity.of('kim')
    grants.approve(who, Role.administrator, email='kim@example.org', silent=True)
    grants.expire_at(who, Role.administrator, now() + timedelta(days=3))
    grants.approve(who, Role.moderator, email='kim@example.org', silent=True)
    config.db.commit()
    asked = {'provider': 'harp', 'user_id': 'KIM'}
    found = ask('POST', 'overview', asked).json['roles']
    assert [(each['role'], each['ends_soon']) for each in found] == [
        ('administrator', True),
        ('moderator', False),
    ]
    assert found[0]['expires_at'].endswith('Z')
    assert found[0]['status'] == 'active'


def test_as_many_statements_for_many_lists(busy: Any, make_list: Any) -> None:
    with effort() as few:
        ask('POST', 'overview', {'list': busy.list_id, 'user_id': 'kim'})
    more = [make_list() for _ in range(8)]
    for number, each in enumerate(more):
        assign(each, Role.administrator, Assignee(f'a{number}@example.org'))
        hold(each, 10 + number)
    names = [each.list_id for each in more]
    config.db.commit()
    with effort() as many:
        answer = ask('POST', 'overview', {'list': names, 'user_id': 'kim'})
    assert len(answer.json['lists']) == 8
    assert len(many.statements) == len(few.statements), many


def test_mistakes_in_an_overview(core: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, 'MAX_LISTS', 2)
    for fields in (
        {'list': ['a.example', 'b.example', 'c.example']},
        {'user_id': ''},
        {'user_id': 'kim', 'provider': 'no:one'},
        {'more': 'x'},
    ):
        assert ask('POST', 'overview', fields).status_code == 400, fields
