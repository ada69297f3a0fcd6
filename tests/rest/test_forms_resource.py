# SPDX-License-Identifier: GPL-3.0-or-later
"""/forms over REST: handing forms in, and deciding (R28-R31)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import yaml
from mailman.interfaces.listmanager import IListManager
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from tests.helpers import queued
from tests.provisioning.samples import ADDRESS, data
from tests.rest.client import ask

FORM = yaml.safe_dump(data()).encode()

pytestmark = pytest.mark.usefixtures('core')


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def get(what: str = '', **fields: Any) -> Any:
    return ask('GET', f'plugins/qnet/forms{what}', fields)


def post(what: str = '', **fields: Any) -> Any:
    return ask('POST', f'plugins/qnet/forms{what}', fields)


def hand_in(content: bytes = FORM, **more: Any) -> Any:
    return post(name='request.yaml', content=encoded(content), **more)


def actors() -> list[tuple[str, str]]:
    rows = store().scalars(select(QNetAudit).order_by(QNetAudit.id))
    return [(row.actor, row.action) for row in rows if row.action.startswith('request')]


def test_from_the_file_to_the_list() -> None:
    answer = hand_in(actor='portal:rae')
    assert answer.status_code == 200
    [one] = answer.json['requests']
    assert (one['number'], one['status'], one['list']) == (
        'QM-000001',
        'waiting',
        ADDRESS,
    )
    # Again, as after an answer that was lost.
    assert hand_in().json['requests'] == [one]
    listed = get().json
    assert (listed['start'], listed['total_size']) == (0, 1)
    assert listed['entries'][0]['number'] == 'QM-000001'
    looked = get('/QM-000001').json
    assert looked['form']['list']['name'] == ADDRESS
    assert looked['outcome']['result'] == 'planned'
    assert looked['outcome']['changes']
    assert ADDRESS not in getUtility(IListManager).names
    done = post('/1/approve', actor='portal:ann')
    assert done.status_code == 200
    assert done.json['status'] == 'approved'
    assert done.json['outcome']['result'] == 'created'
    assert ADDRESS in getUtility(IListManager).names
    again = post('/1/approve')
    assert again.status_code == 409
    assert 'was approved by REST: portal:ann before' in again.text
    assert get().json['total_size'] == 0
    assert get(status='approved').json['total_size'] == 1
    assert actors() == [
        ('REST: portal:rae', 'request received'),
        ('REST: portal:ann', 'request approved'),
    ]
    told = [str(m['subject']) for m, _ in queued('out') if 'rae@' in str(m['to'])]
    assert told == [
        'Your request has arrived: QM-000001',
        'Your request QM-000001 has been carried out',
    ]


def test_a_form_with_mistakes_is_returned() -> None:
    [one] = hand_in(b'form: list-request\n').json['requests']
    assert one['mistakes'] > 1
    looked = get('/1').json
    assert looked['form'] is None
    assert len(looked['outcome']['errors']) == one['mistakes']
    assert post('/1/approve').json['outcome']['result'] == 'invalid'
    returned = post('/1/return', reason='Please fill it in.', actor='portal:ann')
    assert (returned.json['status'], returned.json['reason']) == (
        'returned',
        'Please fill it in.',
    )
    assert post('/1/return').status_code == 409


def test_files_beside_it() -> None:
    form = yaml.safe_dump({**data(), 'subscribers': 'people.csv'}).encode()
    [one] = hand_in(form).json['requests']
    assert one['mistakes'] == 1
    beside = json.dumps({'people.csv': encoded(b'email\nlee@example.org\n')})
    [one] = hand_in(form, beside=beside).json['requests']
    assert (one['number'], one['mistakes']) == ('QM-000002', 0)
    assert get('/2').json['form']['subscribers'][0]['email'] == 'lee@example.org'


@pytest.mark.parametrize(
    ('fields', 'told'),
    [
        ({}, 'name: expected one line of text'),
        ({'name': 'request.exe', 'content': 'aa=='}, 'expected one that ends in'),
        ({'name': 'a.yaml', 'content': 'no base64!'}, 'content: expected base64'),
        ({'name': 'a.yaml', 'content': ''}, 'expected content'),
        ({'name': 'a.yaml', 'content': 'YQ==', 'beside': '[]'}, 'JSON object'),
        ({'name': 'a.yaml', 'content': 'YQ==', 'beside': '{"a": 1}'}, 'base64'),
        ({'name': 'a\nb.yaml', 'content': 'YQ=='}, 'one line of text'),
    ],
)
def test_what_is_no_file_is_refused(fields: dict[str, str], told: str) -> None:
    answer = post(**fields)
    assert answer.status_code == 400
    assert told in answer.text


def test_limits(configure: Any) -> None:
    configure(form_max_unpacked='1 KB')
    assert 'at most 1 KB' in hand_in(b'#' * 1025).text
    configure(forms_max_waiting='1')
    assert hand_in().status_code == 200
    assert hand_in(b'form: other\n').status_code == 429


def test_what_is_not_there() -> None:
    assert get('/7').status_code == 404
    assert get('/QM-99999999999').status_code == 404
    assert post('/7/approve').status_code == 409
    assert get(status='lost').status_code == 400
    assert get(page=2).json == {**get().json, 'start': 100, **_tag(get(page=2))}


def _tag(answer: Any) -> dict[str, str]:
    return {'http_etag': answer.json['http_etag']}
