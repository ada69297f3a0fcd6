# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery disabled, warnings, removal, and starting again (R19, R22)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from mailman.app.lifecycle import remove_list
from mailman.config import config
from mailman.interfaces.member import DeliveryStatus, MemberRole
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.model.preferences import Preferences
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import OperationalError

from qnet_mailman import clock
from qnet_mailman.bounces import discipline, ledger, notices
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounce, QNetBounceNotice, QNetSuspension
from tests.bounces.rounds import steps_and_cycle
from tests.effort import effort
from tests.helpers import make_user, queued, subscribe

START = datetime(2026, 1, 5, 15, 30)
WARNING = 'Messages of HQR Updates do not reach you'
GOODBYE = 'Your subscription to HQR Updates has ended'


def bounce(member: Any, at: datetime, half_points: int = 2) -> None:
    """A row of the ledger, as scoring writes it."""
    store().add(
        QNetBounce(
            member_id=str(member.member_id),
            list_id=member.list_id,
            email=member.address.email,
            domain=member.address.email.partition('@')[2],
            day=clock.today(at),
            half_points=half_points,
            kind='hard',
            reason='address unknown',
            status='5.1.1',
            evidence='550 5.1.1 <reader@example.net>: user unknown',
            received_at=at,
        )
    )


def disable(mlist: Any, member: Any, at: datetime = START) -> None:
    """Five hard bounces, the last of them now."""
    for days in range(5):
        bounce(member, at - timedelta(days=days))
    discipline.reached(mlist, member, 10, now=at)
    config.db.commit()


def suspensions() -> int:
    return store().scalar(select(func.count(QNetSuspension.id))) or 0


class Outbox:
    """What went to one address, by the day on which it did."""

    def __init__(self, address: str = 'reader@example.net') -> None:
        self.address = address
        self._seen: set[str] = set()

    def new(self) -> list[Any]:
        found = [
            msg
            for msg, data in queued('virgin')
            if self.address in data['recipients']
            and msg['message-id'] not in self._seen
        ]
        self._seen |= {msg['message-id'] for msg in found}
        return found

    def subjects(self) -> list[str]:
        return [str(msg['subject']) for msg in self.new()]


def live(
    days: Callable[[int], bool] = lambda day: True, until: int = 40, start: Any = START
) -> dict[int, list[str]]:
    """Run the periodic work once a day; which e-mail came on which day."""
    outbox = Outbox()
    found = {}
    for day in range(until):
        if days(day):
            steps_and_cycle(start + timedelta(days=day, seconds=day))
            if subjects := outbox.subjects():
                found[day] = subjects
    return found


@pytest.fixture
def member(mlist: Any) -> Any:
    found = subscribe(mlist, 'reader@example.net')
    config.db.commit()
    return found


