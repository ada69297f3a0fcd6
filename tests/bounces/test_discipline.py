# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery disabled, warnings, removal, and starting again (R19, R22)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from mailman.app.lifecycle import remove_list
from mailman.config import config
from mailman.interfaces.member import DeliveryStatus, MemberRole
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from qnet_mailman import clock
from qnet_mailman.bounces import discipline, ledger, member_notices
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounce, QNetBounceNotice, QNetSuspension
from tests.bounces.rounds import steps_and_cycle
from tests.bounces.suspending import (
    GOODBYE,
    START,
    WARNING,
    Outbox,
    disable,
    live,
    member,
    suspensions,
)
from tests.helpers import make_user, queued, subscribe

__all__ = ['member']


def test_three_weeks(mlist: Any, member: Any) -> None:
    disable(mlist, member)
    assert member.preferences.delivery_status is DeliveryStatus.by_bounces
    assert live() == {0: [WARNING], 7: [WARNING], 14: [WARNING], 21: [GOODBYE]}
    assert mlist.members.get_member('reader@example.net') is None
    assert suspensions() == 0
    # What happened can still be looked up.
    assert store().scalar(select(func.count(QNetBounce.id))) == 5


@pytest.mark.long
def test_every_ten_minutes(mlist: Any, member: Any) -> None:
    disable(mlist, member)
    days = []
    outbox = Outbox()
    for minutes in range(0, 22 * 1440, 10):
        before = suspensions(), member.total_warnings_sent
        discipline.do_steps(START + timedelta(minutes=minutes))
        if suspensions() == 0:
            days.append(minutes / 1440)
            break
        if (suspensions(), member.total_warnings_sent) != before:
            days.append(minutes / 1440)
    assert days == [0, 7, 14, 21]
    assert len(outbox.new()) == 4


@pytest.mark.parametrize(
    ('warnings', 'days', 'expected'),
    [
        (1, 7, {0: [WARNING], 7: [GOODBYE]}),
        (2, 3, {0: [WARNING], 3: [WARNING], 6: [GOODBYE]}),
        (4, 1, {0: [WARNING], 1: [WARNING], 2: [WARNING], 3: [WARNING], 4: [GOODBYE]}),
        (0, 7, {0: [GOODBYE]}),
    ],
)
def test_other_settings(
    mlist: Any, member: Any, warnings: int, days: int, expected: dict[int, list[str]]
) -> None:
    mlist.bounce_you_are_disabled_warnings = warnings
    mlist.bounce_you_are_disabled_warnings_interval = timedelta(days=days)
    disable(mlist, member)
    assert live() == expected


def test_a_changed_setting_counts_from_the_next_step(mlist: Any, member: Any) -> None:
    disable(mlist, member)
    steps_and_cycle(START)
    mlist.bounce_you_are_disabled_warnings = 1
    config.db.commit()
    assert live() == {0: [WARNING], 7: [GOODBYE]}


@pytest.mark.parametrize(
    ('down', 'expected'),
    [
        ({7}, {0: [WARNING], 8: [WARNING], 15: [WARNING], 22: [GOODBYE]}),
        (range(5, 20), {0: [WARNING], 20: [WARNING], 27: [WARNING], 34: [GOODBYE]}),
        ({0, 21}, {1: [WARNING], 8: [WARNING], 15: [WARNING], 22: [GOODBYE]}),
        ({21}, {0: [WARNING], 7: [WARNING], 14: [WARNING], 22: [GOODBYE]}),
    ],
)
def test_the_service_was_down(
    mlist: Any, member: Any, down: Any, expected: dict[int, list[str]]
) -> None:
    disable(mlist, member)
    assert live(lambda day: day not in down) == expected


def test_a_member_enabled_on_day_10(mlist: Any, member: Any) -> None:
    disable(mlist, member)

    def enable(day: int) -> bool:
        if day == 10:
            member.preferences.delivery_status = DeliveryStatus.enabled
            member.bounce_score = 5
            config.db.commit()
        return True

    assert live(enable) == {0: [WARNING], 7: [WARNING]}
    assert suspensions() == 0
    assert member.bounce_score == member.total_warnings_sent == 0
    today = clock.today(START)
    assert ledger.half_score(str(member.member_id), 7, today) == 0


@pytest.mark.parametrize(
    'status', [None, DeliveryStatus.enabled, DeliveryStatus.by_user]
)
def test_settled_before_the_next_bounce(mlist: Any, member: Any, status: Any) -> None:
    disable(mlist, member)
    discipline.settle(mlist, member)
    assert suspensions() == 1
    member.preferences.delivery_status = status
    discipline.settle(mlist, member)
    assert suspensions() == 0
    assert ledger.half_score(str(member.member_id), 7, clock.today(START)) == 0
    # And disabled again, from a new beginning.
    later = START + timedelta(days=8)
    member.preferences.delivery_status = DeliveryStatus.enabled
    disable(mlist, member, later)
    assert live(start=later) == {
        0: [WARNING],
        7: [WARNING],
        14: [WARNING],
        21: [GOODBYE],
    }


