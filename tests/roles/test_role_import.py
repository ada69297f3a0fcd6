# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of grants: what they may hold, and what a full one takes away (R25)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.roles import grants, importing, overview
from qnet_mailman.roles.importing import FileInvalid, Mode
from qnet_mailman.roles.rights import Identity, Role
from tests.clock import Clock
from tests.expected import require_expected
from tests.provisioning.samples import EXAMPLES

HEADER = 'user_id,role\n'


def mistakes(text: str | bytes, *, as_json: bool = False) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(FileInvalid) as caught:
        importing.read(data, as_json=as_json, zone=UTC)
    return caught.value.mistakes


def run(text: str, mode: Mode = Mode.delta, **how: Any) -> importing.Plan:
    return importing.run(
        text.encode(), as_json=False, mode=mode, source='grants.csv', **how
    )


def now_active() -> set[str]:
    return {f'{row.user_id} {row.role}' for row in overview.grants(status='active')}


def test_the_example(core: Any) -> None:
    importing.run(
        (EXAMPLES / 'grants.csv').read_bytes(),
        as_json=False,
        mode=Mode.full,
        source='grants.csv',
    )
    assert now_active() == {
        'pexample administrator',
        'ssample administrator',
        'mexample moderator',
    }


def test_all_columns(core: Any, clock: Clock) -> None:
    text = (
        'Provider,User ID,Role,Name,E_mail,Expires-At,status\n'.replace('E_m', 'Em')
        + 'EUA,ABCD, list  moderator ,"Doe, Jo",JO@Example.org,2026-12-31,\n'
        + '\n'
        + ',ann,administrator,,,2026-12-31T17:00+02:00,requested\n'
        + ',bob,administrator,,,2020-01-01,active\n'
    )
    run(text)
    found = {row.user_id: row for row in overview.grants()}
    jo = found['abcd']
    assert (jo.provider, jo.role, jo.name, jo.email, jo.status) == (
        'eua',
        'moderator',
        'Doe, Jo',
        'jo@example.org',
        'active',
    )
    assert jo.expires_at == datetime(2026, 12, 31)
    assert found['ann'].expires_at == datetime(2026, 12, 31, 15)
    assert found['ann'].status == 'requested'
    assert found['bob'].status == 'expired'


def test_dates_are_in_the_time_zone_of_the_site() -> None:
    zone = ZoneInfo('America/New_York')
    assert importing.point_of_time('2026-12-31', zone) == datetime(2026, 12, 31, 5)


def test_json_is_read_the_same() -> None:
    rows = [
        {'user_id': 'ann', 'role': 'List Administrator'},
        {'user_id': 4711, 'role': 'moderator', 'expires_at': None},
    ]
    entries = importing.read(json.dumps(rows).encode(), as_json=True, zone=UTC)
    assert [(str(e.identity), e.role.value, e.place) for e in entries] == [
        ('harp:ann', 'administrator', 'entry 1'),
        ('harp:4711', 'moderator', 'entry 2'),
    ]


