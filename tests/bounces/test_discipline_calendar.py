# SPDX-License-Identifier: GPL-3.0-or-later
"""The days of warnings and of removal (R19): plain moments in, plain moments out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.bounces.discipline import CUT, GRACE, next_step, removal
from qnet_mailman.clock import later

WEEK = timedelta(days=7)
ZONES = ['UTC', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu']
zones = st.sampled_from([ZoneInfo(name) for name in ZONES])
moments = st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31))
whole_days = st.integers(1, 60).map(lambda days: timedelta(days=days))


def utc(moment: datetime, zone: ZoneInfo) -> datetime:
    """A local time as Mailman has times: in UTC, without a zone."""
    return moment.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)


def local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.replace(tzinfo=UTC).astimezone(zone)


@pytest.mark.parametrize(
    ('before', 'after'),
    [
        # New York: clocks go forward on March 8, 2026, and back on November 1.
        (datetime(2026, 3, 5, 9), datetime(2026, 3, 12, 9)),
        (datetime(2026, 10, 28, 9), datetime(2026, 11, 4, 9)),
        (datetime(2026, 3, 4, 23, 50), datetime(2026, 3, 11, 23, 50)),
        (datetime(2026, 10, 31, 0, 0), datetime(2026, 11, 7, 0, 0)),
    ],
)
def test_the_hour_stays_when_clocks_change(before: datetime, after: datetime) -> None:
    zone = ZoneInfo('America/New_York')
    assert later(utc(before, zone), WEEK, zone) == utc(after, zone)


def test_an_hour_that_does_not_exist() -> None:
    zone = ZoneInfo('America/New_York')
    step = later(utc(datetime(2026, 3, 1, 2, 30), zone), WEEK, zone)
    assert local(step, zone) == datetime(2026, 3, 8, 3, 30, tzinfo=zone)


def test_hours_are_hours() -> None:
    zone = ZoneInfo('America/New_York')
    start = datetime(2026, 3, 8, 6, 30)
    assert later(start, timedelta(hours=12), zone) == start + timedelta(hours=12)


def test_the_runners_own_pace_does_not_add_up() -> None:
    zone = ZoneInfo('UTC')
    step = datetime(2026, 1, 5, 23, 58)
    days = []
    for _ in range(4):
        days.append(step.date() - datetime(2026, 1, 5).date())
        step = next_step(step, step + timedelta(minutes=9), WEEK, zone)
    assert days == [0 * WEEK, WEEK, 2 * WEEK, 3 * WEEK]


def test_a_late_step_moves_the_following_ones() -> None:
    zone = ZoneInfo('UTC')
    due = datetime(2026, 1, 12, 9)
    done = datetime(2026, 1, 14, 15, 42, 11)
    assert next_step(due, done, WEEK, zone) == datetime(2026, 1, 21, 15, 40)


def test_the_removal_that_a_warning_announces() -> None:
    zone = ZoneInfo('America/New_York')
    first = utc(datetime(2026, 3, 1, 12), zone)
    step = next_step(first, first, WEEK, zone)
    assert removal(step, 2, WEEK, zone) == utc(datetime(2026, 3, 22, 12), zone)


@given(moments, zones, whole_days)
def test_days_are_calendar_days(
    moment: datetime, zone: ZoneInfo, interval: timedelta
) -> None:
    step = later(moment, interval, zone)
    start = local(moment, zone)
    assert local(step, zone).date() == start.date() + interval


@given(
    moments,
    st.timedeltas(timedelta(0), timedelta(days=40)),
    st.timedeltas(timedelta(minutes=1), timedelta(days=60)),
    zones,
)
def test_the_interval_is_kept(
    due: datetime, late: timedelta, interval: timedelta, zone: ZoneInfo
) -> None:
    done = due + late
    step = next_step(due, done, interval, zone)
    # Clocks are changed by an hour at most, moments cut, and a step within the
    # hour is on time.
    assert step - done > interval - GRACE - CUT - timedelta(hours=1)
    if late < GRACE:
        assert step <= due + interval + timedelta(hours=1)
        assert local(step, zone) >= local(due, zone) + interval - CUT - timedelta(
            hours=1
        )
    else:
        assert (local(step + CUT, zone).date() - local(done, zone).date()) >= timedelta(
            days=interval.days
        )
