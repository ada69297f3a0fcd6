# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms in PDF that any reader can fill in (R29).

Fields are named by their path with `-` between its steps, as a dot has a meaning of
its own in field names (ISO 32000-1 section 12.7.3.2).  Each has an explanation that
screen readers speak (`/TU`), and the tab key goes through them in reading order.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from pypdf import PdfReader
from pypdf.generic import DictionaryObject, NameObject
from reportlab.lib.pagesizes import letter
from reportlab.lib.utils import simpleSplit

from qnet_mailman.forms import labels, layout
from qnet_mailman.forms.labels import Words
from qnet_mailman.forms.layout import Entry, Field, Part
from qnet_mailman.forms.mistakes import Document, Path
from qnet_mailman.forms.readers import Unreadable
from qnet_mailman.forms.tagged_pdf import Element, TaggedCanvas
from qnet_mailman.settings import Settings

# What is wrong with a file is told once, in the words of the form.
logging.getLogger('pypdf').setLevel(logging.CRITICAL)

PEOPLE = {'administrators': 4, 'moderators': 3, 'subscribers': 5}
"""Rows of people in an empty form; who has more uses another format."""
MAX_FIELDS = 2000
NONE = '-'
"""The choice that stands for none: a field of choices shows one of them."""

_WIDTH, _HEIGHT = letter
_MARGIN = 50
_LEFT = 220
_FULL = _WIDTH - 2 * _MARGIN
_ROOM = _WIDTH - _LEFT - _MARGIN
_FIELD = 16
"""Points that a field is high; further lines are as high as their letters and 2."""
_BOLD, _PLAIN = 'Helvetica-Bold', 'Helvetica'
_TITLE, _HEAD, _TEXT, _SMALL = 16, 11, 9, 8


def write_pdf(kind: str, data: dict[str, Any], settings: Settings) -> bytes:
    """A form to fill in, with some data in it already."""
    page = _Page(layout.title_of(kind, settings))
    for sentence in layout.instructions(kind, settings):
        page.line('P', sentence, _PLAIN, _TEXT)
    *parts, last = layout.parts_of(kind, settings)
    for part in parts:
        page.part(part, data)
    for roster, fields in layout.rosters_of(kind).items():
        people = layout.people_in(data, roster)
        page.table(roster, fields, [*people, *[{}] * (PEOPLE[roster] - len(people))])
    page.part(last, data)
    return page.tagged.finished()


