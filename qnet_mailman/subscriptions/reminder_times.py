# SPDX-License-Identifier: GPL-3.0-or-later
"""When people are reminded of what waits for them; no database.

What waits is one of Mailman's pendings, and the moment one of its values: an index of
Mailman's finds what is due, and nothing else has to be kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from qnet_mailman.clock import later

SUBSCRIBER = 'remind_subscriber_at'
"""Key of the moment, in a pending that waits for a confirmation."""
ADMINISTRATORS = 'remind_administrators_at'
"""The same, in a request that waits for a decision."""


def next_reminder(
    after: Iterable[timedelta],
    begin: datetime,
    end: datetime,
    zone: ZoneInfo,
    *,
    done: datetime | None = None,
) -> datetime | None:
    """The first reminder that is still to come; None where there is none.

    All moments are in UTC, without a time zone; whole days are days of the calendar.

    :param after: The times from the beginning to each reminder, the shortest first.
    :param begin: When the waiting began.
    :param end: When it ends: nobody is reminded of what is over.
    :param done: Until when reminders have been sent.
    """
    moments = (later(begin, each, zone) for each in after if each)
    return next(
        (one for one in moments if one < end and (done is None or one > done)), None
    )


def written(moment: datetime) -> str:
    """A moment as it stands among the values of a pending, before it is JSON.

    To the second, so that the order of texts is that of the moments.
    """
    return moment.replace(microsecond=0).isoformat()


def stored(moment: datetime) -> str:
    """A moment as Mailman stores such a value."""
    return json.dumps(written(moment))


def values(key: str, moment: datetime | None) -> dict[str, str]:
    """What is added to the values of a pending."""
    return {} if moment is None else {key: written(moment)}
