# SPDX-License-Identifier: GPL-3.0-or-later
"""Times in mails: the site's, with its name, whatever the season."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman import clock

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NEW_YORK = ZoneInfo('America/New_York')


@pytest.mark.parametrize(
    ('zone', 'moment', 'words'),
    [
        ('UTC', datetime(2026, 12, 1, 19, 5), 'December 1, 2026, 19:05 UTC'),
        (
            'America/New_York',
            datetime(2026, 12, 1, 19, 5),
            'December 1, 2026, 14:05 EST',
        ),
        ('America/New_York', datetime(2026, 7, 1, 3, 5), 'June 30, 2026, 23:05 EDT'),
        # An hour that there is twice, and one that there is not.
        ('America/New_York', datetime(2026, 11, 1, 5), 'November 1, 2026, 01:00 EDT'),
        ('America/New_York', datetime(2026, 11, 1, 6), 'November 1, 2026, 01:00 EST'),
        ('America/New_York', datetime(2026, 3, 8, 6, 59), 'March 8, 2026, 01:59 EST'),
        ('America/New_York', datetime(2026, 3, 8, 7), 'March 8, 2026, 03:00 EDT'),
        # No daylight saving, half an hour off, and a zone without letters.
        ('Asia/Kolkata', datetime(2026, 12, 31, 18, 30), 'January 1, 2027, 00:00 IST'),
        (
            'America/Sao_Paulo',
            datetime(2026, 12, 1, 2),
            'November 30, 2026, 23:00 UTC-03',
        ),
    ],
)
def test_a_moment_in_words(
    core: Any, configure: Any, zone: str, moment: datetime, words: str
) -> None:
    configure(time_zone=zone)
    assert clock.in_words(moment) == words


@given(st.integers(0, 366 * 24))
def test_no_two_hours_of_a_year_read_alike(hours: int) -> None:
    moment = datetime(2026, 1, 1) + hours * HOUR
    told = {f'{clock.in_zone(moment + n * HOUR, NEW_YORK):%c %Z}' for n in range(3)}
    assert len(told) == 3


@given(st.integers(0, 366), st.integers(1, 40))
def test_days_later_it_is_the_same_time_of_day(day: int, days: int) -> None:
    # Noon is there on every day, whatever the clock does at night.
    noon = datetime(2026, 1, 1, 12, tzinfo=NEW_YORK) + day * DAY
    moment = noon.astimezone(UTC).replace(tzinfo=None)
    after = clock.in_zone(clock.later(moment, days * DAY, NEW_YORK), NEW_YORK)
    assert (after.hour, after.date()) == (12, noon.date() + days * DAY)
