# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs, pruning, and Mailman's columns (R17, R18)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from mailman.config import config
from sqlalchemy import func, select

from qnet_mailman.bounces import ledger
from qnet_mailman.model import jobs
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounce
from qnet_mailman.model.jobs import do_due
from qnet_mailman.runners import periodic_bounces
from tests.bounces.reports import rows
from tests.effort import effort
from tests.helpers import subscribe

NOW = datetime(2026, 3, 2, 12)
DAY = timedelta(days=1)


def write(member_id: str, day: date, half: int = 2, **changes: Any) -> None:
    values = {
        'member_id': member_id,
        'list_id': 'news1.lists.example.gov',
        'email': 'reader@example.net',
        'domain': 'example.net',
        'day': day,
        'half_points': half,
        'kind': 'hard',
        'reason': 'address unknown',
        'evidence': '',
        'received_at': NOW,
    }
    store().add(QNetBounce(**{**values, **changes}))
    store().flush()


@pytest.mark.parametrize('behind', [0, 40_000])
def test_a_job_is_claimed_once_an_interval(core: Any, behind: int) -> None:
    assert jobs.claim_job('work', DAY, NOW)
    assert not jobs.claim_job('work', DAY, NOW)
    assert not jobs.claim_job('work', DAY, NOW + DAY - timedelta(seconds=1))
    assert jobs.claim_job('work', DAY, NOW + DAY)
    assert not jobs.claim_job('work', DAY, NOW + DAY)
    assert jobs.claim_job('other work', DAY, NOW + DAY)
    # After a time when the clock was wrong.
    assert jobs.claim_job('work', DAY, NOW - timedelta(days=30 + behind // 100))


def test_a_round_in_which_nothing_is_due_costs_two_statements(core: Any) -> None:
    do_due(periodic_bounces.bounces(), NOW)
    with effort() as spent:
        do_due(periodic_bounces.bounces(), NOW + timedelta(seconds=10))
    # When each job was begun, and whether a member is to be warned.
    assert len(spent.statements) == 2, spent.statements
    # Another process may have begun one meanwhile: the claim asks again.
    assert not jobs.claim_job('prune the bounce ledger', DAY, NOW)


def test_a_job_that_is_due_is_claimed_by_one_statement(core: Any) -> None:
    done: list[datetime] = []
    job = ('work', DAY, done.append)
    do_due([job], NOW)
    with effort() as spent:
        do_due([job], NOW + DAY)
    # When each job was begun was read once, for all of them.
    assert [each.split()[0] for each in spent.statements] == ['SELECT', 'UPDATE']
    assert done == [NOW, NOW + DAY]


def test_a_claim_that_another_process_has_made_meanwhile_holds(
    core: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    do_due([('work', DAY, lambda _: None)], NOW)
    read = jobs._begun()
    assert jobs.claim_job('work', DAY, NOW + DAY)
    monkeypatch.setattr(jobs, '_begun', lambda: read)
    done: list[datetime] = []
    do_due([('work', DAY, done.append)], NOW + DAY)
    assert not done


def test_a_claim_that_is_rolled_back_was_none(core: Any) -> None:
    assert jobs.claim_job('work', DAY, NOW)
    config.db.abort()
    assert jobs.claim_job('work', DAY, NOW)


def test_old_rows_leave_once_a_day(
    core: Any, configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(bounce_ledger_lifetime='30d')
    monkeypatch.setattr(ledger, 'PRUNE_BATCH', 7)
    for ago in range(20, 60):
        write('m1', NOW.date() - timedelta(days=ago))
    config.db.commit()
    do_due(periodic_bounces.bounces(), NOW)
    assert [(NOW.date() - row.day).days for row in rows()] == list(range(20, 31))
    do_due(periodic_bounces.bounces(), NOW + timedelta(hours=23))
    assert len(rows()) == 11
    do_due(periodic_bounces.bounces(), NOW + timedelta(hours=25))
    assert len(rows()) == 10


def test_what_a_window_needs_stays(make_list: Any, configure: Any) -> None:
    configure(bounce_ledger_lifetime='30d')
    make_list().bounce_info_stale_after = timedelta(days=50)
    for ago in range(45, 60):
        write('m1', NOW.date() - timedelta(days=ago))
    config.db.commit()
    assert ledger.prune(NOW) == 9


def test_mailmans_column_follows_the_window(make_list: Any) -> None:
    mlist = make_list()
    member = subscribe(mlist, 'reader@example.net')
    member_id = str(member.member_id)
    for ago in (0, 3, 6):
        write(member_id, NOW.date() - timedelta(days=ago))
    member.bounce_score = 3
    config.db.commit()
    for days, shown in ((0, 3), (1, 2), (3, 2), (4, 1), (7, 0)):
        do_due(periodic_bounces.bounces(), NOW + timedelta(days=days))
        assert member.bounce_score == shown


def test_clearing_keeps_the_rows(core: Any) -> None:
    first, second = str(uuid4()), str(uuid4())
    write(first, NOW.date())
    write(second, NOW.date())
    ledger.clear(first)
    assert ledger.half_score(first, 7, NOW.date()) == 0
    assert ledger.half_score(second, 7, NOW.date()) == 2
    assert store().scalar(select(func.count(QNetBounce.id))) == 2
    last = ledger.last(first)
    assert last is not None
    assert last.state == 'cleared'
    assert ledger.last(str(uuid4())) is None
