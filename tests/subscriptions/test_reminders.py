# SPDX-License-Identifier: GPL-3.0-or-later
"""Reminders of what waits: to subscribers once, to administrators twice (R11, R12)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailman.config import config
from mailman.interfaces.subscriptions import SubscriptionPendingError

from qnet_mailman.model.base import store
from qnet_mailman.model.closures import QNetClosure
from qnet_mailman.posting import backscatter
from qnet_mailman.runners import periodic
from qnet_mailman.subscriptions import confirming, reminding, sign_up
from qnet_mailman.subscriptions.reminder_times import next_reminder
from tests.clock import Clock
from tests.effort import effort
from tests.expected import require_expected
from tests.helpers import appoint, empty, subscribe
from tests.lists import list_of_another_style
from tests.subscriptions.joiners import (
    READER,
    confirm,
    mails,
    members,
    register,
    text,
    the_mail,
    token_of,
    undecided,
)

NEW_YORK = ZoneInfo('America/New_York')
DAY = timedelta(days=1)


def ask(*lists: Any, address: str = READER) -> None:
    """Sign up, as on the page."""
    sign_up.take(
        sign_up.Request(
            address=address,
            display_name='Rea',
            list_ids=tuple(mlist.list_id for mlist in lists),
            asked_at=datetime(2026, 3, 2, 12),
        )
    )
    config.db.commit()


def remind(clock: Clock) -> list[Any]:
    """What the task runner sends then."""
    empty('virgin')
    reminding.remind_subscribers(clock.moment)
    reminding.remind_administrators(clock.moment)
    config.db.commit()
    return mails()


# --------------------------------------------------------------------- when


@pytest.mark.parametrize(
    ('begin', 'due'),
    [
        # The clocks of New York go forward on March 8, and back on November 1.
        (datetime(2026, 3, 6, 23, 30), datetime(2026, 3, 9, 22, 30)),
        (datetime(2026, 10, 30, 3, 30), datetime(2026, 11, 2, 4, 30)),
        (datetime(2026, 12, 30, 4, 59), datetime(2027, 1, 2, 4, 59)),
    ],
)
def test_days_are_days_of_the_calendar(begin: datetime, due: datetime) -> None:
    found = next_reminder([3 * DAY], begin, begin + 7 * DAY, NEW_YORK)
    assert found == due


@given(
    st.lists(st.integers(0, 40), max_size=4).map(sorted),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    st.integers(0, 30),
)
def test_every_reminder_has_its_turn_once(
    days: list[int], begin: datetime, lifetime: int
) -> None:
    after, end = [day * DAY for day in days], begin + lifetime * DAY
    found: list[datetime] = []
    done = None
    while (moment := next_reminder(after, begin, end, NEW_YORK, done=done)) is not None:
        found.append(moment)
        done = moment
    assert found == sorted(set(found))
    assert all(begin < moment < end for moment in found)
    local = begin.replace(tzinfo=UTC).astimezone(NEW_YORK).date()
    assert {
        (moment.replace(tzinfo=UTC).astimezone(NEW_YORK).date() - local).days
        for moment in found
    } <= set(days)


def test_the_task_runner_does_both() -> None:
    done = {name: (interval, work) for name, interval, work in periodic.TASKS}
    hour = timedelta(hours=1)
    assert done['remind subscribers'] == (hour, reminding.remind_subscribers)
    assert done['remind administrators'] == (hour, reminding.remind_administrators)


# -------------------------------------------------------------- subscribers


def test_who_has_not_confirmed_is_reminded_once(make_list: Any, clock: Clock) -> None:
    mlist = make_list()
    ask(mlist)
    token = token_of(the_mail())
    clock.forward(days=3, seconds=-1)
    assert remind(clock) == []
    clock.forward(seconds=1)
    (mail,) = remind(clock)
    assert (mail['to'], mail['auto-submitted']) == (READER, 'auto-generated')
    assert mail['subject'] == 'Reminder: please confirm your request for HQR Updates'
    assert token_of(mail) == token
    require_expected(text(mail), __file__, 'reminder', TOKEN=token)
    for _ in range(5):
        clock.forward(days=1)
        assert remind(clock) == []
    # It is over by then.
    assert confirming.describe(token) is None


def test_a_reminder_confirms_as_the_first_mail(make_list: Any, clock: Clock) -> None:
    one, two = make_list(), make_list('discussion')
    ask(one, two)
    clock.forward(days=3)
    (mail,) = remind(clock)
    assert mail['subject'] == 'Reminder: please confirm your request for e-mail updates'
    assert confirming.confirm(token_of(mail), route='web') is not None
    assert members(one) == members(two) == [READER]


def test_only_of_what_is_still_to_be_confirmed(make_list: Any, clock: Clock) -> None:
    joined, closed, left = make_list(), make_list(), make_list()
    ask(joined, closed, left)
    subscribe(joined, READER)
    store().add(closure(closed))
    clock.forward(days=3)
    (mail,) = remind(clock)
    assert left.fqdn_listname in text(mail)
    assert joined.fqdn_listname not in text(mail)
    assert closed.fqdn_listname not in text(mail)


def closure(mlist: Any) -> QNetClosure:
    return QNetClosure(
        list_id=mlist.list_id,
        action='close',
        ticket='REQ1',
        closed_at=datetime(2026, 3, 2),
        undo_until=datetime(2026, 4, 2),
        advertised=True,
    )


def test_who_has_confirmed_is_not_reminded(make_list: Any, clock: Clock) -> None:
    ask(make_list())
    assert confirming.confirm(token_of(the_mail()), route='web') is not None
    config.db.commit()
    clock.forward(days=3)
    assert remind(clock) == []


def test_who_asked_again_is_reminded_of_that(make_list: Any, clock: Clock) -> None:
    one, two = make_list(), make_list()
    ask(one, address='Reader@example.net')
    clock.forward(days=1)
    ask(one, two)
    later = token_of(mails()[-1])
    clock.forward(days=2)
    assert remind(clock) == []
    clock.forward(days=1)
    (mail,) = remind(clock)
    assert token_of(mail) == later


def test_a_single_request_and_an_approved_one(make_list: Any, clock: Clock) -> None:
    public, private = make_list(), make_list('discussion', 'private')
    register(public, 'one@example.net')
    token, _, _ = register(private, 'two@example.net')
    clock.forward(days=2)
    confirm(private, token)
    clock.forward(days=1)
    assert [mail['to'] for mail in remind(clock)] == ['one@example.net']
    clock.forward(days=2)
    (mail,) = remind(clock)
    assert mail['to'] == 'two@example.net'
    assert 'The administrators of the list have approved' in text(mail)


def test_whose_first_mail_came_again_waits_as_long(
    make_list: Any, clock: Clock
) -> None:
    mlist = make_list()
    token, _, _ = register(mlist)
    clock.forward(days=2)
    with pytest.raises(SubscriptionPendingError):
        register(mlist)
    clock.forward(days=2)
    assert remind(clock) == []
    clock.forward(days=1)
    assert token_of(remind(clock)[0]) == token
    # And not once more, as it is repeated now.
    with pytest.raises(SubscriptionPendingError):
        register(mlist)
    clock.forward(days=3)
    assert remind(clock) == []


def test_who_was_invited_is_not_reminded(make_list: Any, clock: Clock) -> None:
    register(make_list(), invitation=True)
    clock.forward(days=3)
    assert remind(clock) == []


def test_nobody_is_where_the_site_wants_none(
    make_list: Any, clock: Clock, configure: Any
) -> None:
    configure(signup_reminder='0', join_request_reminders='0')
    private = make_list('discussion', 'private')
    appoint(private, 'admin@example.gov')
    ask(make_list(), private)
    clock.forward(days=7, seconds=-1)
    assert remind(clock) == []


def test_others_mailboxes_are_not_flooded(
    make_list: Any, clock: Clock, configure: Any
) -> None:
    lists = [make_list() for _ in range(3)]
    for number, mlist in enumerate(lists):
        ask(mlist, address=f'reader+{number}@example.net')
    clock.forward(days=3)
    # Of one mailbox, the last.
    assert [mail['to'] for mail in remind(clock)] == ['reader+2@example.net']
    ask(lists[0])
    clock.forward(days=3)
    configure(unproven_mails_per_day='1')
    assert backscatter.mail_allowed(READER)
    assert remind(clock) == []


def test_lists_of_other_styles_are_mailmans(make_list: Any, clock: Clock) -> None:
    mlist = make_list()
    register(mlist)
    list_of_another_style()
    config.db.commit()
    statement = 'UPDATE qnet_list SET list_id = :other'
    store().connection().exec_driver_sql(
        statement.replace(':other', "'stock.lists.example.gov'")
    )
    clock.forward(days=3)
    assert remind(clock) == []


# ----------------------------------------------------------- administrators


def people(found: Iterable[Any]) -> list[str]:
    return [mail['to'] for mail in found]


def test_administrators_are_reminded_after_three_days_and_seven(
    make_list: Any, clock: Clock
) -> None:
    mlist = make_list('discussion', 'private')
    appoint(mlist, 'admin@example.gov')
    appoint(mlist, 'mod@example.gov', 'moderator')
    register(mlist)
    token = undecided(mlist)
    clock.forward(days=3, seconds=-1)
    assert remind(clock) == []
    clock.forward(seconds=1)
    found = remind(clock)
    assert people(found) == ['admin@example.gov', 'mod@example.gov']
    assert found[0]['subject'] == 'HQR Updates: a request waits for your decision'
    link = re.search(r'/decide/(\w+)/', text(found[0]))[1]
    require_expected(text(found[0]), __file__, 'requests-wait', LINK=link)
    assert token not in text(found[0])
    clock.forward(days=4, seconds=-1)
    assert remind(clock) == []
    clock.forward(seconds=1)
    assert len(remind(clock)) == 2
    for days in (1, 30, 100):
        clock.forward(days=days)
        assert remind(clock) == []


def test_once_a_day_of_all_that_wait(make_list: Any, clock: Clock) -> None:
    mlist = make_list('discussion', 'private')
    appoint(mlist, 'admin@example.gov')
    for hour in range(25):
        register(mlist, f'reader{hour}@example.net')
        clock.forward(hours=1)
    clock.forward(hours=3 * 24 - 25)
    (mail,) = remind(clock)
    assert mail['subject'] == 'HQR Updates: 25 requests wait for your decision'
    assert text(mail).count('/decide/') == 20
    assert 'reader0@example.net' in text(mail)
    assert 'and 5 more' in text(mail)
    for _ in range(24):
        clock.forward(hours=1)
        assert remind(clock) == []


def test_what_was_decided_is_not_mentioned(make_list: Any, clock: Clock) -> None:
    mlist = make_list('discussion', 'private')
    appoint(mlist, 'admin@example.gov')
    token, _, _ = register(mlist)
    register(mlist, 'other@example.net')
    confirm(mlist, token)
    clock.forward(days=3)
    to_admin = [mail for mail in remind(clock) if mail['to'] == 'admin@example.gov']
    (mail,) = to_admin
    assert 'other@example.net' in text(mail)
    assert READER not in text(mail)


@pytest.mark.parametrize('why', ['unwanted', 'closed'])
def test_no_reminder(make_list: Any, clock: Clock, why: str) -> None:
    mlist = make_list('discussion', 'private')
    appoint(mlist, 'admin@example.gov')
    register(mlist)
    if why == 'unwanted':
        mlist.admin_immed_notify = False
    else:
        store().add(closure(mlist))
    clock.forward(days=3)
    assert remind(clock) == []


# --------------------------------------------------------------------- cost


def many(make_list: Any, number: int) -> Any:
    private = make_list('discussion', 'private')
    appoint(private, 'admin@example.gov')
    public = make_list()
    for each in range(number):
        ask(private, public, address=f'reader{each}@example.net')
    return private


def test_a_hundred_cost_little_more_statements_than_ten(
    make_list: Any, clock: Clock
) -> None:
    many(make_list, 10)
    clock.forward(days=3)
    with effort() as ten:
        assert len(remind(clock)) == 11
    many(make_list, 100)
    clock.forward(days=3)
    with effort() as hundred:
        assert len(remind(clock)) == 101
    assert len(hundred.statements) <= len(ten.statements) + 10
