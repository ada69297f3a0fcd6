# SPDX-License-Identifier: GPL-3.0-or-later
"""/signup and /confirmations over REST (R2, R11-R14)."""

from __future__ import annotations

from typing import Any

import pytest
from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.interfaces.bans import IBanManager
from mailman.interfaces.subscriptions import ISubscriptionManager
from mailman.model.mailinglist import MailingList
from sqlalchemy import insert

from qnet_mailman.model.base import store
from qnet_mailman.model.lists import QNetList
from tests.clock import Clock
from tests.effort import effort
from tests.helpers import empty, queued, run, subscribe
from tests.subscriptions.joiners import (
    READER,
    let_expire,
    mails,
    register,
    rest,
    the_mail,
    token_of,
)

CLIENT = '192.0.2.7'


def get() -> Any:
    return rest('GET', 'plugins/qnet/signup')


def post(path: str = 'signup', **fields: Any) -> Any:
    return rest('POST', f'plugins/qnet/{path}', **fields)


def ask(lists: Any, address: str = READER, **more: Any) -> Any:
    return post(address=address, lists=lists, **{'client': CLIENT, **more})


# --------------------------------------------------------------------- lists


def test_the_lists_that_are_offered(make_list: Any) -> None:
    mlist, other, hidden = make_list(), make_list('discussion', 'private'), make_list()
    mlist.display_name, mlist.description = 'zebra', 'Stripes'
    other.display_name = 'Aardvark'
    hidden.advertised = False
    create_list('plain@lists.example.gov', style_name='legacy-default')
    config.db.commit()
    assert get().json['lists'] == [
        {
            'list_id': 'news2.lists.example.gov',
            'fqdn_listname': 'news2@lists.example.gov',
            'display_name': 'Aardvark',
            'description': '',
            'type': 'discussion',
            'visibility': 'private',
        },
        {
            'list_id': 'news1.lists.example.gov',
            'fqdn_listname': 'news1@lists.example.gov',
            'display_name': 'zebra',
            'description': 'Stripes',
            'type': 'notification',
            'visibility': 'public',
        },
    ]


def test_five_hundred_lists_are_as_many_statements_as_one(
    make_list: Any,
) -> None:
    make_list()
    get()
    with effort() as few:
        assert len(get().json['lists']) == 1
    numbers = range(500)
    store().execute(
        insert(MailingList),
        [
            {
                'list_name': f'bulk{number}',
                'mail_host': 'lists.example.gov',
                '_list_id': f'bulk{number}.lists.example.gov',
                'display_name': f'Bulk {number}',
                'advertised': True,
            }
            for number in numbers
        ],
    )
    store().execute(
        insert(QNetList),
        [
            {
                'list_id': f'bulk{number}.lists.example.gov',
                'list_type': 'notification',
                'visibility': 'public',
            }
            for number in numbers
        ],
    )
    config.db.commit()
    with effort() as many:
        assert len(get().json['lists']) == 501
    assert len(many.statements) == len(few.statements)


# ------------------------------------------------------------------ requests


def test_a_request_is_left_to_a_runner(make_list: Any) -> None:
    lists = [make_list().list_id, make_list('notification', 'private').list_id]
    answer = ask(lists, ' Reader@Example.net ', display_name='Rea\n R')
    assert (answer.status_code, answer.content) == (202, b'')
    assert mails() == []
    run('command')
    notice, mail = mails()
    assert notice['to'] == 'news2-owner@lists.example.gov'
    assert mail['to'] == 'Reader@Example.net'


def test_nobody_can_tell_one_address_from_another(
    make_list: Any,
) -> None:
    public, private = make_list(), make_list('notification', 'private')
    list_ids = [public.list_id, private.list_id]
    for mlist in (public, private):
        subscribe(mlist, 'subscribed@example.net')
        register(mlist, 'pending@example.net')
        IBanManager(mlist).ban('banned@example.net')
    config.db.commit()
    empty('virgin')
    get()
    seen = set()
    for who in ('unknown', 'subscribed', 'pending', 'banned'):
        with effort() as spent:
            answer = ask(list_ids, f'{who}@example.net')
        headers = tuple(sorted(answer.headers.items()))
        seen.add((answer.status_code, answer.content, headers, len(spent.statements)))
    assert len(seen) == 1, seen
    assert next(iter(seen))[0] == 202
    assert len(queued('command')) == 4
    run('command')
    to = [mail['to'] for mail in mails() if mail['to'].endswith('@example.net')]
    assert sorted(to) == sorted(
        f'{who}@example.net' for who in ('unknown', 'subscribed', 'pending', 'banned')
    )


@pytest.mark.parametrize(
    ('fields', 'wrong'),
    [
        ({'address': 'reader'}, {'address'}),
        ({'address': ''}, {'address'}),
        ({'address': ['a@example.net', 'b@example.net']}, {'address'}),
        ({'lists': []}, {'lists'}),
        ({'lists': ['']}, {'lists'}),
        ({'lists': 'other.lists.example.gov'}, {'lists'}),
        ({'lists': ['news1.lists.example.gov', 'x\0']}, {'lists'}),
        ({'lists': [f'n{number}' for number in range(101)]}, {'lists'}),
        ({'address': 'x y@example.net', 'lists': ''}, {'address', 'lists'}),
    ],
)
def test_mistakes(make_list: Any, fields: dict[str, Any], wrong: set[str]) -> None:
    make_list()
    whole = {'address': READER, 'lists': 'news1.lists.example.gov', 'client': CLIENT}
    answer = post(**{**whole, **fields})
    assert answer.status_code == 400
    assert set(answer.json['errors']) == wrong
    assert answer.json['title']
    assert answer.json['description']
    assert not queued('command')