def test_all_mistakes_at_once_with_their_lines(core: Any) -> None:
    found = mistakes(
        '\ufeffuser_id,role,email,expires_at,status,name\n'
        'ann,owner,nobody,soon,gone,x\n'
        '"two\nlines",moderator,,,,\n'
        ',moderator,,,,\n'
        'bob,moderator,,\n'
        'bob,moderator,,,,\n'
        'BOB,List Moderator,,,,\n'
    )
    require_expected('\n'.join(found), __file__, 'mistakes-in-an-import')


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('user,role\n', 'line 1: column "user" is not known; expected user_id, role'),
        ('user_id\nann\n', 'line 1: the column role is missing'),
        ('user_id,role,role\n', 'line 1: the column role is there 2 times'),
        ('user_id,role\n"ann,moderator\n', 'not CSV: unexpected end of data'),
        (b'user_id,role\n\xff,x\n', 'line 2: expected UTF-8 text'),
    ],
)
def test_what_is_no_such_file(text: str | bytes, expected: str) -> None:
    assert expected in mistakes(text)[0]


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('{"user_id": "ann"}', 'expected a list of objects, one a grant'),
        ('[\n{"user_id": ]', 'line 2: not JSON: Expecting value'),
        ('[' * 100_000, 'not JSON: nested too deep'),
        ('[1]', 'entry 1: expected an object with keys'),
        ('[{"user_id": "ann", "role": ["moderator"]}]', 'entry 1: role: found a list'),
        ('[{"user": "ann"}]', 'entry 1: key "user" is not known'),
    ],
)
def test_what_is_no_such_json(text: str, expected: str) -> None:
    assert expected in mistakes(text, as_json=True)[0]


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_read_or_refused(data: bytes, as_json: bool) -> None:
    try:
        importing.read(
            b'user_id,role\n' * (not as_json) + data, as_json=as_json, zone=UTC
        )
    except FileInvalid as invalid:
        assert all(len(line) < 1000 for line in invalid.mistakes)


def test_a_mistake_changes_nothing(core: Any) -> None:
    with pytest.raises(FileInvalid):
        run(f'{HEADER}ann,moderator\nbob,king\n')
    assert overview.grants() == []


def fill(count: int) -> None:
    rows = [f'user{number},moderator\n' for number in range(count)]
    run(HEADER + ''.join(rows), silent=True)


def test_a_full_file_takes_away_what_is_missing(core: Any) -> None:
    fill(10)
    grants.approve(Identity.of('other', 'eua'), Role.moderator)
    rows = [f'user{number},moderator\n' for number in range(1, 9)]
    plan = run(f'{HEADER}{"".join(rows)}new,administrator\n', Mode.full)
    assert (plan.lost, plan.active) == (2, 10)
    assert [str(change) for change in plan.changes] == [
        'harp:new  administrator: new -> active',
        'harp:user0  moderator: active -> revoked',
        'harp:user9  moderator: active -> revoked',
    ]
    assert now_active() == {
        'new administrator',
        'other moderator',
        *(f'user{number} moderator' for number in range(1, 9)),
    }
    again = run(f'{HEADER}{"".join(rows)}new,administrator\n', Mode.full)
    assert again.changes == []


def test_a_delta_takes_nothing_away(core: Any) -> None:
    fill(3)
    run(f'{HEADER}new,administrator\n')
    assert len(now_active()) == 4
    run('user_id,role,status\nuser0,moderator,revoked\n')
    assert len(now_active()) == 3


def test_a_file_that_was_cut_off_is_refused(core: Any, configure: Any) -> None:
    fill(10)
    rows = ''.join(f'user{number},moderator\n' for number in range(7))
    with pytest.raises(
        FileInvalid, match='take away 3 of 10 active roles, more than 20'
    ):
        run(HEADER + rows, Mode.full)
    for mode in Mode:
        with pytest.raises(FileInvalid, match='the file names nobody'):
            run(HEADER, mode)
    assert len(now_active()) == 10
    assert run(HEADER + rows, Mode.full, dry_run=True, force=True).lost == 3
    assert len(now_active()) == 10
    run(HEADER + rows, Mode.full, force=True)
    assert len(now_active()) == 7
    configure(role_import_loss_percent='50')
    run(HEADER + ''.join(rows.splitlines(keepends=True)[:4]), Mode.full)
    assert len(now_active()) == 4


def test_what_a_file_leaves_out_stays(core: Any, clock: Clock) -> None:
    run('user_id,role,name,email,expires_at\nann,moderator,Ann,a@b.org,2030-01-01\n')
    run(f'{HEADER}ann,moderator\n')
    (row,) = overview.grants()
    assert (row.name, row.email) == ('Ann', 'a@b.org')
    assert row.expires_at == datetime(2030, 1, 1)
    run('user_id,role,expires_at\nann,moderator,\n')
    (row,) = overview.grants()
    assert row.expires_at is None
