# SPDX-License-Identifier: GPL-3.0-or-later
"""/lists/<list-id>/bounces over REST."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.member import DeliveryStatus, MemberRole
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.model.preferences import Preferences
from sqlalchemy import insert, select, text
from zope.component import getUtility

from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounce, QNetSuspension
from qnet_mailman.rest import bounces as module
from qnet_mailman.runners.bounce import BounceRunner
from tests.bounces.reports import FULL, UNKNOWN, received, report
from tests.bounces.rounds import steps_and_cycle
from tests.clock import Clock
from tests.effort import effort
from tests.helpers import subscribe
from tests.rest import client


@pytest.fixture
def bounced(clock: Clock, mlist: Any, plain_list: Any) -> Any:
    """A list with five members whose mail comes back."""
    runner = BounceRunner('bounces')
    for number in range(5):
        address = f'reader{number}@example.net'
        subscribe(mlist, address)
        msg = report(mlist, address)
        runner._dispose(mlist, msg, received(msg))
    config.db.commit()
    return plain_list


def get(path: str, **params: Any) -> Any:
    return client.ask('GET', f'plugins/qnet/{path}', params)


def post(path: str, **fields: str) -> Any:
    return client.ask('POST', f'plugins/qnet/{path}', fields)


def test_pages(bounced: Any) -> None:
    whole = get(f'lists/{bounced.list_id}/bounces').json
    assert whole['total_size'] == 5
    assert [one['address'] for one in whole['entries']] == [
        f'reader{number}@example.net' for number in range(5)
    ]
    assert whole['entries'][0]['score'] == 1.0
    page = get(f'lists/{bounced.list_id}/bounces', count=2, page=2).json
    assert (page['start'], page['total_size']) == (2, 5)
    assert [one['address'] for one in page['entries']] == [
        'reader2@example.net',
        'reader3@example.net',
    ]
    assert (
        'entries' not in get(f'lists/{bounced.list_id}/bounces', count=2, page=9).json
    )


def test_one_member(bounced: Any) -> None:
    found = get(f'lists/{bounced.list_id}/bounces', member='reader3@example.net').json
    assert [one['address'] for one in found['entries']] == ['reader3@example.net']


def test_mistakes(bounced: Any) -> None:
    assert get('lists/nosuch.lists.example.gov/bounces').status_code == 404
    assert get('lists').status_code == 404
    assert get(f'lists/{bounced.list_id}/bounces/more').status_code == 404
    for params in ({'page': 0}, {'count': -1}, {'count': 'x'}, {'page': 10**12}):
        answer = get(f'lists/{bounced.list_id}/bounces', **params)
        assert answer.status_code == 400, params


def test_few_statements_whatever_the_number(bounced: Any) -> None:
    with effort() as spent:
        get(f'lists/{bounced.list_id}/bounces')
    assert len(spent.statements) <= 8, spent.statements


# ------------------------------------------------------------------ the table


@pytest.fixture
def mixed(make_list: Any, clock: Clock) -> Any:
    """A list where one reader is suspended, and others bounced softly and hard."""
    mlist = make_list()
    mlist.bounce_score_threshold = 2
    runner = BounceRunner('bounces')
    for name in ('ann', 'bob', 'cy', 'quiet'):
        subscribe(mlist, f'{name}@example.net')
    subscribe(mlist, 'd_e@example.org')
    for said, names in (
        (UNKNOWN, ['ann@example.net']),
        (FULL, ['bob@example.net', 'ann@example.net', 'd_e@example.org']),
        (UNKNOWN, ['cy@example.net', 'ann@example.net']),
    ):
        for address in names:
            msg = report(mlist, address, said, serial=said)
            runner._dispose(mlist, msg, received(msg))
        clock.moment += timedelta(days=1)
    config.db.commit()
    steps_and_cycle(clock.moment)
    return SimpleNamespace(list_id=mlist.list_id, clock=clock)


def rows(mlist: Any, **params: Any) -> list[str]:
    """The names in the table."""
    found = get(f'lists/{mlist.list_id}/bounces/members', **params)
    assert found.status_code == 200, found.text
    return [one['address'].partition('@')[0] for one in found.json['entries']]


def test_a_row(mixed: Any) -> None:
    found = get(f'lists/{mixed.list_id}/bounces/members', text='ann').json
    [row] = found['entries']
    assert found['total_size'] == 1
    assert (row['address'], row['score']) == ('ann@example.net', 2.5)
    assert row['last'] == {
        'date': '2026-03-04',
        'kind': 'hard',
        'reason': 'address unknown',
    }
    assert (row['delivery'], row['suspended']) == ('by_bounces', True)
    # Warned today; two more warnings a week apart, and the removal a week later.
    assert (row['warnings'], row['removal']) == (1, '2026-03-26')
    assert row['days_left'] == 21
    assert found['list']['threshold'] == 2
    assert found['list']['suspended'] == 1
    mixed.clock.moment += timedelta(days=2)
    [row] = get(f'lists/{mixed.list_id}/bounces/members', text='ann').json['entries']
    assert row['days_left'] == 19


def test_nobody_is_about_to_be_removed_while_bounces_are_not_looked_at(
    mixed: Any,
) -> None:
    getUtility(IListManager).get(mixed.list_id).process_bounces = False
    config.db.commit()
    [row] = get(f'lists/{mixed.list_id}/bounces/members', text='ann').json['entries']
    assert (row['suspended'], row['removal'], row['days_left']) == (True, None, None)


@pytest.mark.parametrize(
    ('params', 'names'),
    [
        ({}, ['ann', 'bob', 'cy', 'd_e']),
        ({'descending': 'yes'}, ['d_e', 'cy', 'bob', 'ann']),
        ({'text': 'EXAMPLE.net'}, ['ann', 'bob', 'cy']),
        ({'text': '_'}, ['d_e']),
        ({'text': '%'}, []),
        ({'kind': 'soft'}, ['bob', 'd_e']),
        ({'kind': 'hard'}, ['ann', 'cy']),
        ({'suspended': 'yes'}, ['ann']),
        ({'kind': 'soft', 'suspended': 'yes'}, []),
        ({'sort': 'score'}, ['bob', 'd_e', 'cy', 'ann']),
        ({'sort': 'score', 'descending': 'yes'}, ['ann', 'cy', 'bob', 'd_e']),
        ({'sort': 'last'}, ['bob', 'd_e', 'ann', 'cy']),
        ({'sort': 'reason'}, ['ann', 'cy', 'bob', 'd_e']),
        # Who has no value comes last, either way.
        ({'sort': 'removal'}, ['ann', 'bob', 'cy', 'd_e']),
        ({'sort': 'removal', 'descending': 'yes'}, ['ann', 'bob', 'cy', 'd_e']),
        ({'sort': 'delivery', 'descending': 'yes'}, ['ann', 'bob', 'cy', 'd_e']),
        ({'count': 2, 'page': 2}, ['cy', 'd_e']),
        ({'count': 2, 'page': 3}, []),
    ],
)
def test_filter_sort_and_pages(
    mixed: Any, params: dict[str, Any], names: list[str]
) -> None:
    assert rows(mixed, **params) == names


def test_the_nearest_removal_comes_first(mixed: Any) -> None:
    mlist = getUtility(IListManager).get(mixed.list_id)
    mixed.clock.moment += timedelta(days=3)
    for serial in ('a', 'b'):
        msg = report(mlist, 'cy@example.net', UNKNOWN, serial=serial)
        BounceRunner('bounces')._dispose(mlist, msg, received(msg))
        mixed.clock.moment += timedelta(days=1)
    config.db.commit()
    # Later warned, and so later removed, than the one who was warned before.
    steps_and_cycle(mixed.clock.moment)
    assert rows(mixed, suspended='yes', sort='removal') == ['ann', 'cy']
    assert rows(mixed, suspended='yes', sort='removal', descending='yes') == [
        'cy',
        'ann',
    ]


def test_pages_that_go_on_after_a_row(mixed: Any) -> None:
    path = f'lists/{mixed.list_id}/bounces/members'
    names: list[str] = []
    after: dict[str, str] = {}
    while found := get(path, count=1, **after).json['entries']:
        names.append(found[0]['address'])
        after = {'after': found[0]['place']}
    assert names == [
        'ann@example.net',
        'bob@example.net',
        'cy@example.net',
        'd_e@example.org',
    ]


def test_bounces_by_day(mixed: Any) -> None:
    found = get(f'lists/{mixed.list_id}/bounces/members', days=4, count=0).json
    assert found['entries'] == []
    assert found['days'] == [
        {'date': '2026-03-02', 'hard': 1, 'soft': 0, 'withheld': 0},
        {'date': '2026-03-03', 'hard': 0, 'soft': 3, 'withheld': 0},
        {'date': '2026-03-04', 'hard': 2, 'soft': 0, 'withheld': 0},
        {'date': '2026-03-05', 'hard': 0, 'soft': 0, 'withheld': 0},
    ]


def member_id(mlist: Any, text: str) -> str:
    [row] = get(f'lists/{mlist.list_id}/bounces/members', text=text).json['entries']
    return str(row['member_id'])


def test_a_member_with_all_that_is_remembered(mixed: Any) -> None:
    path = f'lists/{mixed.list_id}/bounces/members/{member_id(mixed, "ann")}'
    mixed.clock.moment += timedelta(days=7)
    found = get(path).json['member']
    assert (found['address'], found['score']) == ('ann@example.net', 0)
    assert [one['date'] for one in found['bounces']] == [
        '2026-03-04',
        '2026-03-03',
        '2026-03-02',
    ]
    assert found['bounces'][0] == {
        'date': '2026-03-04',
        'points': 1.0,
        'state': 'counted',
        'in_window': False,
        'kind': 'hard',
        'reason': 'address unknown',
        'status': '5.1.1',
        'reply_code': '550',
        'evidence': '550 5.1.1 no such user',
    }


def test_a_member_is_of_one_list(mixed: Any, make_list: Any) -> None:
    which = member_id(mixed, 'ann')
    other = make_list().list_id
    assert get(f'lists/{other}/bounces/members/{which}').status_code == 404
    answer = post(f'lists/{other}/bounces/members/{which}/enable')
    assert answer.status_code == 409
    unknown = f'lists/{mixed.list_id}/bounces/members/{uuid4()}'
    assert get(unknown).status_code == 404
    assert get(f'{unknown}/more').status_code == 404
    assert get(f'lists/{mixed.list_id}/bounces/members/nobody').status_code == 404


def test_enabling_starts_again_from_zero(mixed: Any) -> None:
    path = f'lists/{mixed.list_id}/bounces/members/{member_id(mixed, "ann")}'
    answer = post(f'{path}/enable', actor='harp:pexample')
    assert (answer.status_code, answer.json['address']) == (200, 'ann@example.net')
    found = get(path).json['member']
    assert (found['score'], found['delivery'], found['warnings']) == (0, 'enabled', 0)
    assert (found['suspended'], found['days_left']) == (False, None)
    assert {one['state'] for one in found['bounces']} == {'cleared'}
    assert rows(mixed, suspended='yes') == []
    [line] = store().scalars(select(QNetAudit).where(QNetAudit.actor.like('REST%')))
    assert (line.actor, line.subject) == ('REST: harp:pexample', 'ann@example.net')
    # Again, and for somebody who is not suspended, it is refused.
    assert post(f'{path}/enable').status_code == 409
    other = member_id(mixed, 'bob')
    path = f'lists/{mixed.list_id}/bounces/members/{other}/enable'
    assert post(path).status_code == 409


@pytest.mark.parametrize(
    'params',
    [
        {'kind': 'warm'},
        {'sort': 'colour'},
        {'after': 'x'},
        {'count': 5001},
        {'page': 0},
        {'page': 10**12},
        {'days': 367},
    ],
)
def test_mistakes_in_questions(mixed: Any, params: dict[str, Any]) -> None:
    answer = get(f'lists/{mixed.list_id}/bounces/members', **params)
    assert answer.status_code == 400


KILOSTEPS = 30_000
"""Four times what it takes; a look at all rows for each would take a million."""


def test_twenty_thousand_rows(bounced: Any, clock: Clock) -> None:
    """As many statements as for five rows, and none that looks at a row for each."""
    path = f'lists/{bounced.list_id}/bounces/members'
    few: dict[str, int] = {}
    sorts = [each.value for each in module.table.Sort]
    for sort in sorts:
        with effort() as spent:
            get(path, count=50, sort=sort, days=30)
        few[sort] = len(spent.statements)
    number = 20_000
    today = clock.moment.date()
    ids = [uuid4() for _ in range(number)]
    suspended = number // 10
    for table, values in (
        (
            Preferences,
            [
                {
                    'id': 10_000 + n,
                    'delivery_status': DeliveryStatus.by_bounces
                    if n < suspended
                    else None,
                }
                for n in range(number)
            ],
        ),
        (
            Address,
            [
                {
                    'id': 10_000 + n,
                    'email': f'many{n}@example.net',
                    'preferences_id': 10_000 + n,
                }
                for n in range(number)
            ],
        ),
        (
            Member,
            [
                {
                    'id': 10_000 + n,
                    '_member_id': member,
                    'role': MemberRole.member,
                    'list_id': bounced.list_id,
                    'address_id': 10_000 + n,
                    'preferences_id': 10_000 + n,
                }
                for n, member in enumerate(ids)
            ],
        ),
        (
            QNetBounce,
            [
                {
                    'member_id': str(member),
                    'list_id': bounced.list_id,
                    'email': f'many{n}@example.net',
                    'domain': 'example.net',
                    'day': today - timedelta(days=days),
                    'half_points': 1 + n % 2,
                    'kind': 'hard' if n % 2 else 'soft',
                    'reason': 'address unknown',
                    'evidence': 'no such user',
                    'received_at': clock.moment,
                }
                for days in range(3)
                for n, member in enumerate(ids)
            ],
        ),
        (
            QNetSuspension,
            [
                {
                    'member_id': str(ids[n]),
                    'list_id': bounced.list_id,
                    'email': f'many{n}@example.net',
                    'disabled_at': clock.moment,
                    'warnings': n % 3,
                    'next_step_at': clock.moment + timedelta(days=n % 7),
                }
                for n in range(suspended)
            ],
        ),
    ):
        store().execute(insert(table), values)
    # PostgreSQL does this by itself before long.
    store().execute(text('ANALYZE'))
    config.db.commit()
    for sort in sorts:
        with effort() as spent:
            found = get(path, count=50, page=100, sort=sort, days=30).json
        assert (found['total_size'], len(found['entries'])) == (number + 5, 50)
        assert len(spent.statements) == few[sort], spent.statements
        assert spent.kilosteps < KILOSTEPS, (sort, spent.kilosteps)
