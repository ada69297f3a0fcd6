# SPDX-License-Identifier: GPL-3.0-or-later
"""Many reports at once cost few statements, and come to what each by itself would."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from mailman.config import config
from sqlalchemy import select

from qnet_mailman.bounces import ledger, providers, receiving, recording
from qnet_mailman.bounces.receiving import Arrival
from qnet_mailman.bounces.whose import Place
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounceNotice, QNetRefusal, QNetSuspension
from qnet_mailman.runners.bounce import BATCH, BounceRunner
from tests.bounces.reports import (
    BLOCKED,
    FULL,
    UNKNOWN,
    VACATION,
    received,
    report,
    report_text,
    rows,
    verp,
)
from tests.bounces.test_receiving import notices
from tests.clock import Clock
from tests.effort import effort
from tests.helpers import message, queued, subscribe

STATEMENTS = 12
"""For a batch of any number of reports: see `receiving` and `recording`."""


def reader(number: int) -> str:
    return f'reader{number}@example{number % 7}.net'


FEW = pytest.mark.mlist(members=[reader(number) for number in range(20)])


@pytest.fixture
def many(make_list: Any) -> Any:
    """A list with a member for each report of a batch."""
    mlist = make_list()
    for number in range(BATCH):
        subscribe(mlist, reader(number))
    config.db.commit()
    providers._counts.clear()
    return mlist


@pytest.fixture
def runner(core: Any) -> Any:
    """One without periodic work: what is to be told stays to be seen."""
    runner: Any = BounceRunner('bounces')
    runner._do_periodic = lambda: None
    return runner


def enqueue(mlist: Any, msg: Any, **msgdata: Any) -> None:
    config.switchboards['bounces'].enqueue(
        msg, received(msg, **msgdata), listid=mlist.list_id
    )


def work_off(runner: Any) -> list[str]:
    """Work one batch off; what the database was asked."""
    with effort() as spent:
        assert runner._one_iteration() == BATCH
    assert queued('bounces') == queued('shunt') == queued('bad') == []
    return spent.statements


# ----------------------------------------------------------------------- cost


@pytest.mark.parametrize('said', [UNKNOWN, BLOCKED])
def test_a_hundred_reports_cost_a_dozen_statements(
    many: Any, clock: Clock, runner: Any, said: str
) -> None:
    mlist = many
    row = {
        'list_id': mlist.list_id,
        'email': '',
        'domain': 'example.org',
        'day': clock.moment.date(),
        'half_points': 2,
        'kind': 'hard',
        'reason': 'address unknown',
        'evidence': '',
        'received_at': clock.moment,
    }
    store().execute(
        ledger.bounces.insert(),
        [{**row, 'member_id': f'm{number}'} for number in range(3000)],
    )
    config.db.commit()
    for number in range(BATCH):
        enqueue(mlist, report(mlist, reader(number), said, serial=number))
    asked = work_off(runner)
    # Where a provider has to be told of, it costs a few more, once a day.
    assert len(asked) <= STATEMENTS + 20 * (said == BLOCKED), asked
    written = [row for row in rows() if row.domain != 'example.org']
    assert len(written) == len(notices(event='bounced')) == BATCH
    assert {row.state for row in written} == {
        'withheld' if said == BLOCKED else 'counted'
    }
    # Another post on the same day.
    for number in range(BATCH):
        enqueue(mlist, report(mlist, reader(number), said, serial=f'again{number}'))
    asked = work_off(runner)
    assert len(asked) <= STATEMENTS, asked
    assert len(notices(event='bounced')) == BATCH


def test_what_counts_for_nobody_costs_as_little(
    many: Any, clock: Clock, runner: Any
) -> None:
    mlist = many
    for number in range(BATCH // 4):
        # Forged, about others, forwarded, and an automatic answer.
        enqueue(mlist, report(mlist, reader(number), to=mlist.bounces_address))
        enqueue(
            mlist, report(mlist, reader(number + 1), to=verp(mlist, reader(number)))
        )
        enqueue(
            mlist,
            report(
                mlist, f'x{number}@example.org', to=verp(mlist, reader(number + 40))
            ),
        )
        away = VACATION.format(address=reader(number), to=verp(mlist, reader(number)))
        enqueue(mlist, message(away, ''))
    asked = work_off(runner)
    assert len(asked) <= STATEMENTS + 4, asked
    assert len(rows()) == BATCH // 4
    assert Counter(one.reason for one in notices(event='unrecognized')) == {
        'came without a token of ours': BATCH // 4,
        'is about another member': BATCH // 4,
    }


# ------------------------------------------------------- as if one after another


def some_reports(
    mlist: Any, clock: Clock, seed: int
) -> list[tuple[str, str, datetime, str]]:
    """Whom reports are about, what they say, and when they came: in a wild order."""
    chance = random.Random(seed)
    found = []
    for day in range(6):
        for number in range(14):
            said = chance.choice((UNKNOWN, UNKNOWN, FULL, BLOCKED))
            if day == 3 and number < 12:
                said = BLOCKED
            for copy in range(chance.choice((0, 1, 1, 1, 2))):
                at = clock.moment + timedelta(days=day, minutes=number)
                # Some are sent again on another day.
                post = f'<{day - (chance.random() < 0.1)}.{copy}@example.gov>'
                found.append((f'm{number}@p{number % 2}.example', said, at, post))
    # Some waited in the queue for longer than others.
    found.sort(key=lambda one: one[2] + timedelta(hours=chance.choice((0, 0, 0, 60))))
    return found


def outcome(mlist: Any) -> dict[str, Any]:
    """All that bounces have made of a list."""
    store().expire_all()
    of_list = {'list_id': mlist.list_id}
    suspended = select(QNetSuspension.email).filter_by(**of_list)
    refused = select(QNetRefusal.domain, QNetRefusal.day).filter_by(**of_list)
    told = select(QNetBounceNotice).filter_by(**of_list)
    return {
        'ledger': sorted(
            (one.email, one.day, one.half_points, one.state, one.kind, one.post)
            for one in rows(**of_list)
        ),
        'suspended': sorted(store().scalars(suspended)),
        'refused': sorted(store().execute(refused).tuples()),
        'told': sorted((one.event, one.email) for one in store().scalars(told)),
        'columns': sorted(
            (one.address.email, one.bounce_score, one.last_bounce_received)
            for one in mlist.members.members
        ),
        'delivery': sorted(
            (one.address.email, str(one.preferences.delivery_status))
            for one in mlist.members.members
        ),
    }


@FEW
def test_what_a_batch_takes_back_counts_for_nobody_in_it(
    mlist: Any, clock: Clock, configure: Any
) -> None:
    configure(provider_refusal_members='6')
    providers._counts.clear()
    yesterday, today = clock.moment, clock.moment + timedelta(days=1)

    def arrival(number: int, said: str, at: datetime) -> Arrival:
        msg = report(mlist, reader(number), said, serial=f'{number}{at}')
        return Arrival(Place.of(mlist), msg, at, str(msg['to']))

    # As refusals, they count; and together with the next ones they do not.
    first = [arrival(0, BLOCKED, yesterday)]
    receiving.receive_all(first, now=yesterday)
    late = [arrival(number, BLOCKED, yesterday) for number in range(1, 7)]
    receiving.receive_all([arrival(0, FULL, today), *late], now=today)
    store().expire_all()
    score = {m.address.email: m.bounce_score for m in mlist.members.members}
    assert {row.state for row in rows(day=yesterday.date())} == {'withheld'}
    # Half a point is shown as none.
    assert set(score.values()) == {0}


@pytest.mark.parametrize('seed', range(3))
def test_together_or_one_by_one(
    make_list: Any, clock: Clock, seed: int, configure: Any
) -> None:
    configure(provider_refusal_members='6')
    alone, together = make_list(), make_list()
    for mlist in (alone, together):
        mlist.bounce_score_threshold = 3
        for number in range(14):
            subscribe(mlist, f'm{number}@p{number % 2}.example')
    config.db.commit()
    wanted = some_reports(alone, clock, seed)
    now = clock.moment + timedelta(days=7)
    for mlist, size in ((alone, 1), (together, 30)):
        providers._counts.clear()
        arrivals = []
        for number, (address, said, at, post) in enumerate(wanted):
            to = verp(mlist, address, post=post)
            msg = report(mlist, address, said, to=to, serial=number)
            arrivals.append(Arrival(Place.of(mlist), msg, at, to))
        for begin in range(0, len(arrivals), size):
            receiving.receive_all(arrivals[begin : begin + size], now=now)
            config.db.commit()
    expected, found = outcome(alone), outcome(together)
    assert found == expected
    assert {row[3] for row in expected['ledger']} == {'counted', 'withheld'}
    assert expected['suspended']


def test_two_lists_in_one_batch(make_list: Any, clock: Clock, runner: Any) -> None:
    lists = [make_list(), make_list()]
    members = [subscribe(mlist, 'reader@example.net') for mlist in lists]
    config.db.commit()
    for mlist in lists * 2:
        enqueue(mlist, report(mlist, 'reader@example.net'))
    runner._one_iteration()
    assert sorted(row.list_id for row in rows()) == [one.list_id for one in lists]
    assert [member.bounce_score for member in members] == [1, 1]
    # The token of one list is nothing on the other.
    clock.moment += timedelta(days=1)
    msg = report(
        lists[0], 'reader@example.net', to=verp(lists[1], 'reader@example.net')
    )
    enqueue(lists[0], msg)
    runner._one_iteration()
    assert len(rows()) == 2


# -------------------------------------------------------------- what goes wrong


@FEW
def test_a_report_that_fails_takes_no_other_with_it(
    mlist: Any, clock: Clock, runner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = receiving.classify

    def broken(msg: Any, **how: Any) -> Any:
        if msg['message-id'] == '<7@mx.example.net>':
            raise RuntimeError('cannot be read')
        return read(msg, **how)

    monkeypatch.setattr(receiving, 'classify', broken)
    for number in range(20):
        enqueue(mlist, report(mlist, reader(number), serial=number))
    runner._one_iteration()
    assert sorted(row.email for row in rows()) == sorted(
        reader(number) for number in range(20) if number != 7
    )
    assert len(notices(event='bounced')) == 19
    [(shunted, _data)] = queued('shunt')
    assert shunted['message-id'] == '<7@mx.example.net>'
    assert queued('bounces') == queued('bad') == []


@FEW
@pytest.mark.parametrize('at', ['insert_rows', '_draw_consequences'])
def test_what_fails_in_the_middle_of_a_batch_is_taken_back(
    mlist: Any, clock: Clock, runner: Any, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """The database refuses once; then each is worked by itself, and counted once."""
    real = getattr(recording, at)
    failures = iter([True])

    def fails_once(*args: Any, **how: Any) -> Any:
        done = real(*args, **how)
        if next(failures, False):
            raise RuntimeError('the database said no')
        return done

    monkeypatch.setattr(recording, at, fails_once)
    for number in range(20):
        enqueue(mlist, report(mlist, reader(number), serial=number))
    runner._one_iteration()
    assert len(rows()) == len(notices(event='bounced')) == 20
    assert {row.half_points for row in rows()} == {2}
    assert queued('bounces') == queued('shunt') == queued('bad') == []


@FEW
def test_a_row_that_somebody_else_wrote_meanwhile_is_not_counted_twice(
    mlist: Any, clock: Clock, runner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R17 is the database's to keep, whoever did not lock a member."""
    look = ledger.known
    elsewhere = iter([True])

    def known(*args: Any) -> Any:
        found = look(*args)
        if next(elsewhere, False):
            [row] = [dict(one.__dict__) for one in rows(email=reader(0))]
            row.pop('_sa_instance_state')
            row.pop('id')
            member = str(mlist.members.get_member(reader(1)).member_id)
            changed = {'member_id': member, 'email': reader(1), 'post': None}
            store().execute(ledger.bounces.insert(), {**row, **changed})
        return found

    enqueue(mlist, report(mlist, reader(0)))
    runner._one_iteration()
    monkeypatch.setattr(ledger, 'known', known)
    for number in (1, 2):
        enqueue(mlist, report(mlist, reader(number), serial=number))
    runner._one_iteration()
    assert Counter(row.email for row in rows()) == {
        reader(number): 1 for number in range(3)
    }
    assert queued('bounces') == queued('shunt') == queued('bad') == []


@FEW
def test_text_of_strangers_is_written_as_it_is(
    mlist: Any, clock: Clock, runner: Any
) -> None:
    """Values go to the driver beside the statement, not in it."""
    said = "550 5.1.1 no such user '); DROP TABLE qnet_bounce; -- %s ? :x %(y)s"
    text = report_text(verp(mlist, reader(1)), reader(1), said)
    for number in (1, 2):
        msg = message(text.replace(reader(1), reader(number)), '')
        enqueue(mlist, msg, qnet_recipient=verp(mlist, reader(number)))
    runner._one_iteration()
    assert [row.evidence for row in rows()] == [said, said]