def test_what_is_not_offered_cannot_be_asked_for(make_list: Any) -> None:
    mlist = make_list()
    mlist.advertised = False
    config.db.commit()
    assert ask('news1.lists.example.gov').status_code == 400


def test_a_hundred_lists_at_most(make_list: Any) -> None:
    make_list()
    many = [f'n{number}.lists.example.gov' for number in range(101)]
    assert '100' in ask(many).json['errors']['lists']
    # The same one several times is one.
    assert ask(['news1.lists.example.gov'] * 150).status_code == 202


def test_a_client_that_asks_too_often(make_list: Any, configure: Any) -> None:
    configure(signup_requests_per_hour='2')
    list_id = make_list().list_id
    answers = [
        ask(list_id, f'r{n}@example.net', client='2001:db8::1') for n in range(3)
    ]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert ask(list_id, client='2001:db8::2').status_code == 429
    assert ask(list_id, client='2001:db8:1::2').status_code == 202
    # A mistake is not counted: somebody corrects it.
    for _ in range(3):
        assert ask(list_id, 'x', client='192.0.2.9').status_code == 400
    assert ask(list_id, client='192.0.2.9').status_code == 202
    # Who hides where they come from shares one limit.
    codes = [
        ask(list_id, client=client).status_code for client in ('', 'unknown', '999.1')
    ]
    assert codes == [202, 202, 429]
    assert len(queued('command')) == 6


# ------------------------------------------------------------- confirmations


def test_a_whole_round(make_list: Any, clock: Clock) -> None:
    list_ids = [make_list().list_id, make_list().list_id]
    ask(list_ids)
    run('command')
    token = token_of(the_mail())
    described = post('confirmations/describe', token=token).json
    assert (described['kind'], described['address']) == ('sign-up', READER)
    assert described['lists'][0] == {
        'list_id': 'news1.lists.example.gov',
        'fqdn_listname': 'news1@lists.example.gov',
        'display_name': 'HQR Updates',
        'visibility': 'public',
    }
    # Looking at it changes nothing.
    confirmed = post('confirmations/confirm', token=token).json
    assert (confirmed['kind'], confirmed['address']) == ('sign-up', READER)
    assert [each['list_id'] for each in confirmed['lists']] == list_ids
    assert {each['outcome'] for each in confirmed['lists']} == {'subscribed'}
    # Whoever has the link still is told, and nobody else; for some time.
    for path in ('confirmations/describe', 'confirmations/confirm'):
        assert post(path, token=token).status_code == 410
        assert post(path, token=token[::-1]).status_code == 404
    clock.forward(days=7, minutes=1)
    assert post('confirmations/describe', token=token).status_code == 404


@pytest.mark.parametrize(
    ('options', 'kind'), [({}, 'subscription'), ({'invitation': True}, 'invitation')]
)
def test_one_list(make_list: Any, options: dict[str, bool], kind: str) -> None:
    token, _, _ = register(make_list(), **options)
    described = post('confirmations/describe', token=token).json
    assert (described['kind'], described['address']) == (kind, READER)
    confirmed = post('confirmations/confirm', token=token).json
    assert [each['outcome'] for each in confirmed['lists']] == ['subscribed']


def test_leaving(make_list: Any) -> None:
    mlist = make_list()
    member = subscribe(mlist, READER)
    token, _, _ = ISubscriptionManager(mlist).unregister(member.address)
    config.db.commit()
    described = post('confirmations/describe', token=token).json
    assert (described['kind'], described['address']) == ('unsubscription', READER)
    confirmed = post('confirmations/confirm', token=token).json
    assert [each['outcome'] for each in confirmed['lists']] == ['left']


def test_leaving_what_was_left_already(make_list: Any) -> None:
    mlist = make_list()
    member = subscribe(mlist, READER)
    token, _, _ = ISubscriptionManager(mlist).unregister(member.address)
    member.unsubscribe()
    config.db.commit()
    confirmed = post('confirmations/confirm', token=token).json
    assert [each['outcome'] for each in confirmed['lists']] == ['not subscribed']


def test_tokens_that_are_none(make_list: Any) -> None:
    token, _, _ = register(make_list())
    let_expire(token)
    approval, _, _ = register(make_list('notification', 'private'))
    for bad in (token, approval, '0' * 40, '', 'x' * 10_000, '\0', '%00'):
        for path in ('confirmations/describe', 'confirmations/confirm'):
            assert post(path, token=bad).status_code == 404, bad
    assert post('confirmations/confirm', other='x').status_code == 400
    assert post('confirmations').status_code in (404, 405)
    assert get().status_code == 200
    assert rest('GET', 'plugins/qnet/signup/more').status_code == 404
