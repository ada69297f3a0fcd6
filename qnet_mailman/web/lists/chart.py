# SPDX-License-Identifier: GPL-3.0-or-later
"""The chart of bounces by day: where everything in the picture is.

The browser gets a finished picture: no script, and nothing that only colour tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

#: Units of the picture: it is scaled to the width that there is.
WIDTH, HEIGHT = 352, 150
LEFT, RIGHT, TOP, BOTTOM = 30, 12, 8, 18
PLOT = HEIGHT - TOP - BOTTOM
#: Of a day's width, what its bar takes.
BAR = 0.8
#: Days between two labels of the time axis.
EVERY = 7

#: What a bar is made of, from below: core's name and ours.
SERIES = (
    ('hard', 'Hard'),
    ('soft', 'Soft'),
    ('withheld', 'Refused by a provider, no points'),
)


@dataclass(frozen=True)
class Bar:
    """The part of a bar for one kind."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Mark:
    """A label at an axis."""

    at: float
    label: str


@dataclass(frozen=True)
class Day:
    """A row of the table that says the same.

    :ivar numbers: In the order of `SERIES`.
    """

    day: date
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Chart:
    """A picture, and what it shows in words and numbers.

    :ivar kinds: Those that occur, with their names: the legend.
    """

    bars: tuple[Bar, ...]
    levels: tuple[Mark, ...]
    dates: tuple[Mark, ...]
    days: tuple[Day, ...]
    kinds: tuple[tuple[str, str], ...]
    words: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    floor: int = HEIGHT - BOTTOM


def draw(days: Sequence[Mapping[str, Any]]) -> Chart:
    """Draw the bounces of some days.

    :param days: Core's numbers, the oldest first; at least one day.
    """
    rows = tuple(
        Day(
            date.fromisoformat(each['date']),
            tuple(each[kind] for kind, _name in SERIES),
        )
        for each in days
    )
    top = _round_up(max(sum(row.numbers) for row in rows))
    step = (WIDTH - LEFT - RIGHT) / len(rows)
    bars = []
    for number, row in enumerate(rows):
        floor = float(HEIGHT - BOTTOM)
        for (kind, _name), value in zip(SERIES, row.numbers, strict=True):
            if value:
                height = value / top * PLOT
                floor -= height
                x = LEFT + step * (number + (1 - BAR) / 2)
                bars.append(
                    Bar(
                        kind,
                        *(round(each, 2) for each in (x, floor, step * BAR, height)),
                    )
                )
    levels = tuple(
        Mark(round(HEIGHT - BOTTOM - value / top * PLOT, 2), str(value))
        for value in sorted({0, top // 2, top})
    )
    # From today backwards, so that today has a label.
    dates = tuple(
        Mark(
            round(LEFT + step * (number + 0.5), 2),
            f'{rows[number].day:%b} {rows[number].day.day}',
        )
        for number in range(len(rows) - 1, -1, -EVERY)
        if number >= 1
    )
    kinds = tuple(
        each
        for number, each in enumerate(SERIES)
        if any(row.numbers[number] for row in rows)
    )
    return Chart(tuple(bars), levels, dates, rows, kinds, _words(rows))


def _round_up(most: int) -> int:
    """An even number to end the axis with, at least 2."""
    size = 1
    while most > 10 * size:
        size *= 10
    return max(2, -(-most // (2 * size)) * 2 * size)


def _words(rows: Sequence[Day]) -> str:
    totals = [
        sum(column) for column in zip(*(row.numbers for row in rows), strict=True)
    ]
    if not any(totals):
        return f'No message came back in the last {len(rows)} days.'
    most = max(rows, key=lambda row: sum(row.numbers))
    hard, soft, withheld = totals
    refused = f' and {withheld} refused by a provider' if withheld else ''
    return (
        f'In the last {len(rows)} days: {hard} hard and {soft} soft{refused}; most on '
        f'{most.day:%B} {most.day.day} ({sum(most.numbers)}).'
    )
