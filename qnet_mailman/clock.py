# SPDX-License-Identifier: GPL-3.0-or-later
"""Dates and times as people, days and windows have them (R17, R18).

Mailman's moments are in UTC, without a zone; what they are comes from
`mailman.utilities.datetime.now` alone.  Here they become days and words in the site's
time zone, and moments some calendar days later.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from qnet_mailman import site
from qnet_mailman.letter import times


def today(now: datetime) -> date:
    """The calendar day of the site's time zone (R17).

    :param now: In UTC, without a zone, as Mailman's `now()` gives it.
    """
    return day_of(now, site.settings().time_zone)


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """The calendar day of a moment (R17).

    :param moment: In UTC; without a zone, as Mailman has it, or with one.
    :param zone: The site's time zone.
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(zone).date()


def first_day(last: date, window: int) -> date:
    """The first day of the window that ends on a day (R18).

    :param window: In days; at least 1, the last day itself.
    """
    try:
        return last - timedelta(days=window - 1)
    except OverflowError:
        return date.min


def later(moment: datetime, interval: timedelta, zone: ZoneInfo) -> datetime:
    """An interval after a moment, whole days by the calendar.

    :param moment: In UTC, without a time zone.
    :param zone: Whose calendar and clock is meant.
    :return: In UTC, without a time zone.
    """
    days = timedelta(days=interval.days)
    local = moment.replace(tzinfo=UTC).astimezone(zone) + days
    return local.astimezone(UTC).replace(tzinfo=None) + (interval - days)


def day_in_words(moment: datetime, zone: ZoneInfo) -> str:
    """The day of a moment: ``January 5, 2027``.

    :param moment: In UTC, without a time zone.
    """
    return times.day_in_words(in_zone(moment, zone))


def in_words(moment: datetime) -> str:
    """A moment as people read it: ``January 5, 2027, 14:05 EST``; pages say it alike.

    :param moment: In UTC, without a time zone.
    """
    return times.in_words(in_zone(moment, site.settings().time_zone))


def moment_as_text(moment: datetime | None) -> str | None:
    """A time in UTC as ISO 8601; None is none."""
    return None if moment is None else f'{moment.isoformat(timespec="seconds")}Z'


def in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """A time in UTC, without a zone as Mailman has it, as the clocks of a zone say."""
    return moment.replace(tzinfo=UTC).astimezone(zone)
