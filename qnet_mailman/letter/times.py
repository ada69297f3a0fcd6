# SPDX-License-Identifier: GPL-3.0-or-later
"""How a time is written, in mails and on pages: one clock for both sides."""

from __future__ import annotations

from datetime import datetime


def day_in_words(local: datetime) -> str:
    """The day of a time: ``January 5, 2027``.

    :param local: In the zone of whoever reads it.
    """
    return f'{local:%B} {local.day}, {local.year}'


def in_words(local: datetime, *, seconds: bool = False) -> str:
    """A time with its zone: ``January 5, 2027, 14:05 EST``.

    :param local: With a time zone, that of whoever reads it.
    :param seconds: Whether they are said, too.
    """
    time = f'{local:%H:%M:%S}' if seconds else f'{local:%H:%M}'
    return f'{day_in_words(local)}, {time} {zone_in_words(local)}'


def zone_in_words(local: datetime) -> str:
    """What people call the zone of a time: ``EST``; without a name it is ``UTC-03``.

    :param local: With a time zone.
    """
    name = local.tzname() or ''
    return name if name.isalpha() else f'UTC{name}'
