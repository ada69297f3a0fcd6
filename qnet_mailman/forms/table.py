# SPDX-License-Identifier: GPL-3.0-or-later
"""Many forms in one CSV file: a row for each list (R29).

A column is named by a path with dots: `list.name`, `administrators.1.email`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from qnet_mailman.forms import layout
from qnet_mailman.forms.batch import HEADINGS
from qnet_mailman.forms.csv_files import rows_of
from qnet_mailman.forms.layout import Entry
from qnet_mailman.forms.mistakes import Document, Path
from qnet_mailman.forms.readers import Unreadable
from qnet_mailman.forms.schema import ROSTERS
from qnet_mailman.settings import Settings

PEOPLE = {'administrators': 3, 'moderators': 2}
MAX_COLUMNS = 1000


def columns_of(kind: str, data: dict[str, Any]) -> Iterator[Path]:
    """The columns of an empty file; subscribers are the name of another file."""
    yield from (field.path for field in layout.fields_of(kind))
    for roster, fields in layout.rosters_of(kind).items():
        if roster not in PEOPLE:
            yield (roster,)
            continue
        for number in range(max(PEOPLE[roster], len(layout.people_in(data, roster)))):
            yield from ((roster, number + 1, field.path[-1]) for field in fields)


def write_csv(kind: str, data: dict[str, Any]) -> str:
    """A file to fill in, with a heading and one form in it."""
    columns = list(columns_of(kind, data))
    file = io.StringIO(newline='')
    table = csv.writer(file, lineterminator='\n')
    table.writerow('.'.join(map(str, column)) for column in columns)
    table.writerow(
        layout.value_at(data, tuple(s - 1 if isinstance(s, int) else s for s in column))
        if not _is_roster(data, column)
        else ''
        for column in columns
    )
    return file.getvalue()


def _is_roster(data: dict[str, Any], column: Path) -> bool:
    # Not the name of a file that holds the people.
    (key, *rest) = column
    return not rest and key in ROSTERS and isinstance(data.get(str(key)), list)


def read_table(content: bytes, settings: Settings) -> Iterator[tuple[int, Document]]:
    """The forms of a file, and the row of each, counted as a spreadsheet does.

    :raises Unreadable: if it is none, or has too many rows.
    """
    heads: list[str] = []
    count = 0
    for number, (_line, row) in enumerate(rows_of(content, strict=False), 1):
        if not row:
            continue
        if not heads:
            heads = row
            if len(heads) > MAX_COLUMNS or not _is_heading(heads):
                raise Unreadable(
                    'has no heading of forms; expected columns such as '
                    'requester.email and list.name ("mailman qnet form" writes '
                    'them)'
                )
            continue
        if len(row) > len(heads):
            raise Unreadable(f'has more columns in row {number} than its heading')
        count += 1
        if count > settings.form_max_forms:
            raise Unreadable(
                f'has more than {settings.form_max_forms} forms '
                '(form_max_forms in qnet.cfg)'
            )
        entries = [
            Entry(
                layout.path_of(head, '.'),
                cell.strip(),
                f'row {number}, {head[:80]}',
            )
            for head, cell in zip(heads, row, strict=False)
            if head.strip()
        ]
        yield number, layout.gathered(entries)
    if not count:
        raise Unreadable('has no row with a form')


def _is_heading(heads: list[str]) -> bool:
    words = [head.strip().lower() for head in heads]
    return any(each in words for each in HEADINGS)
