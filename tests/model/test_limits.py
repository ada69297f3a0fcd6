# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits that hold across processes (R13)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailman.config import config
from sqlalchemy import func, select

from qnet_mailman.model import limits
from qnet_mailman.model.base import store
from qnet_mailman.model.subscriptions import QNetLimit
from tests.clock import Clock

MOMENT = datetime(2027, 3, 14, 6, 59, 59)


pytestmark = pytest.mark.usefixtures('core')


def test_so_many_and_no_more(clock: Clock) -> None:
    clock.moment = MOMENT

    def ask(whom: str = 'reader@example.net') -> bool:
        return limits.allowed('join', whom, 3, limits.HOUR)

    assert [ask() for _ in range(5)] == [True] * 3 + [False] * 2
    assert ask('other@example.net')
    assert limits.allowed('leave', 'reader@example.net', 3, limits.HOUR)
    clock.forward(seconds=1)
    assert ask()


def test_what_is_rolled_back_was_not_counted(clock: Clock) -> None:
    limits.allowed('join', 'a', 1, limits.DAY)
    config.db.abort()
    assert limits.allowed('join', 'a', 1, limits.DAY)


def test_what_is_over_is_removed(clock: Clock) -> None:
    clock.moment = MOMENT
    limits.allowed('join', 'a', 1, limits.HOUR)
    limits.allowed('join', 'a', 1, limits.DAY)
    limits.prune(MOMENT + timedelta(minutes=30))
    assert store().scalar(select(func.count()).select_from(QNetLimit)) == 1


@given(
    st.datetimes(
        datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.none() | st.just(UTC)
    ),
    st.sampled_from([limits.HOUR, limits.DAY]),
)
def test_every_moment_is_in_one_period(moment: datetime, period: timedelta) -> None:
    begin, end = limits._period(moment, period)
    assert begin <= moment < end
    assert end - begin == period
    assert limits._period(begin, period) == (begin, end)
    assert limits._period(end, period)[0] == end
