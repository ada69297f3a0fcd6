# SPDX-License-Identifier: GPL-3.0-or-later
"""/lists/<list-id>/bounces over REST."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any

import pytest
from falcon.testing import TestClient
from mailman.config import config
from sqlalchemy import event

from qnet_mailman.rest import bounces as module
from qnet_mailman.runners.bounce import BounceRunner
from tests.bounces.reports import Clock, clock, report
from tests.helpers import subscribe

__all__ = ['clock']

AUTHORIZATION = 'Basic ' + base64.b64encode(b'restadmin:restpass').decode()


@pytest.fixture
def mlist(make_list: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(module, 'now', clock)
    mlist = make_list()
    runner = BounceRunner('bounces')
    for number in range(5):
        address = f'reader{number}@example.net'
        subscribe(mlist, address)
        runner._dispose(mlist, report(mlist, address), {})
    config.db.commit()
    # The list's object goes with the session, which ends with each request.
    return SimpleNamespace(list_id=mlist.list_id)


def get(path: str, **params: Any) -> Any:
    # Needs a configuration when it is imported.
    from mailman.rest.wsgiapp import make_application

    application = make_application()
    # Falcon's client looks at the arguments of what it is given.
    client = TestClient(lambda environ, start: application(environ, start))
    return client.simulate_get(
        f'/3.1/plugins/qnet/{path}',
        params=params,
        headers={'Authorization': AUTHORIZATION},
    )


def test_pages(mlist: Any) -> None:
    whole = get(f'lists/{mlist.list_id}/bounces').json
    assert whole['total_size'] == 5
    assert [one['address'] for one in whole['entries']] == [
        f'reader{number}@example.net' for number in range(5)
    ]
    assert whole['entries'][0]['score'] == 1.0
    page = get(f'lists/{mlist.list_id}/bounces', count=2, page=2).json
    assert (page['start'], page['total_size']) == (2, 5)
    assert [one['address'] for one in page['entries']] == [
        'reader2@example.net',
        'reader3@example.net',
    ]
    assert 'entries' not in get(f'lists/{mlist.list_id}/bounces', count=2, page=9).json


def test_one_member(mlist: Any) -> None:
    found = get(f'lists/{mlist.list_id}/bounces', member='reader3@example.net').json
    assert [one['address'] for one in found['entries']] == ['reader3@example.net']


def test_mistakes(mlist: Any) -> None:
    assert get('lists/nosuch.lists.example.gov/bounces').status_code == 404
    assert get('lists').status_code == 404
    assert get(f'lists/{mlist.list_id}').status_code == 404
    assert get(f'lists/{mlist.list_id}/bounces/more').status_code == 404
    for params in ({'page': 0}, {'count': -1}, {'count': 'x'}, {'page': 10**12}):
        answer = get(f'lists/{mlist.list_id}/bounces', **params)
        assert answer.status_code == 400, params


def test_few_statements_whatever_the_number(mlist: Any) -> None:
    seen: list[str] = []

    def note(*args: Any) -> None:
        seen.append(args[2])

    event.listen(config.db.engine, 'before_cursor_execute', note)
    try:
        get(f'lists/{mlist.list_id}/bounces')
    finally:
        event.remove(config.db.engine, 'before_cursor_execute', note)
    assert len(seen) <= 8, seen