def test_three_weeks(mlist: Any, member: Any) -> None:
    disable(mlist, member)
    assert member.preferences.delivery_status is DeliveryStatus.by_bounces
    assert live() == {0: [WARNING], 7: [WARNING], 14: [WARNING], 21: [GOODBYE]}
    assert mlist.members.get_member('reader@example.net') is None
    assert suspensions() == 0
    # What happened can still be looked up.
    assert store().scalar(select(func.count(QNetBounce.id))) == 5


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
    real = notices.send_warning

    def fail(mlist: Any, email: str, **kws: Any) -> None:
        if email == 'a@example.net':
            raise RuntimeError
        real(mlist, email, **kws)

    with patch.object(notices, 'send_warning', fail):
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
    real = notices.send_warning

    def die(mlist: Any, email: str, **kws: Any) -> None:
        real(mlist, email, **kws)
        sent.append(email)
        if len(sent) == 3:
            raise OperationalError('x', {}, Exception('the power is gone'))

    with (
        patch.object(notices, 'send_warning', die),
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


def test_events_for_administrators(mlist: Any, member: Any) -> None:
    discipline_events = []
    with patch.object(notices, 'send_all'):
        disable(mlist, member)
        live()
        discipline_events = [
            (row.event, row.email, row.kind, row.reason, row.half_score, row.threshold)
            for row in store().scalars(
                select(QNetBounceNotice).order_by(QNetBounceNotice.id)
            )
        ]
    about = ('reader@example.net', 'hard', 'address unknown', 10, 5)
    assert discipline_events == [('disabled', *about), ('removed', *about)]


def test_the_warning(mlist: Any, member: Any) -> None:
    disable(mlist, member)
    steps_and_cycle(START)
    (warning,) = Outbox().new()
    text = warning.get_payload(decode=True).decode()
    assert warning['auto-submitted'] == 'auto-generated'
    assert str(warning['from']) == mlist.owner_address
    assert max(map(len, text.splitlines())) <= 78
    for words in (
        'reader@example.net',
        'came back on January 5, 2026, because your mail server does not know',
        '550 5.1.1 <reader@example.net>: user unknown',
        'ends on January 26, 2026',
        'This is warning 1 of 3',
        'Allow the domain lists.example.gov',
        'Ask your IT department',
        'blocklist',
        mlist.owner_address,
        f'https://lists.example.gov/mailman3/lists/{mlist.list_id}/',
        'help@example.gov',
        '1-800-555-0100',
    ):
        assert words in ' '.join(text.split())
    assert '$' not in text


def test_the_warning_without_a_web_side_and_without_a_report(
    mlist: Any, member: Any, configure: Any
) -> None:
    configure(web_url='')
    discipline.reached(mlist, member, 10, now=START)
    steps_and_cycle(START)
    (warning,) = Outbox().new()
    text = warning.get_payload(decode=True).decode()
    assert 'Mail to this address came back to us.' in text
    assert 'http' not in text
    assert '$' not in text


@pytest.mark.parametrize('web_url', ['', 'https://lists.example.gov'])
def test_the_last_message(
    mlist: Any, member: Any, configure: Any, web_url: str
) -> None:
    configure(web_url=web_url)
    mlist.bounce_you_are_disabled_warnings = 0
    mlist.send_goodbye_message = False
    disable(mlist, member)
    steps_and_cycle(START)
    (goodbye,) = Outbox().new()
    text = goodbye.get_payload(decode=True).decode()
    assert mlist.join_address in text
    assert ('https://' in text) == bool(web_url)
    assert max(map(len, text.splitlines())) <= 78
    assert 'help@example.gov' in text
    assert '$' not in text


def test_the_day_of_the_sites_time_zone(
    mlist: Any, member: Any, configure: Any
) -> None:
    configure(time_zone='America/New_York')
    # March 1 there; clocks go forward on March 8.
    start = datetime(2026, 3, 2, 4, 45)
    disable(mlist, member, start)
    steps_and_cycle(start)
    (warning,) = Outbox().new()
    text = warning.get_payload(decode=True).decode()
    assert 'came back on March 1, 2026' in text
    assert 'ends on March 22, 2026' in text
    row = store().scalars(select(QNetSuspension)).one()
    assert row.next_step_at == datetime(2026, 3, 9, 3, 40)


def test_nothing_is_due(mlist: Any, member: Any) -> None:
    steps_and_cycle(START)
    with effort() as spent:
        steps_and_cycle(START + timedelta(seconds=1))
    assert len(spent.statements) == 2, spent.statements


def test_many_members_disabled_behind_our_back(mlist: Any) -> None:
    _many_disabled(mlist, 250)
    discipline.reconcile(START)
    assert suspensions() == 250
    store().execute(update(Preferences).values(delivery_status=None))
    config.db.commit()
    discipline.reconcile(START)
    assert suspensions() == 0


def test_ten_thousand_suspended_members(mlist: Any) -> None:
    """Point 15: they do not slow the periodic work where nothing is due."""
    ids = _many_disabled(mlist, 10_000)
    store().execute(
        insert(QNetSuspension),
        [
            {
                'member_id': member_id,
                'list_id': mlist.list_id,
                'email': 'reader@example.net',
                'disabled_at': START,
                'warnings': 1,
                'next_step_at': START + timedelta(days=6),
            }
            for member_id in ids
        ],
    )
    config.db.commit()
    with effort() as once_a_cycle:
        steps_and_cycle(START)
    with effort() as usually:
        steps_and_cycle(START + timedelta(minutes=1))
    assert suspensions() == 10_000
    assert len(once_a_cycle.statements) <= 10
    # A hundred for each member; not one look at all of them for each.
    assert once_a_cycle.kilosteps < 1000
    assert len(usually.statements) == 2
    assert usually.kilosteps <= 1


def _many_disabled(mlist: Any, number: int) -> list[str]:
    """Many members whom somebody disabled; their ids."""
    numbers = range(1_000_000, 1_000_000 + number)
    store().execute(
        insert(Preferences),
        [{'id': n, 'delivery_status': DeliveryStatus.by_bounces} for n in numbers],
    )
    store().execute(
        Address.__table__.insert(),
        [{'id': n, 'email': f'{n}@example.net', 'display_name': ''} for n in numbers],
    )
    store().execute(
        Member.__table__.insert(),
        [
            {
                'id': n,
                '_member_id': UUID(int=n),
                'role': MemberRole.member,
                'list_id': mlist.list_id,
                'address_id': n,
                'preferences_id': n,
            }
            for n in numbers
        ],
    )
    config.db.commit()
    return [str(UUID(int=n)) for n in numbers]


def test_more_warnings_than_a_batch(mlist: Any) -> None:
    _many_disabled(mlist, 2 * discipline.BATCH + 10)
    discipline.reconcile(START)
    discipline.do_steps(START)
    assert len(queued('virgin')) == 2 * discipline.BATCH + 10
    assert store().scalars(select(QNetSuspension.warnings).distinct()).all() == [1]


def test_the_rest_waits_for_the_next_round(mlist: Any) -> None:
    for number in range(5):
        disable(mlist, subscribe(mlist, f'{number}@example.net'))
    with patch.object(discipline, 'PATIENCE', 0.0):
        discipline.do_steps(START)
    assert queued('virgin') == []
    discipline.do_steps(START)
    assert len(queued('virgin')) == 5
