# SPDX-License-Identifier: GPL-3.0-or-later
"""The window arithmetic (R17, R18), against a plain re-statement of the rules."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman import clock
from qnet_mailman.bounces import scoring
from qnet_mailman.bounces.reading.verdict import Kind

ZONES = st.sampled_from(['UTC', 'America/New_York', 'Europe/Berlin', 'Asia/Kathmandu'])
# Weeks around the days on which clocks are set, in 2026: 8 and 29 March, 25 October
# and 1 November.
MOMENTS = st.one_of(
    st.datetimes(datetime(2026, 3, 1), datetime(2026, 4, 12)),
    st.datetimes(datetime(2026, 10, 18), datetime(2026, 11, 15)),
)
DAYS = st.dates(date(2026, 3, 1), date(2026, 4, 12))
MARKS = st.dictionaries(DAYS, st.sampled_from([1, 2]), max_size=40)
WINDOWS = st.integers(1, 40)


@given(MOMENTS, ZONES)
def test_a_day_is_the_one_on_the_wall(moment: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    offset = moment.replace(tzinfo=UTC).astimezone(zone).utcoffset()
    assert offset is not None
    assert clock.day_of(moment, zone) == (moment + offset).date()
    assert clock.day_of(moment.replace(tzinfo=UTC), zone) == clock.day_of(moment, zone)


@given(MARKS, DAYS, WINDOWS)
def test_the_score_is_the_sum_of_the_last_days(
    marks: dict[date, int], today: date, window: int
) -> None:
    plain = sum(marks.get(today - timedelta(days=ago), 0) for ago in range(window))
    assert scoring.score(marks.items(), today, window) == plain
    assert scoring.points(plain) * 2 == plain
    assert scoring.shown(plain) == float(Fraction(plain, 2))
    assert scoring.whole_points(plain) == int(Fraction(plain, 2))


@given(MARKS, DAYS, st.integers(0, 30), WINDOWS)
def test_a_late_report_counts_as_if_it_had_been_worked_on_in_time(
    marks: dict[date, int], day: date, late: int, window: int
) -> None:
    last = day + timedelta(days=late)
    highest = max(
        scoring.score(marks.items(), day + timedelta(days=after), window)
        for after in range(min(window, late + 1))
    )
    assert scoring.peak(marks.items(), day, last, window) == highest


@given(st.permutations(range(12)), st.lists(st.sampled_from([1, 2]), min_size=12))
def test_order_does_not_matter_for_who_is_disabled(
    order: list[int], halves: list[int]
) -> None:
    """Reports of twelve days worked on at the end, in any order."""
    start = date(2026, 3, 1)
    last = start + timedelta(days=11)
    marks: dict[date, int] = {}
    reached = False
    for day in order:
        marks[start + timedelta(days=day)] = halves[day]
        highest = scoring.peak(marks.items(), start + timedelta(days=day), last, 7)
        reached = reached or scoring.is_reached(highest, 5)
    in_time = any(
        scoring.score(marks.items(), start + timedelta(days=day), 7) >= 10
        for day in range(12)
    )
    assert reached == in_time


@pytest.mark.parametrize(
    ('half', 'threshold', 'reached'),
    [(9, 5, False), (10, 5, True), (11, 5, True), (1, 1, False), (2, 1, True)],
)
def test_the_threshold_is_reached_when_it_is_equalled(
    half: int, threshold: int, reached: bool
) -> None:
    assert scoring.is_reached(half, threshold) is reached


def test_soft_is_half_and_hard_one_point() -> None:
    assert scoring.points(scoring.HALF_POINTS[Kind.soft]) == Fraction(1, 2)
    assert scoring.points(scoring.HALF_POINTS[Kind.hard]) == 1


@pytest.mark.parametrize(
    ('window', 'days'),
    [(timedelta(days=7), 7), (timedelta(hours=5), 1), (timedelta(days=7, hours=3), 7)],
)
def test_a_window_has_whole_days(window: timedelta, days: int) -> None:
    assert scoring.window_days(window) == days
    assert clock.first_day(date(1, 1, 2), 400) == date.min


def test_soft_bounces_alone_disable_nobody_at_the_defaults() -> None:
    marks = [(date(2026, 3, 1) + timedelta(days=day), 1) for day in range(30)]
    highest = scoring.score(marks, date(2026, 3, 30), 7)
    assert scoring.points(highest) == Fraction(7, 2)
    assert not scoring.is_reached(highest, 5)
