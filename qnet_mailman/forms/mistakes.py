# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a form, in the words of the form (R30).

Every kind of form is a pydantic model with models for its sections.  `read_as()`
takes the plain data of a form in any format, and notes all that is wrong with it
at once.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from qnet_mailman import values
from qnet_mailman.forms import labels
from qnet_mailman.forms.labels import Path

MAX_ERRORS = 500
"""Mistakes that are printed; a file with more is another kind of mistake."""

Sections = Mapping[Path, type[BaseModel]]
"""The model at each place of a form; a 0 stands for any place in a list."""

F = TypeVar('F', bound=BaseModel)


@dataclass(frozen=True)
class FormError:
    """One mistake in a form.

    :ivar field: Where, in the form's own words; empty for the file as a whole.
    :ivar line: The line of the form; None where it has no lines.
    :ivar message: What was found and what is expected.
    :ivar place: Where, in a format without lines: `Request!C7`; may be empty.
    :ivar path: Where, as a path; empty for the file as a whole.
    """

    field: str
    line: int | None
    message: str
    place: str = ''
    path: Path = ()

    @property
    def where(self) -> str:
        """Line or place; empty for the file as a whole."""
        return self.place if self.line is None else f'line {self.line}'

    def as_dict(self) -> dict[str, Any]:
        """The mistake as plain data."""
        return asdict(self)

    def __str__(self) -> str:
        return f'{self.field}: {self.message}' if self.field else self.message


def in_order(errors: Iterable[FormError]) -> list[FormError]:
    """Mistakes from the top of a form to its end."""
    return sorted(errors, key=lambda error: (error.line is None, error.line or 0))


class FormInvalid(Exception):
    """A form with mistakes.

    :ivar errors: All of them.
    """

    def __init__(self, errors: list[FormError]) -> None:
        super().__init__('\n'.join(map(str, errors)))
        self.errors = errors


@dataclass
class Document:
    """A form as a reader hands it over.

    :ivar data: Mappings, lists, text, whole numbers, booleans and None.
    :ivar lines: The line of every key and list item, by its path.
    :ivar places: In formats without lines, where each is in the words of people.
    :ivar csv_name: The file that the subscribers came from.
    :ivar csv_lines: The line of each of them there.
    """

    data: dict[str, Any]
    lines: dict[Path, int] = field(default_factory=dict)
    places: dict[Path, str] = field(default_factory=dict)
    csv_name: str = ''
    csv_lines: list[int] = field(default_factory=list)

    @property
    def has_yes_no(self) -> bool:
        """Whether it is of a format that people answer with yes and no."""
        return bool(self.places) and not self.lines

    def line_of(self, path: Path) -> int | None:
        """The line of a key, or of the nearest thing that holds it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def place_of(self, path: Path) -> str:
        """The place of a value, of the nearest thing that holds it, or in it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        inside = (self.places[each] for each in self.places if each[:1] == path[:1])
        return next(inside, '') if path else ''


