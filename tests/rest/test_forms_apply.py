# SPDX-License-Identifier: GPL-3.0-or-later
"""/forms/apply: `mailman qnet provision` over REST (R30, R31)."""

from __future__ import annotations

import base64
import json
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from mailman.interfaces.listmanager import IListManager
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.provisioning import apply as apply_module
from tests.effort import database_away
from tests.helpers import queued
from tests.provisioning.samples import ADDRESS, EXAMPLES, data
from tests.rest.client import ask, authorization


def encoded(content: bytes | str) -> str:
    raw = content.encode() if isinstance(content, str) else content
    return base64.b64encode(raw).decode()


def post(body: Any, **headers: str) -> Any:
    path = 'plugins/qnet/forms/apply'
    return ask('POST', path, body=body, headers=headers)


def send(form: dict[str, Any], **more: Any) -> Any:
    return post({'name': 'a.json', 'content': encoded(json.dumps(form)), **more})


def lists() -> set[str]:
    return set(getUtility(IListManager).names)


def test_a_form_is_applied_for_the_one_who_asks(core: SimpleNamespace) -> None:
    planned = send(data(), dry_run=True)
    assert planned.status_code == 200
    assert [each['result'] for each in planned.json['results']] == ['planned']
    assert lists() == set()
    created = send(data(), actor='pat@ops.example.gov')
    (result,) = created.json['results']
    assert (result['file'], result['result'], result['ticket'], result['list']) == (
        'a.json',
        'created',
        'REQ0001234',
        ADDRESS,
    )
    assert result['changes'] == planned.json['results'][0]['changes']
    assert lists() == {ADDRESS}
    actors = set(store().scalars(select(QNetAudit.actor)))
    assert actors == {'REST: pat@ops.example.gov'}
    assert send(data()).json['results'][0]['result'] == 'unchanged'


def test_several_forms_and_one_of_them_invalid(core: SimpleNamespace) -> None:
    table = (EXAMPLES / 'threshold-change.csv').read_bytes()
    content = encoded(table)
    (result,) = post({'name': 't.csv', 'content': content}).json['results']
    assert (result['file'], result['result']) == ('t.csv: row 2', 'invalid')
    assert 'expected a list that exists' in result['errors'][0]['message']


def test_the_files_that_a_form_names(core: SimpleNamespace) -> None:
    form = data(subscribers='people.csv')
    answer = send(form).json
    assert (answer['results'], answer['missing']) == ([], ['people.csv'])
    assert lists() == set()
    (result,) = send(form, beside={}).json['results']
    assert result['errors'][0]['message'] == (
        'the file "people.csv" is not beside the form; expected the name of a .csv '
        'file beside the form'
    )
    people = {'people.csv': encoded('email,name\nreader@example.org,Robin\n')}
    (result,) = send(form, beside=people).json['results']
    assert result['changes'][-1]['emails'] == ['reader@example.org']


@pytest.mark.parametrize(
    ('body', 'words'),
    [
        ({}, 'Missing'),
        ({'name': 'a.yaml', 'content': '???'}, 'expected Base64'),
        ({'name': 'a.yaml', 'content': 1}, 'content'),
        ({'name': 'a\nb.yaml', 'content': ''}, 'one line of text'),
        ({'name': 'a.yaml', 'content': '', 'beside': []}, 'expected an object'),
        ({'name': 'a.yaml', 'content': '', 'beside': {'a': 'é'}}, 'beside'),
        ({'name': 'a.yaml', 'content': '', 'dry_run': 'perhaps'}, 'dry_run'),
        ({'name': 'a.yaml', 'content': '', 'request': ' '}, 'request'),
        ({'name': 'a.yaml', 'content': '', 'more': 'perhaps'}, 'more'),
        ({'name': 'a.yaml', 'content': '', 'most': 1}, 'Unexpected'),
        ([1], 'expected a JSON object'),
        ('{', ''),
    ],
)
def test_what_is_no_request(core: SimpleNamespace, body: Any, words: str) -> None:
    response = post(body)
    assert response.status_code == 400
    assert words in response.text


def test_a_form_that_is_too_large(configure: Any) -> None:
    configure(form_max_size='1 KB', form_max_unpacked='1 KB', members_max_size='1 KB')
    (result,) = send(data(list__description='x' * 2000)).json['results']
    assert 'form_max_size' in result['errors'][0]['message']
    assert post('x' * 2_000_000).status_code == 413


def test_while_the_service_is_not_ready(core: SimpleNamespace, configure: Any) -> None:
    with pytest.raises(site.NotReady):
        configure(max_message_size='huge')
    response = send(data())
    assert response.status_code == 503
    assert 'max_message_size' in response.json['description']


def test_a_database_that_goes_away_is_no_answer(
    core: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def go_away(*args: Any) -> Any:
        gone.enter_context(database_away())
        store().scalars(select(QNetAudit.actor))

    with monkeypatch.context() as patch, ExitStack() as gone:
        patch.setattr(apply_module, 'make_list', go_away)
        response = send(data(), request='r1')
    core.config.db.store.close()
    assert response.status_code == 503
    assert 'connection refused' in response.json['description']
    assert send(data(), request='r1').json['results'][0]['result'] == 'created'


def test_a_request_that_comes_again_has_the_first_answer(
    core: SimpleNamespace,
) -> None:
    send(data(), request='r1')
    mails = len(queued('virgin'))
    (again,) = send(data(), request='r1').json['results']
    assert again['result'] == 'created'
    assert again['notes'][0].startswith('it was applied at ')
    assert 'by this request, whose answer was lost' in again['notes'][0]
    assert len(queued('virgin')) == mails
    (other,) = send(data(), request='r2').json['results']
    assert (other['result'], other['notes']) == ('unchanged', [])
    send(data(list__mask='off'), request='r3', approved=True)
    (changed,) = send(data(list__mask='off'), request='r3', approved=True).json[
        'results'
    ]
    assert changed['result'] == 'changed'
    # The request before that one is not the one that made the form what it is.
    (stale,) = send(data(list__mask='off'), request='r1').json['results']
    assert stale['result'] == 'unchanged'


def test_nobody_without_the_password(core: SimpleNamespace) -> None:
    response = post({}, Authorization=authorization('wrong'))
    assert response.status_code == 401
