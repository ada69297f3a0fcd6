# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms filled in with other programs' libraries."""

from __future__ import annotations

import io
from typing import Any

from openpyxl import load_workbook
from pypdf import PdfWriter

from qnet_mailman.forms import layout
from tests.provisioning.made_forms import example


def xlsx_answers(content: bytes, kind: str, form: Any = None) -> dict[str, str]:
    """What to type into a spreadsheet, by cell: `Request!C7`.

    :param form: The data of the form; else those of the example.
    """
    form = example(kind) if form is None else form
    book = load_workbook(io.BytesIO(content))
    rows = {row[0].value: f'Request!C{row[0].row}' for row in book['Request']}
    answers = {
        rows[field.label]: field.answer(layout.value_at(form, field.path))
        for field in layout.fields_of(kind)
    }
    for roster, fields in layout.rosters_of(kind).items():
        title = roster.capitalize()
        columns = {cell.value: cell.column_letter for cell in book[title][1]}
        # A row is left out, as people do.
        for row, person in enumerate(form[roster], 3):
            for field in fields:
                value = field.answer(layout.value_at(person, field.path[-1:]))
                answers[f'{title}!{columns[field.label]}{row}'] = value
    return answers


def fill_xlsx(content: bytes, kind: str, form: Any = None) -> bytes:
    """A spreadsheet filled in with openpyxl.

    :param form: The data of the form; else those of the example.
    """
    book = load_workbook(io.BytesIO(content))
    for place, answer in xlsx_answers(content, kind, form).items():
        sheet, cell = place.split('!')
        book[sheet][cell] = answer or None
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def pdf_answers(kind: str, form: Any = None) -> dict[str, str]:
    """What to fill into a PDF's fields, by name."""
    form = example(kind) if form is None else form
    answers = {
        '-'.join(map(str, field.path)): field.answer(layout.value_at(form, field.path))
        for field in layout.fields_of(kind)
    }
    for roster, fields in layout.rosters_of(kind).items():
        for row, person in enumerate(form[roster], 1):
            for field in fields:
                value = field.answer(layout.value_at(person, field.path[-1:]))
                answers[f'{roster}-{row}-{field.path[-1]}'] = value
    return {name: value for name, value in answers.items() if value}


def fill_with_pypdf(content: bytes, kind: str, form: Any = None) -> bytes:
    """A PDF filled in with pypdf."""
    writer = PdfWriter(clone_from=io.BytesIO(content))
    for page in writer.pages:
        writer.update_page_form_field_values(page, pdf_answers(kind, form))
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()
