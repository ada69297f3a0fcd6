# SPDX-License-Identifier: GPL-3.0-or-later
"""Members in a CSV file of anybody's making, as plain rows.

What such files differ in is found out from the file: the encoding (UTF-8, UTF-16 with
a byte order mark, else Windows-1252), what stands between the columns, whether there is
a heading, and which column holds what.  A list as Mailman prints it, with
`"Name" <address>` in each line, is one, too.  An export of ListManager has a heading
of its own (`EmailAddr_`, `FullName_`, `MemberType_`); `DateJoined_` is passed over like
any other column, as Mailman keeps no day on which somebody joined a list.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice

from qnet_mailman import values
from qnet_mailman.forms.csv_files import (
    DELIMITERS,
    in_parts,
    mailboxes,
    named_delimiter,
)
from qnet_mailman.forms.readers import Unreadable, decoded

_LINE = re.compile(r'[^\r\n]*(?:\r\n?|\n)|[^\r\n]+')

SAMPLE = 50
"""Rows by which the columns are known."""

_EMAIL = ('email', 'emailaddr', 'emailaddress', 'mail', 'address', 'useremail')
_NAME = ('fullname', 'name', 'displayname', 'realname')
_FIRST = ('firstname', 'givenname', 'first')
_LAST = ('lastname', 'surname', 'familyname', 'last')
_STATE = ('membertype', 'memberstatus', 'status', 'state', 'subscriptionstatus')

ACTIVE = ('', 'normal', 'needshello', 'active', 'subscribed', 'enabled', 'member')
"""Words for who gets mail; `normal` and `needs-hello` are ListManager's."""
HELD = ('held', 'bounced', 'bouncing', 'disabled', 'suspended')
GONE = ('unsub', 'unsubscribed', 'needsgoodbye', 'removed', 'left', 'deleted')
_OTHER = ('confirm', 'needsconfirm', 'private', 'expired', 'referred', 'inactive')
"""Words that ListManager and others have for who never joined, or no longer is."""
_STATES = {*ACTIVE, *HELD, *GONE, *_OTHER} - {''}


@dataclass(frozen=True, slots=True)
class Row:
    """One person of the file, as it says.

    :ivar line: The line, counted from 1.
    :ivar state: What the file says of their membership; empty if nothing.
    """

    line: int
    email: str
    name: str
    state: str


@dataclass(frozen=True)
class _Columns:
    email: int
    names: tuple[int, ...] = ()
    state: int | None = None

    def row(self, line: int, cells: Sequence[str]) -> Row:
        def cell(place: int) -> str:
            # A line break in a name is a space.
            return ' '.join(cells[place].split()) if place < len(cells) else ''

        own_name, email = in_parts(cell(self.email))
        name = ' '.join(filter(None, map(cell, self.names))) or own_name
        # There are few, and many rows.
        state = '' if self.state is None else sys.intern(cell(self.state))
        return Row(line, email, name, state)


def read_members(content: bytes, *, most: int) -> list[Row]:
    """The people in a file.

    :param content: The file.
    :param most: The number of rows it may have.
    :raises Unreadable: if it is not such a file, or holds more.
    """
    text, delimiter = named_delimiter(_text(content))
    listed = mailboxes(text)
    if listed:
        return _few([Row(line, **who, state='') for line, who in listed], most)
    skipped = int(delimiter is not None)
    rows = _rows(text, delimiter or _delimiter(text), skipped)
    try:
        sample = list(islice(rows, SAMPLE))
        if not sample:
            raise Unreadable('is empty; expected a row for each member')
        columns = _by_heading(sample[0][1])
        if columns is None:
            columns = _by_content([cells for _line, cells in sample])
        else:
            del sample[0]
        every = (columns.row(line, cells) for line, cells in chain(sample, rows))
        people = list(islice(every, most + 1))
    except csv.Error as error:
        raise Unreadable(f'is not CSV: {error}') from None
    return _few(people, most)


def _few(people: list[Row], most: int) -> list[Row]:
    if len(people) > most:
        raise Unreadable(
            f'has more than {most} rows (members_max_rows in qnet.cfg); split it'
        )
    return people


@lru_cache
def word(text: str) -> str:
    """A heading or state without case and signs: `EmailAddr_` is `emailaddr`."""
    return re.sub(r'[^a-z0-9]', '', text.lower())


def _text(content: bytes) -> str:
    if b'\0' in content:
        # No text in Windows-1252: UTF-16, or no text at all.
        return decoded(content)
    with suppress(Unreadable):
        return decoded(content)
    try:
        return content.decode('windows-1252')
    except UnicodeDecodeError as error:
        line = content.count(b'\n', 0, error.start) + 1
        raise Unreadable('is neither UTF-8 nor Windows-1252', line) from None


def _rows(
    text: str, delimiter: str, skipped: int = 0
) -> Iterator[tuple[int, list[str]]]:
    lines = (line[0] for line in _LINE.finditer(text))
    rows = csv.reader(lines, delimiter=delimiter)
    end = skipped
    for cells in rows:
        # A quoted cell may hold line breaks: a row is named by its first line.
        line, end = end + 1, rows.line_num + skipped
        if any(map(str.strip, cells)):
            yield line, cells


def _delimiter(text: str) -> str:
    """What stands between the columns: that with which most rows have an address."""
    start = '\n'.join(text[:100_000].splitlines()[:SAMPLE])

    def fitting(delimiter: str) -> int:
        try:
            rows = list(_rows(start, delimiter))
        except csv.Error:
            return -1
        return sum(
            _by_heading(cells) is not None or any(map(_is_address, cells))
            for _line, cells in rows
        )

    return max(DELIMITERS, key=fitting)


def _is_address(cell: str) -> bool:
    try:
        values.email(cell)
    except ValueError:
        return False
    return True


def _by_heading(cells: Sequence[str]) -> _Columns | None:
    words = [word(cell) for cell in cells]

    def column(known: Sequence[str]) -> int | None:
        return next((words.index(each) for each in known if each in words), None)

    email = column(_EMAIL)
    if email is None:
        return None
    whole = column(_NAME)
    parts = (column(_FIRST), column(_LAST)) if whole is None else (whole,)
    names = tuple(place for place in parts if place is not None)
    return _Columns(email, names, column(_STATE))


def _by_content(rows: Sequence[Sequence[str]]) -> _Columns:
    width = max(map(len, rows))
    columns = [
        [row[place].strip() for row in rows if place < len(row) and row[place].strip()]
        for place in range(width)
    ]
    email = max(range(width), key=lambda place: sum(map(_is_address, columns[place])))
    if not any(map(_is_address, columns[email])):
        raise Unreadable(
            f'has no e-mail address in its first {len(rows)} rows; expected a row for '
            'each member'
        )
    others = [place for place in range(width) if place != email and columns[place]]
    state = next(
        (p for p in others if all(word(cell) in _STATES for cell in columns[p])), None
    )
    name = next((p for p in others if p != state and _is_name(columns[p])), None)
    return _Columns(email, () if name is None else (name,), state)


def _is_name(cells: Sequence[str]) -> bool:
    # Numbers and dates are none.
    lettered = [cell for cell in cells if re.search(r'[^\W\d_]{2}', cell)]
    return 2 * len(lettered) > len(cells)
