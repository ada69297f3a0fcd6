# SPDX-License-Identifier: GPL-3.0-or-later
"""Strangers at the pages on which people ask for something (R13).

Nobody learns who is known here, gets mail without end, or acts in another's name.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from sqlalchemy import func, select

from qnet_mailman.model.asked import QNetAskedForm
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.review import requests
from tests.helpers import make_user, queued, subscribe, text_of
from tests.provisioning.samples import data
from tests.rest.client import ask

VICTIM = 'victim@agency.example.gov'
ALSO_VICTIM = 'victim+a@agency.example.gov'
TEXT = 'Visit https://evil.example now'

pytestmark = pytest.mark.usefixtures('core')


def form(email: str = VICTIM, **changes: Any) -> str:
    whole = data(ticket='', requester={'name': TEXT, 'email': email}, **changes)
    whole['list']['description'] = TEXT
    return json.dumps(whole)


def send(what: str = 'ask', requester: str = VICTIM, **more: Any) -> Any:
    body = {'form': form(requester), 'client': '192.0.2.1', **more}
    return ask('POST', f'plugins/qnet/forms/web/{what}', body=body)


def mails(email: str = VICTIM) -> list[Any]:
    return [msg for msg, _data in queued('out') if msg['to'] == email]


def held() -> int:
    return store().scalar(select(func.count(QNetAskedForm.id))) or 0


def test_no_answer_tells_who_is_known(make_list: Any) -> None:
    mlist = make_list()
    address, owner = mlist.fqdn_listname, mlist.owner_address
    make_user('known@example.org')
    subscribe(mlist, 'member@example.org')
    answers = [
        send(requester=email)
        for email in (
            *('known@example.org', 'member@example.org', 'new@example.org'),
            address,
            owner,
        )
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, '')}
    assert not mails(address) + mails(owner), 'nobody is written to at a list'
    assert requests.how_many() == 0


def test_nobody_is_flooded_with_questions(configure: Any) -> None:
    configure(unproven_mails_per_day='2')
    answers = [
        send(requester=email, client=f'192.0.2.{place}')
        for place, email in enumerate(
            (VICTIM, VICTIM.upper(), 'victim+a@' + VICTIM[7:])
        )
    ]
    # The answer is the same, and what was sent before stays good.
    assert {answer.status_code for answer in answers} == {202}
    assert len([m for m, _ in queued('out')]) == held() == 2


def test_a_question_has_nothing_in_it_that_a_stranger_typed() -> None:
    send()
    [mail] = mails()
    assert TEXT not in text_of(mail)
    assert TEXT not in str(mail)
    assert 'evil' not in str(mail)
    assert 'hqr-updates' not in str(mail)


def test_a_client_has_a_limit_for_each_thing(configure: Any) -> None:
    configure(signup_requests_per_hour='1')
    csv = base64.b64encode(b'a@example.org\n').decode()
    assert send().status_code == 202
    assert send(requester='other@example.org').status_code == 429
    assert send(requester='other@example.org', client='198.51.100.1').status_code == 202
    assert send('check', subscribers=csv).status_code == 200
    assert send('check', subscribers=csv).status_code == 429
    answers = [send('check').status_code for _ in range(21)]
    assert answers == [200] * 20 + [429]
    # Those of a network count as one, and one with mistakes is none.
    assert send(client='2001:db8::1').status_code == 202
    assert send(client='2001:db8::2').status_code == 429
    assert send(client='203.0.113.1', form='{}').status_code == 400
    assert send(client='203.0.113.1').status_code == 202


def test_all_together_have_a_limit(configure: Any) -> None:
    configure(forms_max_waiting='2')
    codes = [
        send(requester=f'p{n}@example.org', client=f'192.0.2.{n}').status_code
        for n in range(3)
    ]
    assert codes == [202, 202, 503]
    assert held() == 2


def test_signed_in_as_one_and_asking_as_another() -> None:
    # Whoever is signed in confirms another's address by a mail, like anybody.
    answer = send(person='mallory', email='mallory@agency.example.gov')
    assert answer.status_code == 202
    assert requests.how_many() == 0
    own = send(person='vexample', email=VICTIM.upper())
    assert own.json['number'] == 'QM-000001'
    [row] = store().scalars(
        select(QNetAudit).where(QNetAudit.action == 'request received')
    )
    assert row.actor == 'REST: vexample'
    found = ask('GET', 'plugins/qnet/forms/1').json
    assert (found['sender'], found['shown_by']) == (VICTIM, 'signed in: vexample')


@pytest.mark.parametrize(
    'token',
    ['', '0' * 40, 'x' * 5000, '%00', "' OR 1=1 --", '\ud800'],
)
def test_no_token(token: str) -> None:
    send()
    for what in ('describe', 'confirm'):
        answer = ask('POST', f'plugins/qnet/forms/web/{what}', body={'token': token})
        assert answer.status_code in (400, 404)
    assert requests.how_many() == 0


def test_who_reads_the_table_cannot_confirm() -> None:
    send()
    row = store().scalars(select(QNetAskedForm)).one()
    answer = ask(
        'POST', 'plugins/qnet/forms/web/confirm', body={'token': row.token_digest}
    )
    assert answer.status_code == 404


@pytest.mark.parametrize(
    'body',
    [
        {},
        {'form': 'x'},
        {'form': '{}', 'client': '', 'subscribers': 'no base64!'},
        {'form': '{}', 'client': '', 'email': 'no address'},
        {'form': '{}', 'client': '', 'person': 'two\nlines'},
        {'form': '{}', 'client': '', 'other': '1'},
        '[]',
        '{',
    ],
)
def test_what_is_no_request(body: Any) -> None:
    for what in ('check', 'ask'):
        answer = ask('POST', f'plugins/qnet/forms/web/{what}', body=body)
        assert answer.status_code == 400


@pytest.mark.parametrize(
    'text', ['[]', '1', 'null', '"x"', '{"form": ["list-request"]}', '{' * 50, '']
)
def test_what_is_no_form_is_a_mistake(text: str) -> None:
    answer = send('check', form=text)
    if text:
        assert answer.status_code == 200
        assert answer.json['mistakes']
    assert send(form=text).status_code == 400
