# SPDX-License-Identifier: GPL-3.0-or-later
"""A provider that refuses the list (R23)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from mailman.config import config
from mailman.interfaces.member import DeliveryStatus
from sqlalchemy import select, update

from qnet_mailman.bounces import providers, refusals
from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounce, QNetRefusal, QNetSuspension, State
from qnet_mailman.runners.bounce import BounceRunner
from tests.bounces.reports import BLOCKED, UNKNOWN, received, report, rows
from tests.bounces.test_receiving import notices
from tests.clock import Clock

DOMAIN = 'provider.example'

pytestmark = pytest.mark.mlist(
    members=[
        *(f'm{number}@{DOMAIN}' for number in range(20)),
        *(f'm{number}@elsewhere.example' for number in range(60)),
    ]
)


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    providers._counts.clear()


def bounce(mlist: Any, numbers: Any, said: str = BLOCKED, domain: str = DOMAIN) -> None:
    runner = BounceRunner('bounces')
    for number in numbers:
        msg = report(mlist, f'm{number}@{domain}', said, serial=number)
        runner._dispose(mlist, msg, received(msg))
        config.db.commit()


def states(**where: Any) -> list[str]:
    return [row.state for row in rows(**where)]


def status(mlist: Any, number: int) -> Any:
    store().expire_all()
    member = mlist.members.get_member(f'm{number}@{DOMAIN}')
    return member.preferences.delivery_status


def test_refusals_of_many_members_are_withheld(mlist: Any, clock: Clock) -> None:
    bounce(mlist, range(9))
    assert states() == ['counted'] * 9
    bounce(mlist, range(9, 12))
    assert states() == ['withheld'] * 12
    [alert] = notices(event='refused')
    assert (alert.email, alert.reason) == (DOMAIN, 'policy or blocklist')
    assert {
        mlist.members.get_member(f'm{n}@{DOMAIN}').bounce_score for n in range(12)
    } == {0}
    # An address that is wrong is wrong all the same; another day is another day.
    bounce(mlist, [15], UNKNOWN)
    clock.moment += timedelta(days=1)
    bounce(mlist, [0])
    assert states()[-2:] == ['counted', 'counted']
    assert len(notices(event='refused')) == 1


def test_a_small_part_of_a_provider_is_no_refusal_of_the_list(
    mlist: Any, clock: Clock
) -> None:
    # 11 of 60 are fewer than 20 %.
    bounce(mlist, range(11), domain='elsewhere.example')
    assert set(states()) == {'counted'}
    providers._counts.clear()
    bounce(mlist, [11], domain='elsewhere.example')
    assert set(states()) == {'withheld'}


def test_unknown_users_are_no_refusal(mlist: Any, clock: Clock) -> None:
    bounce(mlist, range(20), UNKNOWN)
    assert set(states()) == {'counted'}


def test_the_sites_settings_are_respected(
    mlist: Any, clock: Clock, configure: Any
) -> None:
    configure(provider_refusals='no')
    bounce(mlist, range(20))
    assert set(states()) == {'counted'}
    configure(provider_refusal_members='2', provider_refusal_percent='15')
    clock.moment += timedelta(days=1)
    bounce(mlist, range(2))
    assert states()[-2:] == ['counted', 'counted']
    bounce(mlist, [2])
    assert states()[-3:] == ['withheld'] * 3


def test_who_was_disabled_only_for_that_gets_mail_again(
    mlist: Any, clock: Clock
) -> None:
    for _ in range(4):
        bounce(mlist, [0, 1], UNKNOWN)
        clock.moment += timedelta(days=1)
    bounce(mlist, [1], UNKNOWN)
    bounce(mlist, [0])
    assert status(mlist, 0) is DeliveryStatus.by_bounces
    bounce(mlist, range(2, 11))
    assert status(mlist, 0) is None
    assert status(mlist, 1) is DeliveryStatus.by_bounces
    assert list(store().scalars(select(QNetSuspension.email))) == [f'm1@{DOMAIN}']
    assert [one.email for one in notices(event='disabled')] == [f'm1@{DOMAIN}']
    # The points of other days are still there.
    assert mlist.members.get_member(f'm0@{DOMAIN}').bounce_score == 4


@pytest.mark.parametrize('late', [0, 6])
def test_the_sweep_finds_what_runners_did_not_see(
    mlist: Any, clock: Clock, late: int
) -> None:
    bounce(mlist, range(9))
    # Committed by another runner while this one looked.
    store().execute(
        update(QNetBounce)
        .where(QNetBounce.id == rows()[0].id)
        .values(reason='address unknown')
    )
    bounce(mlist, range(9, 10))
    store().execute(
        update(QNetBounce)
        .where(QNetBounce.id == rows()[0].id)
        .values(reason='policy or blocklist')
    )
    config.db.commit()
    assert set(states()) == {'counted'}
    # The reports may have waited for the runners.
    clock.moment += timedelta(days=late)
    refusals.sweep(clock.moment)
    assert set(states()) == {'withheld'}
    store().execute(
        update(QNetBounce)
        .where(QNetBounce.id == rows()[0].id)
        .values(state=State.counted.value)
    )
    refusals.sweep(clock.moment + timedelta(minutes=2))
    assert set(states()) == {'withheld'}
    assert len(notices(event='refused')) == 1


def command(*arguments: str) -> Result:
    result = CliRunner().invoke(qnet, ['bounces', *arguments])
    assert isinstance(result.exception, SystemExit | None), result.exc_info
    store().expire_all()
    return result


def test_an_operator_lets_refusals_count_and_takes_it_back(
    mlist: Any, clock: Clock
) -> None:
    for _ in range(4):
        bounce(mlist, [0], UNKNOWN)
        clock.moment += timedelta(days=1)
    bounce(mlist, range(12))
    day = clock.moment.date().isoformat()
    assert states(day=clock.moment.date()) == ['withheld'] * 12
    done = command(mlist.fqdn_listname, '--count-refusals', DOMAIN, day)
    assert done.exit_code == 0
    assert '12 refusals by provider.example now counted' in done.output
    assert states(day=clock.moment.date()) == ['counted'] * 12
    assert status(mlist, 0) is DeliveryStatus.by_bounces
    # The decision holds for the rest of the day, in the sweep, too.
    bounce(mlist, [13])
    refusals.sweep(clock.moment)
    assert states(day=clock.moment.date()) == ['counted'] * 13
    done = command(mlist.fqdn_listname, '--withhold', '@Provider.example', day)
    assert '13 refusals' in done.output
    assert status(mlist, 0) is None
    assert [one.withheld for one in store().scalars(select(QNetRefusal))] == [True]
    told = store().execute(
        select(QNetAudit.action, QNetAudit.subject, QNetAudit.detail).where(
            QNetAudit.action.like('refusals%')
        )
    )
    assert [(action, subject) for action, subject, _detail in told] == [
        ('refusals counted', DOMAIN),
        ('refusals withheld', DOMAIN),
    ]


@pytest.mark.parametrize(
    'arguments',
    [
        ['--count-refusals', DOMAIN, '2026-03-02'],
        ['LIST', '--withhold', DOMAIN, 'yesterday'],
        ['LIST', '--withhold', DOMAIN, '2026-03-02', '--member', 'a@example.net'],
    ],
)
def test_second_thoughts_need_a_list_and_a_day(
    mlist: Any, arguments: list[str]
) -> None:
    named = [mlist.fqdn_listname if one == 'LIST' else one for one in arguments]
    assert command(*named).exit_code == 1


def test_withheld_bounces_are_shown_without_points(mlist: Any, clock: Clock) -> None:
    bounce(mlist, range(10))
    entries = json.loads(command(mlist.list_id, '--json').output)
    assert len(entries) == 10
    assert entries[0]['score'] == 0
    assert entries[0]['days'][0]['points'] == 0
    assert entries[0]['days'][0]['state'] == 'withheld'
