# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms filled in with other programs' libraries."""

from __future__ import annotations

import io
from typing import Any

from openpyxl import load_workbook
from pypdf import PdfWriter

from qnet_mailman.forms import layout
from tests.provisioning.made_forms import example


def fill_xlsx(content: bytes, kind: str, form: Any = None) -> bytes:
    """A spreadsheet filled in with openpyxl.

    :param form: The data of the form; else those of the example.
    """
    form = example(kind) if form is None else form
    book = load_workbook(io.BytesIO(content))
    sheet = book['Request']
    answers = {
        field.label: layout.value_at(form, field.path)
        for field in layout.fields_of(kind)
    }
    for row in sheet.iter_rows():
        if row[0].value in answers:
            row[2].value = answers[row[0].value] or None
    for roster in layout.rosters_of(kind):
        people = book[roster.capitalize()]
        heads = [cell.value for cell in people[1]]
        keys = {
            field.label: field.path[-1] for field in layout.rosters_of(kind)[roster]
        }
        # A row is left out, as people do.
        for place, person in enumerate(form[roster]):
            for column, head in enumerate(heads, 1):
                value = person.get(keys[head])
                people.cell(place + 3, column).value = value
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def pdf_answers(kind: str, form: Any = None) -> dict[str, str]:
    """The values of a PDF's fields, by name."""
    form = example(kind) if form is None else form
    answers = {
        '-'.join(map(str, field.path)): layout.value_at(form, field.path)
        for field in layout.fields_of(kind)
    }
    for roster in layout.rosters_of(kind):
        for place, person in enumerate(form[roster]):
            for key in person:
                name = f'{roster}-{place + 1}-{key}'
                answers[name] = layout.value_at(person, (key,))
    return {name: value for name, value in answers.items() if value}


def fill_with_pypdf(content: bytes, kind: str, form: Any = None) -> bytes:
    """A PDF filled in with pypdf."""
    writer = PdfWriter(clone_from=io.BytesIO(content))
    for page in writer.pages:
        writer.update_page_form_field_values(page, pdf_answers(kind, form))
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()
