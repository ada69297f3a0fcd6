# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms in XLSX (R29): a sheet `Request`, and one for each list of people.

A spreadsheet that arrives is a stranger's: its size is looked at before it is
unpacked, no more rows are read than a form can have, and a formula is never taken
for the value that some program last computed for it.
"""

from __future__ import annotations

import io
import re
import textwrap
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.dimensions import RowDimension
from openpyxl.worksheet.page import PageMargins
from openpyxl.worksheet.properties import PageSetupProperties

from qnet_mailman.forms import labels, layout
from qnet_mailman.forms.layout import Entry, Field
from qnet_mailman.forms.mistakes import Document, Path
from qnet_mailman.forms.readers import MAX_CSV_ROWS, Unreadable, too_large
from qnet_mailman.forms.schema import ROSTERS
from qnet_mailman.settings import Settings
from qnet_mailman.values import NumberCell

REQUEST = 'Request'
HEADING = ('Question', 'What it should hold', 'Your answer')
ANSWER = HEADING[2]
"""The heading by which the answers are known, whatever stands above it."""
WIDTHS = (36, 46, 42)
"""Of its columns, in characters."""
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
    'font': Font('Calibri', 11, bold=True, color='FFFFFF'),
    'fill': PatternFill('solid', fgColor='1F4E79'),
    'alignment': Alignment(wrap_text=True, vertical='top'),
}
_TITLE = {'font': Font('Calibri', 16, bold=True)}
_PART = {
    'font': Font('Calibri', 11, bold=True),
    'fill': PatternFill('solid', fgColor='DCE6F1'),
}
_LINE = Border(bottom=Side('thin', color='BFBFBF'))
_LINE_HEIGHT = 15
"""Points."""
_NARROWER = 0.95
"""What of a width is reckoned with, as there may be another font."""
_TRUTH = re.compile(r'=?\s*(TRUE|FALSE)\s*(?:\(\s*\))?\s*', re.IGNORECASE)
"""What LibreOffice writes for a truth value: a formula."""
_TEXT = '@'
"""The format Text: what is typed stays as it is (ECMA-376 section 18.8.30)."""
_WRAPPED = Alignment(wrap_text=True, vertical='top')


def write_xlsx(kind: str, data: dict[str, Any], settings: Settings) -> bytes:
    """A form to fill in, with some data in it already."""
    book = Workbook()
    book.properties.title = layout.title_of(kind, settings)
    book.properties.creator = settings.service_name
    sheet: Any = book.active
    sheet.title = REQUEST
    _write_request(sheet, kind, data, settings)
    for roster, fields in layout.rosters_of(kind).items():
        sheet = book.create_sheet(roster.capitalize())
        _write_people(sheet, fields, layout.people_in(data, roster))
        _print_on(sheet, 'landscape', None)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _write_request(
    sheet: Any, kind: str, data: dict[str, Any], settings: Settings
) -> None:
    others = [roster.capitalize() for roster in layout.rosters_of(kind)]
    sentences = [
        *layout.instructions(kind, settings),
        *([f'Further sheets: {", ".join(others)}.'] if others else []),
    ]
    _across(sheet, layout.title_of(kind, settings), _TITLE)
    for sentence in sentences:
        _across(sheet, sentence)
    _head(sheet, len(sentences) + 2, HEADING, WIDTHS)
    for part in layout.parts_of(kind, settings):
        _across(sheet, part.words.label, _PART)
        for field in part.fields:
            row = sheet.max_row + 1
            value = field.answer(layout.value_at(data, field.path))
            texts = (field.label, field.words.explanation, value)
            for column, text in enumerate(texts, 1):
                _text(sheet.cell(row, column), text)
                sheet.cell(row, column).border = _LINE
            _let_grow(sheet, row, texts)
            _choose(sheet, field, f'C{row}')
    _print_on(sheet, 'portrait', 1)


def _write_people(
    sheet: Any, fields: Sequence[Field], people: Sequence[dict[str, Any]]
) -> None:
    _head(sheet, 1, [field.label for field in fields], [36] * len(fields))
    sheet.freeze_panes = 'A2'
    for column, field in enumerate(fields, 1):
        letter = get_column_letter(column)
        _choose(sheet, field, f'{letter}2:{letter}{ROWS}')
        # Of the cells that are not there yet.
        sheet.column_dimensions[letter].number_format = _TEXT
        for row, person in enumerate(people, 2):
            value = layout.value_at(person, (field.path[-1],))
            _text(sheet.cell(row, column), field.answer(value))


def _across(sheet: Any, text: str, style: Mapping[str, Any] | None = None) -> None:
    """A line of its own above or between the fields.

    It runs over empty cells beside it; cells that were made one would not be as high
    as what they hold.
    """
    row = 1 if sheet['A1'].value is None else sheet.max_row + 1
    sheet.cell(row, 1, text)
    for column in range(1, len(HEADING) + 1):
        for name, each in (style or {}).items():
            setattr(sheet.cell(row, column), name, each)


def _head(sheet: Any, row: int, heads: Sequence[str], widths: Sequence[int]) -> None:
    for column, (head, width) in enumerate(zip(heads, widths, strict=True), 1):
        cell = sheet.cell(row, column, head)
        for name, style in _HEAD.items():
            setattr(cell, name, style)
        sheet.column_dimensions[get_column_letter(column)].width = width


class _Growing(RowDimension):
    """A row of some height that becomes higher with what is typed into it."""

    customHeight = False


def _let_grow(sheet: Any, row: int, texts: Sequence[str]) -> None:
    # Excel finds out how high a row is, LibreOffice takes the usual height.
    lines = max(
        len(textwrap.wrap(text, round(width * _NARROWER)))
        for text, width in zip(texts, WIDTHS, strict=True)
    )
    sheet.row_dimensions[row] = _Growing(sheet, index=row, ht=_LINE_HEIGHT * lines)


def _print_on(sheet: Any, orientation: str, pages: int | None) -> None:
    """Print all columns on one page's width.

    :param pages: How many pages it may be high; None for as many as it needs.
    """
    sheet.page_setup.orientation = orientation
    sheet.page_margins = PageMargins(0.5, 0.5, 0.6, 0.6)
    sheet.page_setup.paperSize = sheet.PAPERSIZE_LETTER
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_setup.fitToHeight = pages or 0


def _text(cell: Any, text: str) -> None:
    cell.value = text or None
    # Whatever it begins with: a text is no formula.
    cell.data_type = 's' if text else 'n'
    cell.alignment = _WRAPPED
    cell.number_format = _TEXT


def _choose(sheet: Any, field: Field, cells: str) -> None:
    title = field.words.label[:32]
    rule = DataValidation(
        type='list' if field.choices else None,
        formula1=f'"{",".join(field.answers)}"' if field.choices else None,
        allow_blank=True,
        showInputMessage=True,
        showErrorMessage=bool(field.choices),
        promptTitle=title,
        prompt=field.words.explanation[:255] or field.label,
        errorTitle=title,
        error=f'Choose one of: {", ".join(field.answers)}'[:255],
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
    rows = list(sheet.iter_rows(max_row=MAX_ROWS, max_col=len(HEADING)))
    # Instructions stand above the heading; in older forms it is the first row.
    head = next((n for n, row in enumerate(rows, 1) if _is_heading(row)), 1)
    for number, row in enumerate(rows[head:], head + 1):
        if len(row) < len(HEADING):
            continue
        place = f'{REQUEST}!C{number}'
        label, value = str(row[0].value or '').strip(), _value(row[2], place)
        if label:
            path = labels.path_of(label) or layout.path_of(label, ':')
            yield Entry(path, value, place)
        elif value not in (None, ''):
            raise Unreadable(f'has a value at {place} without a field before it')


def _is_heading(row: Sequence[Any]) -> bool:
    return len(row) == len(HEADING) and str(row[2].value or '').strip() == ANSWER


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
            head = heads[column].strip()
            path: Path = (roster, number, labels.key_of(head) or head.lower())
            if head:
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
