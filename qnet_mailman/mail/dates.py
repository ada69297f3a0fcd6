# SPDX-License-Identifier: GPL-3.0-or-later
"""The Date of a message (RFC 5322 section 3.6.1), which many forget or misspell."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from email.message import Message
from email.utils import format_datetime, parsedate_tz

from qnet_mailman.mail.text import raw_text

_LONGEST = 200


def readable_date(values: Iterable[str]) -> str | None:
    """The first date that can be read, written anew in UTC (the zone tells a place).

    :param values: Unfolded values of fields.
    """
    for value in values:
        try:
            fields = parsedate_tz(value[:_LONGEST])
            if fields is None:
                continue
            zone = timezone(timedelta(seconds=fields[9] or 0))
            moment = datetime(*fields[:6], tzinfo=zone)
            return format_datetime(moment.astimezone(UTC))
        except (ArithmeticError, LookupError, TypeError, ValueError):
            continue
    return None


def settle_date(msg: Message, received: datetime) -> None:
    """Give a message the one date that it must have; one that has it is not changed.

    :param received: When the message came, which is its date where it has none that
        can be read; in UTC if it has no zone.
    """
    values = [raw_text(value) for value in msg.get_all('Date', [])]
    readable = readable_date(values)
    if readable is not None and len(values) == 1:
        return
    if received.tzinfo is None:
        received = received.replace(tzinfo=UTC)
    del msg['Date']
    msg['Date'] = readable or format_datetime(received.astimezone(UTC))
