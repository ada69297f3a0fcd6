# SPDX-License-Identifier: GPL-3.0-or-later
"""What the web side's tests take for core's answers is what core answers.

Real core has the same lists and people here, and is asked the same.  Of Mailman's own
resources an answer may leave out what no page looks at; whatever it has must be in
core's, of the same kind, and what it states (`FACTS`) must be as core states it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from mailman.app.lifecycle import create_list
from mailman.app.moderator import hold_message
from mailman.config import config
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.mailinglist import SubscriptionPolicy
from mailman.interfaces.subscriptions import ISubscriptionManager
from mailman.interfaces.usermanager import IUserManager
from zope.component import getUtility

# It sets Django up, which the others need.
import tests.web.conftest as web
from qnet_mailman.bounces import discipline
from qnet_mailman.model.lists import set_replies
from qnet_mailman.roles import grants
from qnet_mailman.roles.people import Assignee, assign
from qnet_mailman.roles.rights import Identity, Role
from qnet_mailman.runners.bounce import BounceRunner
from qnet_mailman.styles import reserved
from qnet_mailman.subscriptions.one_click import Kind
from qnet_mailman.values import Replies
from tests.adopting.stock_lists import stock_list
from tests.bounces.reports import FULL, UNKNOWN, received, report
from tests.clock import Clock
from tests.helpers import make_user, message, run, subscribe
from tests.provisioning.samples import EXAMPLES
from tests.rest.client import ask
from tests.subscriptions import test_one_click
from tests.subscriptions.joiners import mails, token_of
from tests.web import caretakers, offers
from tests.web import test_adoption_pages as adoption
from tests.web import test_review_pages as review
from tests.web import test_send_again_page as sending
from tests.web import test_signup_confirm_page as confirming
from tests.web import test_start_page as start
from tests.web import test_unsubscribe_page as leaving
from tests.web.gate import stub_mailman
from tests.web.gate.conftest import PEOPLE
from tests.web.gate.stub_mailman import NEWS, NEWS_ADDRESS, OTHER, StubMailman

FACTS = {
    *('list_id', 'list', 'fqdn_listname', 'list_name', 'mail_host', 'posting_pipeline'),
    *('archive_policy', 'advertised', 'role', 'email', 'original_email', 'subject'),
    *('subscription_mode', 'delivery_mode', 'token_owner', 'api_version'),
    *('mailman_version', 'total_size', 'start', 'public', 'roles', 'administers'),
    *('moderates', 'is_server_owner', 'type', 'visibility', 'closed', 'mask'),
    *('replies', 'threshold', 'window_days', 'result', 'kind', 'status', 'outcome'),
    *('subscribed', 'subscription_policy', 'unsubscription_policy'),
    *('member_roster_visibility', 'process_bounces', 'bounce_score_threshold'),
    *('bounce_info_stale_after', 'preferred_language', 'moderation_action'),
}
"""Names of what is no matter of the example, where the same was done to both."""


def differences(
    pretended: Any, real: Any, *, whole: bool, at: str = ''
) -> Iterator[str]:
    """Where a pretended answer is not like core's.

    :param whole: Whether it must have all that core's has, but for the tag.
    """
    if isinstance(pretended, dict) and isinstance(real, dict):
        for key, value in pretended.items():
            here = f'{at}.{key}'
            if key not in real:
                yield f'{here}: core has no such key'
            elif key in FACTS and not isinstance(value, dict | list):
                if value != real[key]:
                    yield f'{here}: {value!r}, and core says {real[key]!r}'
            else:
                yield from differences(value, real[key], whole=whole, at=here)
        if whole:
            for key in real.keys() - pretended.keys() - {'http_etag'}:
                yield f'{at}.{key}: only core has it'
    elif isinstance(pretended, list) and isinstance(real, list):
        for number, (one, other) in enumerate(zip(pretended, real, strict=False)):
            yield from differences(one, other, whole=whole, at=f'{at}[{number}]')
    elif None not in (pretended, real) and kind_of(pretended) is not kind_of(real):
        yield f'{at}: {pretended!r}, and core says {real!r}'


def kind_of(value: Any) -> type:
    """What JSON makes of a value, which has one kind of number."""
    return float if type(value) is int else type(value)


def compare(pretended: tuple[int, Any], real: Any, *, whole: bool = False) -> None:
    """Fail if an answer is not like core's."""
    status, content = pretended
    assert status == real.status_code, real.text
    if content is not None:
        found = list(differences(content, real.json, whole=whole))
        if found:
            pytest.fail('\n'.join(found), pytrace=False)


# -------------------------------------------------- the core of the gate's tests


