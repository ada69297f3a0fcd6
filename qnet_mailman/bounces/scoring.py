# SPDX-License-Identifier: GPL-3.0-or-later
"""The arithmetic of bounces (R17, R18): plain values in, plain values out.

A *mark* is a calendar day and the whole half-points that a member got on it.  There is
at most one mark a day; the caller sees to that.  Half-points are whole numbers
everywhere; `points` turns them into what people read, and nothing is computed from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction

from qnet_mailman.bounces.reading.verdict import Kind
from qnet_mailman.clock import first_day

Mark = tuple[date, int]

HALF_POINTS = {Kind.soft: 1, Kind.hard: 2}
"""What a day's first bounce adds (R17)."""


def window_days(window: timedelta) -> int:
    """A list's window in whole days, at least the current one.

    Through Mailman's own REST it may be any length of time.
    """
    return max(1, window.days)


def score(marks: Iterable[Mark], last: date, window: int) -> int:
    """The score on a day, in half-points (R18).

    :param marks: In any order; those outside the window don't count.
    """
    first = first_day(last, window)
    return sum(half for day, half in marks if first <= day <= last)


def peak(marks: Iterable[Mark], day: date, last: date, window: int) -> int:
    """The highest score of any day on which a mark of `day` counted.

    A report may be worked on days after it was received, when the runner was down.
    What counts is what would have happened had it run: the threshold may have been
    reached on a day that is over.

    :param last: Today: what comes after it does not count.
    """
    known = list(marks)
    ends = {one for one, _half in known if one >= day}
    ends.add(day)
    return max(
        (
            score(known, end, window)
            for end in ends
            if first_day(end, window) <= day and end <= last
        ),
        default=0,
    )


def is_reached(half_score: int, threshold: int) -> bool:
    """Whether a score reaches a threshold (R18).

    :param threshold: In points.
    """
    return half_score >= 2 * threshold


def whole_points(half_score: int) -> int:
    """What Mailman's integer `member.bounce_score` shows: half a point is not shown."""
    return half_score // 2


def points(half_points: int) -> Fraction:
    """Half-points as points, exactly."""
    return Fraction(half_points, 2)


def shown(half_points: int) -> float:
    """Points as JSON and people have them: 1.5.  Exact: a half is a binary fraction."""
    return float(points(half_points))