def test_a_member_disabled_behind_our_back(mlist: Any, member: Any) -> None:
    other = subscribe(mlist, 'other@example.net')
    other.preferences.delivery_status = DeliveryStatus.by_moderator
    member.preferences.delivery_status = DeliveryStatus.by_bounces
    owner = subscribe(mlist, 'owner@example.gov', MemberRole.owner)
    owner.preferences.delivery_status = DeliveryStatus.by_bounces
    config.db.commit()
    # Adopted in the first round, warned in the next.
    steps_and_cycle(START)
    assert suspensions() == 1
    assert live() == {0: [WARNING], 7: [WARNING], 14: [WARNING], 21: [GOODBYE]}
    assert mlist.members.get_member('other@example.net') is not None


def test_a_member_who_left(mlist: Any, member: Any) -> None:
    disable(mlist, member)
    steps_and_cycle(START)
    member.unsubscribe()
    config.db.commit()
    assert list(live()) == [0]
    assert suspensions() == 0


def test_a_list_that_is_gone(mlist: Any, member: Any) -> None:
    disable(mlist, member)
    remove_list(mlist)
    config.db.commit()
    assert live(until=2) == {}
    assert suspensions() == 0


def test_a_list_that_does_not_process_bounces(mlist: Any, member: Any) -> None:
    disable(mlist, member)

    def process(day: int) -> bool:
        mlist.process_bounces = not 5 <= day < 10
        config.db.commit()
        return True

    assert live(process) == {0: [WARNING], 10: [WARNING], 17: [WARNING], 24: [GOODBYE]}


def test_only_one_of_two_subscriptions_goes(mlist: Any, member: Any) -> None:
    user = member.user
    user.preferred_address = member.address
    by_user = mlist.subscribe(user)
    disable(mlist, by_user)
    live()
    assert [m.member_id for m in mlist.members.members] == [member.member_id]


def test_a_user_without_a_preferred_address(mlist: Any) -> None:
    user = make_user('reader@example.net')
    user.preferred_address = next(iter(user.addresses))
    disable(mlist, mlist.subscribe(user))
    del user.preferred_address
    config.db.commit()
    assert list(live()) == [0, 7, 14, 21]


def test_what_postorius_shows(mlist: Any, member: Any) -> None:
    disable(mlist, member)
    steps_and_cycle(START)
    assert member.total_warnings_sent == 1
    assert member.last_warning_sent == START


def test_a_step_that_fails_keeps_nobody_waiting(mlist: Any, member: Any) -> None:
    other = subscribe(mlist, 'a@example.net')
    disable(mlist, other)
    disable(mlist, member)
    real = member_notices.send_warning

    def fail(mlist: Any, email: str, **kws: Any) -> None:
        if email == 'a@example.net':
            raise RuntimeError
        real(mlist, email, **kws)

    with patch.object(member_notices, 'send_warning', fail):
        steps_and_cycle(START)
        steps_and_cycle(START)
    assert len(Outbox().new()) == 1
    outbox = Outbox('a@example.net')
    assert outbox.new() == []
    steps_and_cycle(START + discipline.PUT_OFF)
    assert outbox.subjects() == [WARNING]


def test_a_kill_before_the_commit_repeats_one_warning(mlist: Any, member: Any) -> None:
    """The worst moment: the e-mail is in the queue, the transaction is lost."""
    others = [subscribe(mlist, f'{n}@example.net') for n in range(4)]
    for one in (*others, member):
        disable(mlist, one)
    sent = []
    real = member_notices.send_warning

    def die(mlist: Any, email: str, **kws: Any) -> None:
        real(mlist, email, **kws)
        sent.append(email)
        if len(sent) == 3:
            raise OperationalError('x', {}, Exception('the power is gone'))

    with (
        patch.object(member_notices, 'send_warning', die),
        pytest.raises(OperationalError),
    ):
        steps_and_cycle(START)
    steps_and_cycle(START)
    got = [
        next(iter(data['recipients']))
        for msg, data in queued('virgin')
        if msg['subject'] == WARNING
    ]
    assert sorted(got) == sorted(
        [*(m.address.email for m in (*others, member)), sent[2]]
    )


def test_who_else_was_faster(mlist: Any, member: Any) -> None:
    disable(mlist, member)
    row = store().scalars(select(QNetSuspension)).one()
    seen = discipline._Due(row.id, row.member_id, row.warnings, row.next_step_at)
    steps_and_cycle(START)
    discipline._guarded_step(seen, START)
    assert len(Outbox().new()) == 1


def test_reached_twice(mlist: Any, member: Any) -> None:
    disable(mlist, member)
    discipline.reached(mlist, member, 10, now=START)
    assert suspensions() == 1
    events = store().scalars(select(QNetBounceNotice.event)).all()
    assert events == ['disabled']
