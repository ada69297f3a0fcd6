# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms in XLSX (R29): a sheet `Request`, and one for each list of people.

A spreadsheet that arrives is a stranger's: its size is looked at before it is
unpacked, no more rows are read than a form can have, and a formula is never taken
for the value that some program last computed for it.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from qnet_mailman.forms import layout
from qnet_mailman.forms.layout import Entry, Field
from qnet_mailman.forms.mistakes import Document, Path
from qnet_mailman.forms.readers import MAX_CSV_ROWS, Unreadable, too_large
from qnet_mailman.forms.schema import ROSTERS
from qnet_mailman.settings import Settings
from qnet_mailman.values import NumberCell

REQUEST = 'Request'
HEADING = ('Field', 'What it should hold', 'Your answer')
MAX_FILES = 200
"""Parts of a spreadsheet; an empty form has about a dozen."""
WORKBOOK = 'xl/workbook.xml'
STRICT = b'http://purl.oclc.org/ooxml/spreadsheetml/main'
"""The name of what ECMA-376 calls Strict, which the library does not read."""
MAX_ROWS = 500
"""Rows of the sheet `Request`."""
MAX_COLUMNS = 20
ROWS = 200
"""Rows of an empty sheet of people that have drop-downs."""

_HEAD = {
    'font': Font(bold=True, color='FFFFFF'),
    'fill': PatternFill('solid', fgColor='1F4E79'),
    'alignment': Alignment(wrap_text=True, vertical='top'),
}
_TRUTH = re.compile(r'=?\s*(TRUE|FALSE)\s*(?:\(\s*\))?\s*', re.IGNORECASE)
"""What LibreOffice writes for a truth value: a formula."""
_TEXT = '@'
"""The format Text: what is typed stays as it is (ECMA-376 section 18.8.30)."""
_WRAPPED = Alignment(wrap_text=True, vertical='top')


def write_xlsx(kind: str, data: dict[str, Any]) -> bytes:
    """A form to fill in, with some data in it already."""
    book = Workbook()
    sheet: Any = book.active
    sheet.title = REQUEST
    _head(sheet, HEADING, (34, 60, 50))
    for row, field in enumerate(layout.fields_of(kind), 2):
        value = layout.value_at(data, field.path)
        for column, text in enumerate((field.label, field.explanation, value), 1):
            _text(sheet.cell(row, column), text)
        _choose(sheet, field, f'C{row}')
    for roster, fields in layout.rosters_of(kind).items():
        sheet = book.create_sheet(roster.capitalize())
        heads = [field.path[-1] for field in fields]
        _head(sheet, [str(head) for head in heads], [40] * len(heads))
        for column, field in enumerate(fields, 1):
            letter = get_column_letter(column)
            _choose(sheet, field, f'{letter}2:{letter}{ROWS}')
            # Of the cells that are not there yet.
            sheet.column_dimensions[letter].number_format = _TEXT
        for row, person in enumerate(layout.people_in(data, roster), 2):
            for column, head in enumerate(heads, 1):
                _text(sheet.cell(row, column), layout.value_at(person, (head,)))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _head(sheet: Any, heads: Any, widths: Any) -> None:
    for column, (head, width) in enumerate(zip(heads, widths, strict=True), 1):
        cell = sheet.cell(1, column, head)
        for name, style in _HEAD.items():
            setattr(cell, name, style)
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.freeze_panes = 'A2'


def _text(cell: Any, text: str) -> None:
    cell.value = text or None
    # Whatever it begins with: a text is no formula.
    cell.data_type = 's' if text else 'n'
    cell.alignment = _WRAPPED
    cell.number_format = _TEXT


def _choose(sheet: Any, field: Field, cells: str) -> None:
    title = field.label.rpartition(': ')[2][:32]
    rule = DataValidation(
        type='list' if field.choices else None,
        formula1=f'"{",".join(field.choices)}"' if field.choices else None,
        allow_blank=True,
        showInputMessage=True,
        showErrorMessage=bool(field.choices),
        promptTitle=title,
        prompt=field.explanation[:255],
        errorTitle=title,
        error=f'Choose one of: {", ".join(field.choices)}'[:255],
    )
    rule.add(cells)
    sheet.add_data_validation(rule)


