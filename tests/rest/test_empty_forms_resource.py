# SPDX-License-Identifier: GPL-3.0-or-later
"""/forms/empty over REST: forms to fill in (R29)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from qnet_mailman.forms import loading, writing
from qnet_mailman.forms.xlsx import read_xlsx
from qnet_mailman.settings import Settings
from tests.rest.client import ask

SETTINGS = Settings(domain='lists.example.gov', support_address='help@example.gov')


def get(what: str = '') -> Any:
    return ask('GET', f'plugins/qnet/forms/empty{what}')


def begin(kind: str = 'threshold-change', **fields: str) -> Any:
    return ask('POST', f'plugins/qnet/forms/empty/{kind}/xlsx', fields)


def content_of(answer: Any) -> bytes:
    assert answer.status_code == 200, answer.text
    return base64.b64decode(answer.json['content'], validate=True)


def test_every_form_in_every_format(core: Any) -> None:
    offered = get().json
    assert offered['kinds'] == [
        'list-request',
        'administrator-request',
        'threshold-change',
        'list-closure',
    ]
    assert set(offered['formats']) >= {'xlsx', 'pdf', 'yaml', 'json', 'csv'}
    types = set()
    for kind in offered['kinds']:
        for file_format in offered['formats']:
            answer = get(f'/{kind}/{file_format}')
            content = content_of(answer)
            name = answer.json['name']
            types.add(answer.json['media_type'])
            if file_format == 'json-schema':
                assert name == f'{kind}.schema.json'
                continue
            assert name == f'{kind}.{file_format}'
            if file_format != 'csv':
                document = loading.READERS[f'.{file_format}'](content, SETTINGS)
                assert document.data['form'] == kind
    assert len(types) == len(offered['formats'])


@pytest.mark.parametrize(
    'what',
    [
        *('/threshold-change', '/threshold-change/docx', '/other/xlsx'),
        *('/threshold-change/xlsx/more', '/__class__/xlsx', '/xlsx/threshold-change'),
    ],
)
def test_what_is_not_there(core: Any, what: str) -> None:
    assert get(what).status_code == 404


@pytest.mark.parametrize('kind', writing.ABOUT_A_LIST)
def test_a_form_about_a_list_with_the_requester(plain_list: Any, kind: str) -> None:
    # A name that a spreadsheet must not take for a formula.
    who = {'name': '=Łukasz "Pat" Example', 'email': 'pat@agency.example.gov'}
    answer = begin(kind, list=plain_list.list_id, **who)
    data = read_xlsx(content_of(answer), SETTINGS).data
    assert answer.json['name'] == f'{kind}.xlsx'
    assert data['requester'] == who
    assert data.get('list', data.get('lists')) == plain_list.address
    # Nothing else is filled in that is not in the empty form.
    blank = read_xlsx(content_of(get(f'/{kind}/xlsx')), SETTINGS).data
    assert data.keys() - blank.keys() <= {'requester', 'list', 'lists'}
    assert 'ticket' not in data


def test_as_much_as_is_known(plain_list: Any) -> None:
    data = read_xlsx(content_of(begin(list=plain_list.address)), SETTINGS).data
    assert data == {'form': 'threshold-change', 'list': plain_list.address}
    assert begin(list=plain_list.address, name='', email='').status_code == 200


@pytest.mark.parametrize(
    ('fields', 'status'),
    [
        ({}, 400),
        ({'list': ''}, 400),
        ({'list': 'nothing@lists.example.gov'}, 404),
        ({'list': 'nothing\x00'}, 400),
        ({'name': 'Pat\nExample'}, 400),
        ({'name': 'P' * 256}, 400),
        ({'email': 'pat'}, 400),
        ({'reason': 'because'}, 400),
    ],
)
def test_what_does_not_fit_into_a_form(
    plain_list: Any, fields: dict[str, str], status: int
) -> None:
    known = {'list': plain_list.list_id} if fields.keys() - {'list'} else {}
    assert begin(**known, **fields).status_code == status


def test_what_cannot_be_filled_in(plain_list: Any) -> None:
    for kind, file_format in (('list-request', 'xlsx'), ('threshold-change', 'pdf')):
        path = f'plugins/qnet/forms/empty/{kind}/{file_format}'
        assert ask('POST', path, {'list': plain_list.list_id}).status_code == 405