@pytest.fixture
def stub() -> StubMailman:
    """The pretended core, with some of its people."""
    found = StubMailman(url='http://localhost:8001')
    for name in ('member', 'moderator', 'administrator'):
        rosters, found.rights[name] = PEOPLE[name]
        for role in rosters:
            found.rosters[NEWS, role] = [f'{name}@example.gov']
    found.rights['elsewhere'] = PEOPLE['elsewhere'][1]
    return found


@pytest.fixture
def gated(core: Any, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Real core with the same; the IDs of a held message, and of a request."""
    # A list can have this name that is older than the rule.
    monkeypatch.setattr(reserved, 'clash', lambda _address: '')
    for name in ('1', 'member', 'moderator', 'administrator'):
        make_user(f'{name}@example.gov', name)
    getUtility(IDomainManager).add(stub_mailman.DOMAIN, owners=['1@example.gov'])
    for list_id in (NEWS, OTHER):
        address = list_id.replace('.', '@', 1)
        mlist = create_list(address, style_name='qnet-notification-private')
        mlist.subscription_policy = SubscriptionPolicy.confirm
        mlist.advertised = True
        mlist.send_welcome_message = False
        holders = {NEWS: ('administrator', 'moderator'), OTHER: ('elsewhere',)}
        for name in holders[list_id]:
            role = Role(PEOPLE[name][1]['roles'][0])
            grants.approve(Identity.of(name), role, email=f'{name}@example.gov')
            assign(mlist, role, Assignee(f'{name}@example.gov', harp_id=name))
        if list_id == NEWS:
            subscribe(mlist, 'member@example.gov')
            held = hold_message(mlist, message(stub_mailman.HELD_TEXT), {}, '')
            new = getUtility(IUserManager).create_address('new@example.org')
            token, _owner, _member = ISubscriptionManager(mlist).register(
                new, pre_verified=True, pre_confirmed=True
            )
    config.db.commit()
    return SimpleNamespace(held=held, token=token)


@pytest.mark.parametrize(
    'path',
    [
        *(
            'lists',
            'lists/styles',
            'domains',
            f'domains/{stub_mailman.DOMAIN}',
        ),
        *('system/versions', 'system/pipelines', 'system/chains', 'queues'),
        *(f'domains/{stub_mailman.DOMAIN}/owners', f'lists/{NEWS_ADDRESS}'),
        *(f'lists/{NEWS}', f'lists/{OTHER}', f'lists/none.{stub_mailman.DOMAIN}'),
        *(f'lists/{NEWS}/config', f'lists/{NEWS}/config/archive_policy'),
        *(f'lists/{NEWS}/roster/{each}' for each in ('member', 'owner', 'moderator')),
        f'lists/{NEWS}/roster/nonmember',
        *(f'lists/{NEWS}/member/member@example.gov', f'lists/{NEWS}/held/99'),
        f'lists/{NEWS}/member/nobody@example.gov',
        *('addresses/member@example.gov', 'users/member@example.gov'),
        'users/member@example.gov/addresses',
        'users/member@example.gov/preferences',
    ],
)
def test_what_is_asked_of_mailman(stub: StubMailman, gated: Any, path: str) -> None:
    compare(stub.answer('GET', path, {}), ask('GET', path))


def test_users(stub: StubMailman, gated: Any) -> None:
    pretended, real = stub.answer('GET', 'users', {})[1], ask('GET', 'users').json
    # There are more in core.
    found = differences(pretended['entries'], real['entries'], whole=False)
    assert list(found) == []


def test_archivers(stub: StubMailman, gated: Any) -> None:
    """Whether the list has each; HyperKitty's is not in this process."""
    config.push('archiver', '[archiver.prototype]\nenable: yes\n')
    try:
        real = ask('GET', f'lists/{NEWS}/archivers').json
    finally:
        config.pop('archiver')
    pretended = stub.of_list(NEWS, ['archivers'])[1]
    assert kind_of(pretended['hyperkitty']) is kind_of(real['prototype']) is bool


def test_what_waits(stub: StubMailman, gated: Any) -> None:
    at = f'lists/{NEWS}'
    for there, here in (
        (f'{at}/held/1', f'{at}/held/{gated.held}'),
        (f'{at}/requests/{stub_mailman.TOKEN}', f'{at}/requests/{gated.token}'),
        (f'{at}/held/count', f'{at}/held/count'),
        (f'{at}/requests/count', f'{at}/requests/count'),
        # As in core, whatever the list that the address names.
        (
            f'lists/{OTHER}/requests/{stub_mailman.TOKEN}',
            f'{at}/requests/{gated.token}',
        ),
    ):
        compare(stub.answer('GET', there, {}), ask('GET', here))


def test_members(stub: StubMailman, gated: Any) -> None:
    for fields in (
        {'subscriber': 'member@example.gov'},
        {'list_id': NEWS, 'role': 'owner'},
        {'subscriber': 'nobody@example.gov'},
    ):
        pretended = stub.answer(
            'POST', 'members/find', {k: [v] for k, v in fields.items()}
        )
        compare(pretended, ask('POST', 'members/find', fields))
    found = [
        stub.found({'subscriber': ['member@example.gov']}),
        ask('POST', 'members/find', {'subscriber': 'member@example.gov'}).json,
    ]
    there, here = (f'members/{each["entries"][0]["member_id"]}' for each in found)
    for more in ('', '/preferences'):
        compare(stub.answer('GET', there + more, {}), ask('GET', here + more))
    compare(stub.answer('GET', 'members/none', {}), ask('GET', 'members/none'))


@pytest.mark.parametrize('name', ['member', 'moderator', 'administrator', 'elsewhere'])
def test_rights(stub: StubMailman, gated: Any, name: str) -> None:
    path, fields = 'plugins/qnet/roles/rights', {'provider': 'harp', 'user_id': name}
    pretended = stub.answer('GET', path, {k: [v] for k, v in fields.items()})
    assert pretended[1]['administers'] == ask('GET', path, fields).json['administers']
    assert pretended[1]['moderates'] == ask('GET', path, fields).json['moderates']
    compare(pretended, ask('GET', path, fields), whole=True)


@pytest.mark.parametrize(
    ('method', 'path'),
    [('GET', 'archives'), ('POST', 'lists/overview'), ('GET', 'signup')],
)
def test_what_is_asked_of_the_plugin(
    stub: StubMailman, gated: Any, method: str, path: str
) -> None:
    path = f'plugins/qnet/{path}'
    compare(stub.answer(method, path, {}), ask(method, path), whole=True)


def test_lists_of_other_styles(stub: StubMailman, gated: Any) -> None:
    create_list(stub_mailman.STOCK_ADDRESS, ['owner@example.gov'], 'legacy-default')
    config.db.commit()
    talk = stub_mailman.STOCK
    stub.lists.append(talk)
    stub.stock.add(talk)
    stub.rosters[talk, 'owner'] = ['owner@example.gov']
    for method, path, fields in (
        ('GET', 'roles/rosters', {'address': ['owner@example.gov', 'a@example.gov']}),
        ('POST', 'lists/overview', {'list': [NEWS, talk]}),
    ):
        path = f'plugins/qnet/{path}'
        compare(
            stub.answer(method, path, fields), ask(method, path, fields), whole=True
        )
    config_of = f'lists/{talk}/config/posting_pipeline'
    compare(stub.answer('GET', config_of, {}), ask('GET', config_of))


def test_no_resource_of_the_plugin(stub: StubMailman, gated: Any) -> None:
    compare(
        stub.answer('GET', 'plugins/qnet/none', {}), ask('GET', 'plugins/qnet/none')
    )


# --------------------------------------------- the list of Postorius's settings


@pytest.mark.parametrize(
    'more',
    ['', '/config', '/held/count', '/requests/count', '/requests', '/roster/member'],
)
def test_settings_of_a_list(core: Any, more: str) -> None:
    getUtility(IDomainManager).add('lists.example.gov')
    mlist = create_list(web.ADDRESS, style_name='qnet-notification-public')
    mlist.subscription_policy = SubscriptionPolicy.confirm_then_moderate
    config.db.commit()
    path = f'lists/{web.LIST_ID}{more}'
    compare((200, web.StubLists().answer(path)), ask('GET', path))


# ------------------------------------------------------- answers of the plugin


@pytest.fixture
def listed(core: Any, clock: Clock) -> Any:
    """The list of the pages' tests, with a member who is suspended."""
    getUtility(IDomainManager).add('lists.example.gov')
    mlist = create_list(web.ADDRESS, style_name='qnet-discussion-private')
    mlist.display_name = 'HQR Updates'
    set_replies(mlist, Replies.hold)
    mlist.send_welcome_message = False
    for name in ('full', 'some'):
        subscribe(mlist, f'{name}@example.net')
    runner = BounceRunner('bounces')
    for name, said in (('full', UNKNOWN), ('some', FULL)):
        msg = report(mlist, f'{name}@example.net', said)
        runner._dispose(mlist, msg, received(msg))
    member = mlist.members.get_member('full@example.net')
    discipline.reached(mlist, member, 10, now=clock())
    role, person = Role.administrator, Identity.of('pexample')
    grants.approve(person, role, email='pat@agency.example.gov')
    assign(mlist, role, Assignee('pat@agency.example.gov', 'Pat', 'pexample', True))
    config.db.commit()
    return SimpleNamespace(member_id=str(member.member_id))


def ours(method: str, path: str, fields: dict[str, Any] | None = None) -> Any:
    return ask(method, f'plugins/qnet/{path}', fields)


def test_a_list(listed: Any) -> None:
    about = {**caretakers.ABOUT, 'assignments': caretakers.ABOUT['assignments'][:1]}
    path = f'lists/{web.LIST_ID}'
    compare((200, about), ours('GET', path), whole=True)
    changed = ours('POST', f'{path}/settings', {'mask': 'off'})
    compare((200, {'changed': {'mask': 'off'}}), changed, whole=True)


def test_members_whose_mail_comes_back(listed: Any) -> None:
    path = f'lists/{web.LIST_ID}/bounces/members'
    compare((200, caretakers.TABLE), ours('GET', path, {'days': 5}), whole=True)
    one = f'{path}/{listed.member_id}'
    compare((200, caretakers.ONE), ours('GET', one), whole=True)
    enabled = ours('POST', f'{one}/enable', {'actor': 'harp:pexample'})
    compare((200, {'address': 'full@example.net'}), enabled, whole=True)


def test_requests_that_wait(listed: Any) -> None:
    form = (EXAMPLES / 'threshold-change.yaml').read_bytes()
    sent = {'name': 'request.yaml', 'content': base64.b64encode(form).decode()}
    said = review.known(web.StubCore()).answers
    here = f'forms/{review.NUMBER}'
    for number, decision in ((1, 'return'), (2, 'approve')):
        assert ours('POST', 'forms', sent).status_code == 200
        there = f'forms/{number}'
        for pretended, real in (
            (said['forms'], ours('GET', 'forms')),
            (said[here], ours('GET', there)),
            (said[f'{here}/{decision}'], ours('POST', f'{there}/{decision}')),
        ):
            compare(pretended, real, whole=True)


def test_lists_that_may_be_adopted(core: SimpleNamespace) -> None:
    stock_list('talk')
    said = adoption.known(web.StubCore()).answers
    here = f'lists/{adoption.LIST_ID}/adoption'
    compare(said['lists/by-style'], ours('GET', 'lists/by-style'), whole=True)
    compare(said[here], ours('GET', here), whole=True)


def test_an_overview(listed: Any) -> None:
    one = start.one(web.LIST_ID, type='discussion', visibility='private')
    role = {'role': 'administrator', 'status': 'active', 'ends_soon': False}
    fields = {'list': web.LIST_ID, 'user_id': 'pexample'}
    compare(
        (200, {'lists': [one], 'roles': [{**role, 'expires_at': None}]}),
        ours('POST', 'lists/overview', fields),
        whole=True,
    )


@pytest.mark.mlist(members=['well@example.net'])
def test_signing_up_and_leaving(mlist: Any, plain_list: Any) -> None:
    leave = test_one_click.token_of(mlist, 'well@example.net')
    again = {'token': test_one_click.token_of(mlist, 'well@example.net', Kind.again)}
    config.db.commit()
    named = {'list_id': plain_list.list_id, 'fqdn_listname': plain_list.address}
    offered = offers.listed('news1')
    compare((200, {'lists': [offered]}), ours('GET', 'signup'), whole=True)
    asked = {'address': 'new@example.net', 'lists': named['list_id'], 'client': 'x'}
    compare((202, None), ours('POST', 'signup', asked))
    compare(
        (400, {'errors': {'lists': ''}}),
        ours('POST', 'signup', {**asked, 'lists': 'x'}),
    )
    run('command')
    (question,) = [mail for mail in mails() if mail['to'] == 'new@example.net']
    token = {'token': token_of(question)}
    for what, outcome in (('describe', ''), ('confirm', 'subscribed')):
        status, content = confirming.about('sign-up', outcome)
        content['lists'][0] |= named
        real = ours('POST', f'confirmations/{what}', token)
        compare((status, content), real, whole=True)
    named = {
        **leaving.LIST,
        'fqdn_listname': plain_list.address,
        'whose': ['w***@example.net'],
    }
    token = {'token': leave}
    for path in ('send-again/describe', 'send-again'):
        content = {**sending.LIST, 'outcome': 'not stopped'}
        content['fqdn_listname'] = plain_list.address
        compare((200, content), ours('POST', path, again), whole=True)
    for path, more in (
        ('unsubscribe/describe', {'subscribed': True}),
        ('unsubscribe', {'outcome': 'left'}),
        ('unsubscribe', {'outcome': 'not subscribed'}),
        ('unsubscribe/describe', {'subscribed': False}),
    ):
        compare((200, {**named, **more}), ours('POST', path, token), whole=True)
