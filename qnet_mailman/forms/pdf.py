# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms in PDF that any reader can fill in (R29).

Fields are named by their path with `-` between its steps, as a dot has a meaning of
its own in field names (ISO 32000-1 section 12.7.3.2).  Each has an explanation that
screen readers speak (`/TU`), and the tab key goes through them in reading order.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

from pypdf import PdfReader, PdfWriter
from pypdf.generic import BooleanObject, DictionaryObject, NameObject, TextStringObject
from reportlab.lib.pagesizes import letter
from reportlab.lib.utils import simpleSplit
from reportlab.pdfgen.canvas import Canvas

from qnet_mailman.forms import layout
from qnet_mailman.forms.layout import Entry, Field
from qnet_mailman.forms.mistakes import Document, Path
from qnet_mailman.forms.readers import Unreadable
from qnet_mailman.settings import Settings

# What is wrong with a file is told once, in the words of the form.
logging.getLogger('pypdf').setLevel(logging.CRITICAL)

PEOPLE = {'administrators': 4, 'moderators': 3, 'subscribers': 5}
"""Rows of people in an empty form; who has more uses another format."""
MAX_FIELDS = 2000
NONE = '-'
"""The choice that stands for none: a field of choices shows one of them."""

_WIDTH, _HEIGHT = letter
_MARGIN = 54
_STEP = 38
_LEFT = 220
_ROOM = _WIDTH - _LEFT - _MARGIN


def write_pdf(kind: str, data: dict[str, Any]) -> bytes:
    """A form to fill in, with some data in it already."""
    file = io.BytesIO()
    page = _Page(
        Canvas(file, pagesize=letter, invariant=1), f'QualityNet Mailer: {kind}'
    )
    for field in layout.fields_of(kind):
        page.add(field, field.path, layout.value_at(data, field.path))
    for roster, fields in layout.rosters_of(kind).items():
        people = layout.people_in(data, roster)
        for number in range(max(PEOPLE[roster], len(people))):
            page.heading(f'{roster.capitalize()}, number {number + 1}', len(fields))
            for field in fields:
                value = layout.value_at(people, (number, field.path[-1]))
                page.add(field, (roster, number + 1, field.path[-1]), value)
    page.canvas.save()
    return _accessible(file, kind)


class _Page:
    """Puts one field below the other."""

    def __init__(self, canvas: Canvas, title: str) -> None:
        self.canvas = canvas
        self._y = _HEIGHT - _MARGIN
        canvas.setTitle(title)
        canvas.setFont('Helvetica-Bold', 16)
        canvas.drawString(_MARGIN, self._y, title)
        self._y -= _STEP

    def _room(self, rows: int) -> None:
        if self._y - rows * _STEP < _MARGIN - _STEP:
            self.canvas.showPage()
            self._y = _HEIGHT - _MARGIN

    def heading(self, text: str, rows: int) -> None:
        """A line above the fields of one person, who are kept together."""
        self._room(rows + 1)
        self.canvas.setFont('Helvetica-Bold', 11)
        self.canvas.drawString(_MARGIN, self._y - 4, text)
        self._y -= 24

    def add(self, field: Field, path: Path, value: str) -> None:
        """A field with its label and explanation."""
        self._room(1)
        self.canvas.setFont('Helvetica', 9)
        self.canvas.drawString(_MARGIN, self._y, field.label.replace(': 0: ', ': '))
        words = field.explanation
        self.canvas.setFont('Helvetica', 7)
        for number, line in enumerate(simpleSplit(words, 'Helvetica', 7, _ROOM)):
            self.canvas.drawString(_LEFT, self._y - 13 - 8 * number, line)
        about: dict[str, Any] = {
            'name': '-'.join(map(str, path)),
            'tooltip': f'{layout.label_of(path)}: {words}',
            'x': _LEFT,
            'y': self._y - 5,
            'width': _ROOM,
            'height': 15,
            'fontSize': 9,
            'borderWidth': 1,
            'relative': False,
        }
        form = self.canvas.acroForm
        if field.path == ('form',):
            form.textfield(value=value, fieldFlags='readOnly', **about)
        elif field.choices:
            options = [NONE, *field.choices]
            form.choice(value=value or NONE, options=options, **about)
        else:
            form.textfield(value=value, maxlen=1000, **about)
        self._y -= _STEP


def _accessible(file: io.BytesIO, kind: str) -> bytes:
    file.seek(0)
    writer = PdfWriter(clone_from=PdfReader(file))
    for page in writer.pages:
        # By rows, from the top (ISO 32000-1 section 12.5.1).
        page[NameObject('/Tabs')] = NameObject('/R')
    root = writer.root_object
    root[NameObject('/Lang')] = TextStringObject('en-US')
    root[NameObject('/ViewerPreferences')] = DictionaryObject(
        {NameObject('/DisplayDocTitle'): BooleanObject(True)}
    )
    done = io.BytesIO()
    writer.write(done)
    return done.getvalue()


def read_pdf(content: bytes, settings: Settings) -> Document:
    """A form in PDF.

    :raises Unreadable: if it is none, or has no fields.
    """
    try:
        reader = PdfReader(io.BytesIO(content), strict=False)
        fields = None if reader.is_encrypted else reader.get_fields()
        encrypted = reader.is_encrypted
    except MemoryError:
        raise
    except Exception:
        # Whatever the library stumbles over in what strangers send.
        raise Unreadable('is not a PDF that can be read') from None
    if encrypted:
        raise Unreadable('is encrypted; send it without a password')
    if not fields:
        raise Unreadable(
            'has no fields to fill in; it may have been printed or scanned: send the '
            'form itself'
        )
    if len(fields) > MAX_FIELDS:
        raise Unreadable(f'has {len(fields)} fields; expected at most {MAX_FIELDS}')
    return layout.gathered(_entries(fields))


def _entries(fields: Any) -> Iterator[Entry]:
    for name, field in fields.items():
        value = field.get('/V')
        # A check box is a name, and readers put choices into lists.
        if isinstance(value, list):
            value = value[0] if len(value) == 1 else None
        text = '' if value is None else str(value).strip()
        text = text.removeprefix('/') if isinstance(value, NameObject) else text
        if text == NONE or (isinstance(value, NameObject) and text == 'Off'):
            text = ''
        yield Entry(layout.path_of(str(name), '-'), text, f'field "{str(name)[:80]}"')