class _Page:
    """Puts one thing below the other."""

    def __init__(self, title: str) -> None:
        self.tagged = TaggedCanvas(title)
        self._y = _HEIGHT - _MARGIN
        self.line('H1', title, _BOLD, _TITLE)
        self._y -= 4

    def _keep(self, height: float) -> None:
        """Begin a new page where there is no room for that many points."""
        if self._y - height < _MARGIN:
            self.tagged.next_page()
            self._y = _HEIGHT - _MARGIN

    def _lines(
        self, element: Element, lines: Sequence[str], font: tuple[str, int], x: float
    ) -> float:
        """Draw lines below the place that is reached, and say how high they are."""
        _name, size = font
        with self.tagged.text(element) as canvas:
            canvas.setFont(*font)
            for number, line in enumerate(lines, 1):
                # A line's end is a space to whom the text is read aloud.
                end = ' ' if number < len(lines) else ''
                canvas.drawString(x, self._y - number * (size + 2) + 2, line + end)
        return len(lines) * (size + 2)

    def line(self, role: str, text: str, name: str, size: int) -> None:
        """A text over the whole width."""
        lines = simpleSplit(text, name, size, _FULL)
        self._keep(len(lines) * (size + 2))
        element = self.tagged.root.add(role)
        self._y -= self._lines(element, lines, (name, size), _MARGIN) + 2

    def heading(self, words: Words, height: float) -> None:
        """A heading with its explanation.

        :param height: What follows and is kept with it, in points.
        """
        self._keep(height + 2 * _HEAD + 3 * _SMALL + 6)
        self._y -= 6
        self.line('H2', words.label, _BOLD, _HEAD)
        with self.tagged.artifact() as canvas:
            canvas.line(_MARGIN, self._y, _WIDTH - _MARGIN, self._y)
        self._y -= 2
        if words.help:
            self.line('P', words.help, _PLAIN, _SMALL)

    def part(self, part: Part, data: dict[str, Any]) -> None:
        """Fields below their heading."""
        self.heading(part.words, _FIELD + 2 * _TEXT)
        for field in part.fields:
            self.add(field, layout.value_at(data, field.path))

    def add(self, field: Field, value: str) -> None:
        """A field with its label and explanation."""
        label = simpleSplit(field.label, _BOLD, _TEXT, _LEFT - _MARGIN - 8)
        words = simpleSplit(field.words.explanation, _PLAIN, _SMALL, _ROOM)
        height = max(len(label) * (_TEXT + 2), _FIELD + len(words) * (_SMALL + 2)) + 3
        self._keep(height)
        self._y -= 2
        group = self.tagged.root.add('Div')
        self._lines(group.add('P'), label, (_BOLD, _TEXT), _MARGIN)
        if words:
            self._y -= _FIELD
            self._lines(group.add('P'), words, (_PLAIN, _SMALL), _LEFT)
            self._y += _FIELD
        # Read behind what explains it.
        tip = f'{field.label}: {field.words.explanation}'.removesuffix(': ')
        self._widget(group, field, field.path, value, tip, _LEFT, _ROOM)
        self._y -= height

    def table(
        self, roster: str, fields: Sequence[Field], people: Sequence[dict[str, Any]]
    ) -> None:
        """A row for each person."""
        words = labels.SECTIONS[(roster,)]
        self.heading(words, (len(people[:10]) + 1) * (_FIELD + 2))
        table = self.tagged.root.add('Table')
        width = (_FULL - 16) / len(fields)
        row = table.add('TR')
        for column, field in enumerate(fields):
            x = _MARGIN + 16 + column * width
            lines = simpleSplit(field.label, _BOLD, _SMALL, width)
            self._lines(row.add('TH', 'Column'), lines, (_BOLD, _SMALL), x)
        self._y -= _SMALL + 6
        for number, person in enumerate(people, 1):
            self._keep(_FIELD + 2)
            row = table.add('TR')
            self._y -= 3
            self._lines(row.add('TH', 'Row'), [str(number)], (_PLAIN, _TEXT), _MARGIN)
            self._y += 3
            for column, field in enumerate(fields):
                key = field.path[-1]
                self._widget(
                    row.add('TD'),
                    field,
                    (roster, number, key),
                    layout.value_at(person, (key,)),
                    f'{words.label}, number {number}: {field.label}',
                    _MARGIN + 16 + column * width,
                    width - 4,
                )
            self._y -= _FIELD + 2

    def _widget(
        self,
        parent: Element,
        field: Field,
        path: Path,
        value: str,
        tip: str,
        x: float,
        width: float,
    ) -> None:
        name = '-'.join(map(str, path))
        flags = {'required'} if field.required and path == field.path else set()
        about: dict[str, Any] = {
            'name': name,
            'tooltip': tip,
            'x': x,
            'y': self._y - _FIELD + 1,
            'width': width,
            'height': _FIELD - 1,
            'fontSize': _TEXT,
            'borderWidth': 1,
            'relative': False,
        }
        parent.add('Form').name = name
        form = self.tagged.canvas.acroForm
        if field.path == ('form',):
            form.textfield(value=value, fieldFlags='readOnly', **about)
        elif field.choices:
            form.choice(
                value=field.answer(value) or NONE,
                options=[NONE, *field.answers],
                fieldFlags=' '.join({'combo', *flags}),
                **about,
            )
        else:
            form.textfield(
                value=value, maxlen=1000, fieldFlags=' '.join(flags), **about
            )


def read_pdf(content: bytes, settings: Settings) -> Document:
    """A form in PDF.

    :raises Unreadable: if it is none, or has no fields.
    """
    try:
        reader = PdfReader(io.BytesIO(content), strict=False)
        encrypted = reader.is_encrypted
        fields = None if encrypted else reader.get_fields()
        pages = {} if encrypted else _pages_of(reader)
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
    return layout.gathered(_entries(fields, pages))


def _pages_of(reader: PdfReader) -> dict[str, int]:
    """The page of each field that has a place of its own, counted from 1."""
    return {
        str(about.get('/T')): number
        for number, page in enumerate(reader.pages, 1)
        for about in (each.get_object() for each in page.get('/Annots') or ())
        if isinstance(about, DictionaryObject)
    }


def _is_signature(value: object) -> bool:
    # Where a field has its type from one that holds it (ISO 32000-1 table 252).
    return isinstance(value, DictionaryObject) and '/ByteRange' in value


def _entries(fields: Any, pages: dict[str, int]) -> Iterator[Entry]:
    for name, field in fields.items():
        value = field.get('/V')
        if field.get('/FT') == '/Sig' or _is_signature(value):
            # Of whoever sends it: nobody asks for one, and none is relied on.
            continue
        # A check box is a name, and readers put choices into lists.
        if isinstance(value, list):
            value = value[0] if len(value) == 1 else None
        text = '' if value is None else str(value).strip()
        text = text.removeprefix('/') if isinstance(value, NameObject) else text
        if text == NONE or (isinstance(value, NameObject) and text == 'Off'):
            text = ''
        path = layout.path_of(str(name), '-')
        place = f'page {pages[name]}' if name in pages else f'field "{name[:80]}"'
        yield Entry(path, text, place)
