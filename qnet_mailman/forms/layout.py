# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms as rows of fields: what spreadsheet, PDF and CSV have in common (R29).

The fields, their explanations and their choices come from the schema; nothing is
said twice.  A reader of such a format hands over `Entry`s, each with the place
where a person finds it, and `gathered()` makes plain data of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from qnet_mailman.forms.kinds import KINDS
from qnet_mailman.forms.mistakes import Document, Path
from qnet_mailman.forms.readers import Unreadable
from qnet_mailman.forms.schema import (
    ROSTERS,
)
from qnet_mailman.values import found

YES_NO = ('yes', 'no')


@dataclass(frozen=True)
class Field:
    """One field of an empty form.

    :ivar path: Where it is in the form; a 0 stands for each person.
    :ivar explanation: What it should hold.
    :ivar choices: The words that it may be; none if it is free.
    """

    path: Path
    explanation: str
    choices: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Its name for people: `List: display name`."""
        return label_of(self.path)


def label_of(path: Path) -> str:
    """A path as people read it; see `path_of()`."""
    text = ': '.join(str(step).replace('_', ' ') for step in path)
    return text[:1].upper() + text[1:].replace('harp id', 'HARP ID')


def path_of(name: str, separator: str) -> Path:
    """The path that a column, a label or a PDF field stands for.

    Whatever is none becomes a key that no form has.
    """
    steps = [step.strip().lower().replace(' ', '_') for step in name.split(separator)]
    if len(steps) == 3 and steps[0] in ROSTERS and re.fullmatch('[0-9]{1,6}', steps[1]):
        return steps[0], int(steps[1]), steps[2]
    if len(steps) <= 3 and all(re.fullmatch('[a-z_]+', step) for step in steps):
        return tuple(steps)
    return (name.strip(),)


def fields_of(kind: str, start: Path = ()) -> Iterator[Field]:
    """The fields of a form, or of a person in one, in the order of the schema."""
    sections = KINDS[kind].sections
    model = sections[start]
    properties = model.model_json_schema()['properties']
    for key, about in model.model_fields.items():
        path = (*start, key)
        if path in sections:
            yield from fields_of(kind, path)
        elif (*path, 0) not in sections:
            choices = _choices(properties[key])
            about_it = about.description or ''
            if choices == YES_NO:
                about_it = re.sub('^true', YES_NO[0], about_it)
            yield Field(path, about_it, choices)


def rosters_of(kind: str) -> dict[str, list[Field]]:
    """The lists of people in a form, with the fields of each person."""
    return {
        roster: list(fields_of(kind, (roster, 0)))
        for roster in ROSTERS
        if (roster, 0) in KINDS[kind].sections
    }


def _choices(about: dict[str, Any]) -> tuple[str, ...]:
    for each in (about, *about.get('anyOf', ())):
        if 'const' in each:
            return (each['const'],)
        if 'enum' in each:
            return tuple(each['enum'])
        if each.get('type') == 'boolean':
            return YES_NO
    return ()


def empty(kind: str) -> dict[str, Any]:
    """The data of an empty form: with what it suggests."""
    data: dict[str, Any] = json.loads(KINDS[kind].json())
    return data


def value_at(data: Any, path: Path) -> str:
    """A value of a form as text for a field."""
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return ''
    if isinstance(data, bool):
        return YES_NO[not data]
    if isinstance(data, list):
        return ', '.join(map(str, data))
    return '' if data is None else str(data)


@dataclass(frozen=True)
class Entry:
    """One field of somebody's form.

    :ivar path: Where it belongs; the number of a person is any that tells them from
        others of the list.
    :ivar value: Text, a whole number or a boolean; None or empty if nothing was
        filled in.
    :ivar place: Where a person finds it: `Request!C7`.
    """

    path: Path
    value: Any
    place: str


def gathered(entries: Iterable[Entry]) -> Document:
    """Fields as the data of a form; people without anything are passed over.

    :raises Unreadable: if fields exclude each other.
    """
    document = Document({})
    numbers: dict[tuple[str | int, str | int], int] = {}
    for entry in entries:
        path, filled = entry.path, entry.value not in (None, '')
        if len(path) == 3 and isinstance(path[1], int):
            if not filled:
                continue
            people = document.data.setdefault(str(path[0]), [])
            if not isinstance(people, list):
                raise _excluded(entry)
            place = numbers.setdefault(path[:2], len(people))
            if place == len(people):
                people.append({})
                document.places[(path[0], place)] = entry.place
            path = (path[0], place, path[2])
        if path in document.places:
            raise Unreadable(
                f'has a second field "{label_of(path)}" at {entry.place}; the first is '
                f'at {document.places[path]}'
            )
        document.places[path] = entry.place
        if filled:
            _put(document.data, path, entry)
    return document


def _put(data: Any, path: Path, entry: Entry) -> None:
    for step in path[:-1]:
        # A list of people has numbers only: `administrators.email` is of nobody.
        if isinstance(data, list) and not isinstance(step, int):
            raise _excluded(entry)
        data = data.setdefault(step, {}) if isinstance(data, dict) else data[step]
        if not isinstance(data, dict | list):
            raise _excluded(entry)
    if isinstance(data, list) or path[-1] in data:
        raise _excluded(entry)
    data[path[-1]] = entry.value


def _excluded(entry: Entry) -> Unreadable:
    name = found('.'.join(map(str, entry.path)))
    return Unreadable(
        f'has a field {name} at {entry.place} beside one that excludes it'
    )


def people_in(data: dict[str, Any], roster: str) -> Sequence[dict[str, Any]]:
    """The people of a form's data who are to be written; none if they are in a file."""
    people = data.get(roster) or []
    return people if isinstance(people, list) else []
