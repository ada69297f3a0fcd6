# SPDX-License-Identifier: GPL-3.0-or-later
"""Adopting lists over REST, as the operators' page does (R31, R40)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from mailman.config import config
from sqlalchemy import select

from qnet_mailman.lists import closing
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import row_of
from qnet_mailman.values import Closing
from tests.adopting.stock_lists import again, furnished, stock_list
from tests.effort import effort
from tests.rest import client

PATH = 'plugins/qnet/lists/talk.lists.example.gov/adoption'
ACTOR = 'harp:boss <boss@example.org>'


@pytest.fixture
def talk(core: SimpleNamespace) -> str:
    return str(furnished().list_id)


def test_there_and_back(talk: str) -> None:
    planned = client.ask('GET', PATH, {'type': 'notification'}).json
    assert (planned['ours'], planned['type'], planned['visibility']) == (
        False,
        'notification',
        'public',
    )
    assert row_of(again(talk)) is None
    config.db.abort()
    asked = {'action': 'adopt', 'type': 'notification', 'actor': ACTOR}
    done = client.ask('POST', PATH, asked)
    assert (done.status_code, done.json['ours']) == (200, True)
    assert done.json['differences'] == planned['differences']
    assert row_of(again(talk)).list_type == 'notification'
    config.db.abort()
    planned = client.ask('GET', PATH).json
    assert (planned['ours'], planned['type']) == (True, 'notification')
    assert row_of(again(talk)) is not None
    config.db.abort()
    done = client.ask('POST', PATH, {'action': 'release', 'actor': ACTOR})
    assert (done.status_code, done.json['ours']) == (200, False)
    assert done.json['differences'] == planned['differences']
    assert row_of(again(talk)) is None
    told = store().scalars(
        select(QNetAudit).where(QNetAudit.action.in_(['list adopted', 'list released']))
    )
    assert [row.actor for row in told] == [f'REST: {ACTOR}'] * 2


@pytest.mark.parametrize(
    ('asked', 'status'),
    [
        ({}, 400),
        ({'action': 'delete'}, 400),
        ({'action': 'adopt', 'type': 'chat'}, 400),
        ({'action': 'adopt', 'actor': 'a\nb'}, 400),
        ({'action': 'release'}, 409),
    ],
)
def test_what_is_refused_changes_nothing(
    talk: str, asked: dict[str, Any], status: int
) -> None:
    assert client.ask('POST', PATH, asked).status_code == status
    assert row_of(again(talk)) is None


def test_a_closed_list_is_not_handed_back(mlist: Any) -> None:
    closing.close(mlist, Closing.archive, 'REQ1')
    list_id = mlist.list_id
    config.db.commit()
    path = f'plugins/qnet/lists/{list_id}/adoption'
    for answer in (
        client.ask('GET', path),
        client.ask('POST', path, {'action': 'release'}),
        client.ask('POST', path, {'action': 'adopt'}),
    ):
        assert answer.status_code == 409
    assert client.ask('GET', f'{path}?type=chat').status_code in (400, 409)


def test_lists_by_style(core: SimpleNamespace, make_list: Any) -> None:
    make_list()
    for number in range(3):
        stock_list(f'talk{number}')
    config.db.commit()
    spent = []
    for count in (1, 3):
        with effort() as each:
            found = client.ask(
                'GET', 'plugins/qnet/lists/by-style', {'count': count, 'page': 1}
            ).json
        spent.append(len(each.statements))
    assert spent[0] == spent[1]
    assert found['total_size'] == 3
    assert [one['list'] for one in found['entries']] == [
        f'talk{number}@lists.example.gov' for number in range(3)
    ]
    [ours] = client.ask('GET', 'plugins/qnet/lists/by-style', {'ours': 'true'}).json[
        'entries'
    ]
    assert (ours['list'], ours['members']) == ('news1@lists.example.gov', 0)