_NOUNS = {
    'administrators': 'person',
    'moderators': 'person',
    'subscribers': 'subscriber',
    'lists': 'list',
}
"""What an item of a list is called."""


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd ..."""
    ending = {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')
    return f'{number}{"th" if number % 100 in (11, 12, 13) else ending}'


def _model_at(sections: Sections, path: Path) -> type[BaseModel]:
    return sections[tuple(0 if isinstance(step, int) else step for step in path)]


def _expected_at(sections: Sections, path: Path) -> str:
    if path and isinstance(path[-1], int):
        keys = ', '.join(_model_at(sections, path).model_fields)
        return f'a section with the keys {keys}'
    model = _model_at(sections, path[:-1])
    return model.model_fields[str(path[-1])].description or ''


def _with_answers(path: Path, message: str) -> str:
    """A message in the words that a spreadsheet or PDF offers."""
    choices = labels.choices_of(path)
    if choices:
        offered = [choice.label for choice in choices.values()]
        message = message.replace(
            f'; expected {values.alternatives(list(choices))}',
            f'; expected {values.alternatives(offered)}',
        )
    words = {'true or false': 'yes or no', 'true': 'yes', 'false': 'no'}
    return re.sub(
        r'\btrue or false\b|(?<=^found )(?:true|false)(?=;)|(?<=; expected )true(?=:|'
        r' if )|(?<=^is missing; expected )true(?=:| if )',
        lambda match: words[match[0]],
        message,
    )


class Mistakes:
    """Gathers what is wrong with one document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._seen: dict[tuple[Path, str], FormError] = {}

    def add(self, path: Path, message: str) -> None:
        """Note a mistake, once.

        :param path: Where it is.
        :param message: What was found and what is expected.
        """
        if self._document.has_yes_no:
            message = _with_answers(path, message)
        self._seen.setdefault(
            (path, message),
            FormError(
                self._words(path),
                self._document.line_of(path),
                message,
                self._document.place_of(path),
                path,
            ),
        )

    def found(self, path: Path, value: object, expected: str) -> None:
        """Note a value that cannot be."""
        self.add(path, f'found {values.found(value)}; expected {expected}')

    def _words(self, path: Path) -> str:
        words = []
        for before, step in zip(('', *path), path, strict=False):
            if not isinstance(step, int):
                words.append(values.found(step).strip('"'))
            elif before == 'subscribers' and self._document.csv_name:
                line = self._document.csv_lines[step]
                words.append(f'{self._document.csv_name} line {line}')
            else:
                words.append(f'{ordinal(step + 1)} {_NOUNS[str(before)]}')
        return ', '.join(words)

    def errors(self) -> list[FormError]:
        """All mistakes, from the top of the form to its end."""
        found = in_order(self._seen.values())
        if len(found) <= MAX_ERRORS:
            return found
        more = FormError('', None, f'and {len(found) - MAX_ERRORS} more mistakes')
        return [*found[:MAX_ERRORS], more]


def without_nothing(data: Any) -> Any:
    """Without what was left empty: keys, sections, and people at a list's end.

    Empty people elsewhere stay, as the places of those behind them are needed.
    """
    if isinstance(data, dict):
        filled = {key: without_nothing(value) for key, value in data.items()}
        return {key: value for key, value in filled.items() if value is not None} or (
            None if data else data
        )
    if isinstance(data, list):
        items = [without_nothing(item) for item in data]
        while items and items[-1] is None:
            items.pop()
        return items
    return data


def read_as(
    model: type[F], sections: Sections, data: dict[str, Any], mistakes: Mistakes
) -> F | None:
    """A form's data as a model.

    :param model: The model of the form.
    :param sections: The models at its places.
    :param data: The data, without what was left empty.
    :param mistakes: Is told what is wrong.
    :return: The form; None if something is wrong.
    """
    try:
        return model.model_validate(data)
    except ValidationError as invalid:
        for mistake in invalid.errors(include_url=False):
            _translate(mistake, mistakes, sections)
    return None


def _translate(mistake: Any, mistakes: Mistakes, sections: Sections) -> None:
    path = tuple(mistake['loc'])
    kind = mistake['type']
    if kind == 'extra_forbidden':
        keys = list(_model_at(sections, path[:-1]).model_fields)
        close = difflib.get_close_matches(str(path[-1]), keys, n=1, cutoff=0.5)
        hint = f'did you mean "{close[0]}"? ' if close else ''
        mistakes.add(
            path, f'is not a key of this form; {hint}known are {", ".join(keys)}'
        )
    elif kind == 'missing':
        mistakes.add(path, f'is missing; expected {_expected_at(sections, path)}')
    elif kind == 'too_short' and mistake['input']:
        # Counted without the people who have mistakes of their own.
        return
    elif kind == 'value_error':
        mistakes.found(path, mistake['input'], str(mistake['ctx']['error']))
    else:
        # A scalar where a section or list belongs, or the reverse, or an empty list.
        mistakes.found(path, mistake['input'], _expected_at(sections, path))


def placed(
    problems: Iterable[tuple[Path, str]], document: Document | None
) -> list[FormError]:
    """Problems by path as mistakes in the form's words.

    :param document: The form that they are in; without it they have no lines.
    """
    mistakes = Mistakes(document or Document({}))
    for path, message in problems:
        mistakes.add(path, message)
    return mistakes.errors()
