# SPDX-License-Identifier: GPL-3.0-or-later
"""Random weeks on lists, through the runner, against a plain re-statement (R17-R22)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mailman.config import config
from mailman.interfaces.member import DeliveryStatus, MemberRole
from mailman.interfaces.usermanager import IUserManager
from zope.component import getUtility

from qnet_mailman import clock as qnet_mailman_clock
from qnet_mailman.bounces import discipline, ledger
from qnet_mailman.model.base import store
from qnet_mailman.runners.bounce import BounceRunner
from tests.bounces.reports import FULL, UNKNOWN, received, report
from tests.clock import Clock
from tests.helpers import add_address, make_user, subscribe


@dataclass
class Clerk:
    """One membership, as somebody careful writes it down by hand.

    :ivar book: Half-points by day; None where they were cleared (R22).
    """

    address: str
    book: dict[date, int | None] = field(default_factory=dict)
    disabled: bool = False

    def bounce(self, day: date, half: int, threshold: int, window: int) -> None:
        if day in self.book:
            return
        self.book[day] = half
        if self.score(day, window) >= 2 * threshold:
            self.disabled = True

    def score(self, today: date, window: int) -> int:
        days = (today - timedelta(days=ago) for ago in range(window))
        return sum(self.book.get(day) or 0 for day in days)

    def enable(self) -> None:
        if self.disabled:
            self.disabled = False
            self.book = dict.fromkeys(self.book)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just('bounce'), st.integers(0, 3), st.booleans()),
        st.tuples(st.just('bounce'), st.integers(0, 3), st.booleans()),
        st.tuples(st.just('wait'), st.integers(1, 40), st.none()),
        st.tuples(st.just('wait'), st.integers(1, 40), st.none()),
        st.tuples(st.just('enable'), st.integers(0, 3), st.none()),
        st.tuples(st.just('rejoin'), st.integers(0, 1), st.none()),
        st.tuples(st.just('move'), st.just(2), st.none()),
        st.tuples(st.just('settings'), st.integers(1, 4), st.integers(2, 9)),
    ),
    min_size=10,
    max_size=60,
)


@settings(
    max_examples=12,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(
    steps=STEPS,
    zone=st.sampled_from(['America/New_York', 'Europe/Berlin']),
    start=st.sampled_from([datetime(2026, 3, 1, 3), datetime(2026, 10, 20, 22)]),
)
def test_weeks_on_lists_are_as_by_hand(
    make_list: Any,
    configure: Any,
    clock: Clock,
    steps: list[tuple[str, int, Any]],
    zone: str,
    start: datetime,
) -> None:
    configure(time_zone=zone)
    clock.moment = start
    lists = [make_list(), make_list()]
    serial = str(lists[0].list_id).partition('.')[0]
    # 0 and 1: the same address on two lists; 2: a user; 3: another member.
    same, other = f'same-{serial}@example.net', f'other-{serial}@example.org'
    names = [same, same, f'user-{serial}-0@example.net', other]
    on = [lists[0], lists[1], lists[0], lists[0]]
    user = make_user(names[2])
    user.preferred_address = next(iter(user.addresses))
    members = [
        subscribe(lists[0], same),
        subscribe(lists[1], same),
        lists[0].subscribe(user, MemberRole.member),
        subscribe(lists[0], other),
    ]
    clerks = [Clerk(name) for name in names]
    threshold, window, moves = 5, 7, 0
    runner = BounceRunner('bounces')
    for number, (what, which, more) in enumerate(steps):
        today = clock.moment.replace(tzinfo=ZoneInfo('UTC')).astimezone(ZoneInfo(zone))
        if what == 'bounce':
            said = UNKNOWN if more else FULL
            msg = report(on[which], clerks[which].address, said, serial=number)
            runner._dispose(on[which], msg, received(msg))
            its = (threshold, window) if on[which] is lists[0] else (5, 7)
            clerks[which].bounce(today.date(), 2 if more else 1, *its)
        elif what == 'wait':
            clock.moment += timedelta(hours=which)
        elif what == 'enable':
            members[which].preferences.delivery_status = None
            store().flush()
            discipline.settle(on[which], members[which])
            clerks[which].enable()
        elif what == 'rejoin':
            members[which].unsubscribe()
            store().flush()
            members[which] = subscribe(on[which], same)
            clerks[which] = Clerk(same)
        elif what == 'move':
            moves += 1
            clerks[2].address = f'user-{serial}-{moves}@example.net'
            add_address(user, clerks[2].address)
            user.preferred_address = getUtility(IUserManager).get_address(
                clerks[2].address
            )
        else:
            threshold, window = which, more
            lists[0].bounce_score_threshold = which
            lists[0].bounce_info_stale_after = timedelta(days=more)
        config.db.commit()
    today = clock.moment.replace(tzinfo=ZoneInfo('UTC')).astimezone(ZoneInfo(zone))
    for member, clerk, mlist in zip(members, clerks, on, strict=True):
        days = window if mlist is lists[0] else 7
        assert ledger.half_score(
            str(member.member_id), days, today.date()
        ) == clerk.score(today.date(), days)
        disabled = member.preferences.delivery_status is DeliveryStatus.by_bounces
        assert disabled is clerk.disabled


@pytest.mark.parametrize('hours', [23, 25])
def test_days_on_which_clocks_are_set_have_their_own_length(
    make_list: Any, configure: Any, clock: Clock, hours: int
) -> None:
    configure(time_zone='Europe/Berlin')
    mlist = make_list()
    member = subscribe(mlist, 'reader@example.net')
    # Midnight in Berlin before 29 March and 25 October.
    begin = datetime(2026, 3, 28, 23) if hours == 23 else datetime(2026, 10, 24, 22)
    end = begin + timedelta(hours=hours)
    runner = BounceRunner('bounces')
    for moment in (begin, end - timedelta(seconds=1), end):
        clock.moment = moment
        msg = report(mlist, 'reader@example.net', serial=moment)
        runner._dispose(mlist, msg, received(msg))
    config.db.commit()
    assert (
        ledger.half_score(str(member.member_id), 7, qnet_mailman_clock.today(end)) == 4
    )
