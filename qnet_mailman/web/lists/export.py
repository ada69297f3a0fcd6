# SPDX-License-Identifier: GPL-3.0-or-later
"""The members whose mail bounces, as CSV (RFC 4180), however many.

Core is asked for a few thousand rows at a time, and the browser gets them as they
come: neither side has all of them at once.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import Any

from qnet_mailman.web.lists import core_lists

#: Rows that core is asked for at once.
BATCH = 2000
#: What makes a spreadsheet take a cell for a formula when it begins so.
FORMULA = ('=', '+', '-', '@')
COLUMNS = (
    'address',
    'score',
    'threshold',
    'kind',
    'reason',
    'last report',
    'delivery',
    'warnings',
    'removal',
)


class Line:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        """Give it back.

        :param text: A line.
        """
        return text


def lines(list_id: str, narrowed: Mapping[str, str]) -> Iterator[str]:
    """The lines of the file.

    Core is asked for the first rows before the first line is given, so that the
    caller can still answer that it is not there.

    :param list_id: The list's ID or address.
    :param narrowed: Which members, as core's resource takes it.
    :raises Http404: where there is no such list.
    :raises CoreUnavailable: where core does not say.
    """
    asked = {**narrowed, 'count': str(BATCH)}
    first = core_lists.members(list_id, asked)
    return _lines(list_id, asked, first)


def _lines(
    list_id: str, asked: dict[str, str], found: Mapping[str, Any]
) -> Iterator[str]:
    writer = csv.writer(Line(), lineterminator='\r\n')
    yield writer.writerow(COLUMNS)
    threshold = found['list']['threshold']
    while entries := found['entries']:
        for entry in entries:
            yield writer.writerow(_row(entry, threshold))
        if len(entries) < BATCH:
            return
        asked['after'] = entries[-1]['place']
        found = core_lists.members(list_id, asked)


def _row(entry: Mapping[str, Any], threshold: int) -> list[str]:
    last = entry['last'] or {'kind': '', 'reason': '', 'date': ''}
    return [
        guarded(entry['address']),
        f'{entry["score"]:g}',
        str(threshold),
        guarded(last['kind']),
        guarded(last['reason']),
        last['date'],
        entry['delivery'],
        str(entry['warnings']),
        entry['removal'] or '',
    ]


def guarded(text: str) -> str:
    """A text as a cell that no spreadsheet takes for a formula.

    :param text: Somebody else's.
    """
    clean = ''.join(char if char.isprintable() else ' ' for char in text)
    return f"'{clean}" if clean.lstrip().startswith(FORMULA) else clean