def read_xlsx(content: bytes, settings: Settings) -> Document:
    """A form in XLSX.

    :raises Unreadable: if it is none, or more of it than a form needs.
    """
    _look_inside(content, settings)
    try:
        # Not only what was last computed: a formula is to be seen as one.
        book = load_workbook(
            io.BytesIO(content), read_only=True, data_only=False, keep_links=False
        )
        names = {sheet.title.strip().lower(): sheet for sheet in book.worksheets}
        if REQUEST.lower() not in names:
            raise Unreadable(f'has no sheet "{REQUEST}"; use the form of this service')
        entries = list(_request(names[REQUEST.lower()]))
        for roster in ROSTERS:
            if roster in names:
                most = (
                    MAX_CSV_ROWS
                    if roster == 'subscribers'
                    else settings.form_max_people
                )
                entries += _people(names[roster], roster, most)
    except (Unreadable, MemoryError):
        raise
    except Exception:
        # Whatever the library stumbles over in what strangers send.
        raise Unreadable('is not a spreadsheet that can be read') from None
    return layout.gathered(entries)


def _look_inside(content: bytes, settings: Settings) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            parts = file.infolist()
            is_strict = _is_strict(file)
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise Unreadable('is not a spreadsheet in XLSX') from None
    # What a part says of its size binds the library: it reads no more of it.
    size = sum(part.file_size for part in parts)
    if size > settings.form_max_unpacked:
        raise too_large(settings.form_max_unpacked, 'form_max_unpacked', 'unpacked')
    if len(parts) > MAX_FILES:
        raise Unreadable(f'has {len(parts)} parts; expected at most {MAX_FILES}')
    if is_strict:
        raise Unreadable(
            'is in the format "Strict Open XML"; save it as "Excel Workbook (.xlsx)"'
        )


def _is_strict(file: zipfile.ZipFile) -> bool:
    try:
        with file.open(WORKBOOK) as part:
            return STRICT in part.read(4096)
    except MemoryError:
        raise
    except Exception:
        # The library says what is wrong, whatever it is.
        return False


def _request(sheet: Any) -> Iterator[Entry]:
    rows = sheet.iter_rows(max_row=MAX_ROWS, max_col=len(HEADING))
    for number, row in enumerate(rows, 1):
        if number == 1 or len(row) < len(HEADING):
            continue
        place = f'{REQUEST}!C{number}'
        label, value = row[0].value, _value(row[2], place)
        if label not in (None, ''):
            yield Entry(layout.path_of(str(label), ':'), value, place)
        elif value not in (None, ''):
            raise Unreadable(f'has a value at {place} without a field before it')


def _people(sheet: Any, roster: str, most: int) -> Iterator[Entry]:
    title = roster.capitalize()
    # The heading, and one more to see that there are too many.
    rows = sheet.iter_rows(max_row=most + 2, max_col=MAX_COLUMNS)
    heads: list[str] = []
    for number, row in enumerate(rows, 1):
        if number == 1:
            heads = [str(cell.value or '') for cell in row]
            continue
        for column, cell in enumerate(row[: len(heads)]):
            place = f'{title}!{get_column_letter(column + 1)}{number}'
            value = _value(cell, place)
            if isinstance(value, str):
                # A line break in a name is a space.
                value = ' '.join(value.split())
            if value not in (None, '') and not heads[column].strip():
                raise Unreadable(f'has a value at {place} without a heading')
            path: Path = (roster, number, heads[column].strip().lower())
            if heads[column].strip():
                yield Entry(path, value, place)


def _value(cell: Any, place: str) -> Any:
    value = cell.value
    if cell.data_type == 'f':
        truth = _TRUTH.fullmatch(str(value))
        if truth is not None:
            return truth[1].lower() == 'true'
        raise Unreadable(f'has a formula at {place}; expected what it should be')
    if cell.data_type == 'e' or isinstance(value, date | datetime | time):
        raise Unreadable(f'has {value} at {place}; expected text')
    if isinstance(value, int | float) and not isinstance(value, bool):
        return NumberCell(value)
    if value is None or isinstance(value, str | bool):
        return value
    raise Unreadable(f'has something at {place} that is no text')
