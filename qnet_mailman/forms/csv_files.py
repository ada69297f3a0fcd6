# SPDX-License-Identifier: GPL-3.0-or-later
"""CSV files as programs and people write them: for forms, and for subscribers (R29).

Lines end as they like; `sep=;` in the first one is Excel's word for what stands between
columns, which is found out otherwise; columns without anything at the end are none.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from email.utils import parseaddr

from qnet_mailman.forms.readers import MAX_CSV_ROWS, Unreadable, decoded

DELIMITERS = (',', ';', '\t')
SAMPLE = 50
"""Lines by which it is known what stands between the columns."""
_MAILBOX = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^",;<>]*)\s*<[^\s<>@]+@[^\s<>@]+>')
_ADDRESS = re.compile(r'[^\s<>@,;"]+@[^\s<>@,;"]+')


def rows_of(content: bytes, *, strict: bool) -> Iterator[tuple[int, list[str]]]:
    """The rows, each with the line in which it ends; empty ones, too.

    :param strict: Whether a quote in the wrong place is a mistake.
    :raises Unreadable: if it is no text, or no CSV.
    """
    text, delimiter = named_delimiter(decoded(content))
    skipped = int(delimiter is not None)
    delimiter = delimiter or _delimiter(text)
    rows = csv.reader(io.StringIO(text, newline=''), delimiter=delimiter, strict=strict)
    try:
        for row in rows:
            while row and not row[-1].strip():
                row.pop()
            yield rows.line_num + skipped, row
    except csv.Error as error:
        line = rows.line_num + skipped
        raise Unreadable(f'is not CSV: {error}', line) from None


def named_delimiter(text: str) -> tuple[str, str | None]:
    """The text without its first line, where that says what stands between columns."""
    named = re.match(r'sep=(.)[ \t]*(?:\r\n|\r|\n|$)', text, re.IGNORECASE)
    if named is None or named[1] not in DELIMITERS:
        return text, None
    return text[named.end() :], named[1]


def _delimiter(text: str) -> str:
    """What stands between columns: that of which most of the first lines have most."""
    lines = [line for line in text[:100_000].splitlines()[:SAMPLE] if line.strip()]
    # Commas in names, and in a description, stand between quotes or are fewer.
    bare = [re.sub(r'"[^"]*"', '', line) for line in lines]

    def fitting(delimiter: str) -> tuple[int, int]:
        counts = [line.count(delimiter) for line in bare]
        return sum(map(bool, counts)), counts[0] if counts else 0

    return max(DELIMITERS, key=fitting)


def read_subscribers(content: bytes) -> tuple[list[dict[str, str]], list[int]]:
    """Subscribers out of a CSV file that a form names.

    Or out of a list as Mailman prints it, `"Name" <address>` in each line.

    :return: The rows as `email` and `name`, and the line of each.
    :raises Unreadable: if it is not such a file.
    """
    people: list[dict[str, str]] = []
    lines: list[int] = []
    for line, person in mailboxes(decoded(content)) or _cells(content):
        if len(people) >= MAX_CSV_ROWS:
            raise Unreadable(f'has more than {MAX_CSV_ROWS} rows', line)
        people.append(person)
        lines.append(line)
    return people, lines


def mailboxes(text: str) -> list[tuple[int, dict[str, str]]]:
    """The people of a file that has a mailbox in each line; none of any other.

    :return: The line of each, and their `email` and `name`.
    """
    if '<' not in text:
        return []
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.strip()
        if not words:
            continue
        if not _MAILBOX.fullmatch(words) and not _ADDRESS.fullmatch(words):
            return []
        name, address = parseaddr(words)
        found.append((number, {'email': address, 'name': name}))
    return found


def _cells(content: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    columns = ['email', 'name']
    is_first = True
    for line, row in rows_of(content, strict=True):
        if not row:
            continue
        # A line break in a name is a space.
        cells = [' '.join(cell.split()) for cell in row]
        heads = [cell.lower() for cell in cells]
        if is_first and 'email' in heads:
            if not set(heads) <= {'email', 'name'} or len(set(heads)) < len(heads):
                raise Unreadable('has other columns than email and name', line)
            columns = heads
        elif len(cells) > len(columns):
            raise Unreadable(
                f'has {len(cells)} columns in line {line}; expected '
                f'{" and ".join(columns)} (put a name that holds a comma into double '
                'quotes)',
                line,
            )
        else:
            yield line, _person(dict(zip(columns, cells, strict=False)))
        is_first = False


def _person(cells: dict[str, str]) -> dict[str, str]:
    person = {'email': '', **cells}
    name, person['email'] = in_parts(person['email'])
    if name:
        person['name'] = person.get('name') or name
    return person


def in_parts(cell: str) -> tuple[str, str]:
    """Name and address in a cell `"Name" <address>`; of any other, all is address."""
    return parseaddr(cell) if _MAILBOX.fullmatch(cell) else ('', cell)
