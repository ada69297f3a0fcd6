# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms as rows of fields: what spreadsheet, PDF and CSV have in common (R29).

The fields and their choices come from the schema, and their words from `labels.py`;
nothing is said twice.  A reader of such a format hands over `Entry`s, each with the
place where a person finds it, and `gathered()` makes plain data of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from qnet_mailman.forms import labels
from qnet_mailman.forms.kinds import KINDS
from qnet_mailman.forms.labels import Words
from qnet_mailman.forms.mistakes import Document, Path
from qnet_mailman.forms.readers import Unreadable
from qnet_mailman.forms.schema import (
    ROSTERS,
)
from qnet_mailman.settings import Settings
from qnet_mailman.values import found

YES_NO = ('yes', 'no')


@dataclass(frozen=True)
class Field:
    """One field of an empty form.

    :ivar path: Where it is in the form; a 0 stands for each person.
    :ivar choices: The words that it may be; none if it is free.
    :ivar required: Whether it must be filled in, whatever the others say.
    """

    path: Path
    choices: tuple[str, ...] = ()
    required: bool = False

    @property
    def words(self) -> Words:
        """What it is called."""
        return labels.words_of(self.path)

    @property
    def label(self) -> str:
        """Its name for people, who see that it must be filled in."""
        label = self.words.label
        return f'{label} {labels.REQUIRED}' if self.required else label

    @property
    def answers(self) -> tuple[str, ...]:
        """The choices as people see them."""
        return tuple(map(self.answer, self.choices))

    def answer(self, word: str) -> str:
        """A value of the form as people see it."""
        choice = self.words.choices.get(word)
        return word if choice is None else choice.label


@dataclass(frozen=True)
class Part:
    """Fields that belong together, below a heading.

    :ivar words: The heading, and what it explains.
    """

    words: Words
    fields: tuple[Field, ...]


def label_of(path: Path) -> str:
    """The label of a field, or of what is none as older forms had it."""
    with suppress(KeyError):
        return labels.words_of(path).label
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


def fields_of(kind: str, start: Path = (), *, required: bool = True) -> Iterator[Field]:
    """The fields of a form, or of a person in one, in the order of the schema.

    :param required: Whether the part that begins there must be filled in.
    """
    sections = KINDS[kind].sections
    model = sections[start]
    properties = model.model_json_schema()['properties']
    for key, about in model.model_fields.items():
        path, needed = (*start, key), required and about.is_required()
        if path in sections:
            yield from fields_of(kind, path, required=needed)
        elif (*path, 0) not in sections:
            choices = _choices(properties[key])
            # The only field that is filled in already.
            yield Field(path, choices, needed and path != ('form',))


def parts_of(kind: str, settings: Settings) -> list[Part]:
    """The fields of a form as people fill them in, those for the service last."""
    parts: dict[Path, list[Field]] = {}
    last = []
    here: Path = ()
    for field in fields_of(kind):
        if settings.approver_required and field.path[0] == 'approver':
            field = replace(field, required=True)
        if field.path in labels.FOR_THE_SERVICE:
            last.append(field)
            continue
        heads = (field.path[:-1], field.path)
        here = next((path for path in heads if path in labels.SECTIONS), here)
        parts.setdefault(here, []).append(field)
    found = [Part(labels.SECTIONS[path], tuple(parts[path])) for path in parts]
    return [*found, Part(labels.SERVICE, tuple(last))]


def rosters_of(kind: str) -> dict[str, list[Field]]:
    """The lists of people in a form, with the fields of each person."""
    return {
        roster: list(fields_of(kind, (roster, 0)))
        for roster in ROSTERS
        if (roster, 0) in KINDS[kind].sections
    }


def title_of(kind: str, settings: Settings) -> str:
    """What a form is called."""
    return f'{settings.service_name}: {labels.TITLES[kind]}'


def send_to(settings: Settings) -> str:
    """The address that forms go to."""
    return settings.forms_address or settings.support_address


def instructions(kind: str, settings: Settings) -> Iterator[str]:
    """What to do with an empty form: sentences, in order."""
    yield labels.ASKERS[kind]
    yield f'Fill in the fields. Those marked {labels.REQUIRED} must be filled in.'
    yield (
        f'Attach the form to an e-mail message and send it to {send_to(settings)} from '
        'your own address.'
    )
    if settings.forms_address is not None:
        yield 'You get an e-mail with the number of your request.'
    phone = f', or call {settings.support_phone}' if settings.support_phone else ''
    yield f'Questions? Write to {settings.support_address}{phone}.'


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
    value = entry.value
    data[path[-1]] = (
        labels.value_of(entry.path, value) if isinstance(value, str) else value
    )


def _excluded(entry: Entry) -> Unreadable:
    name = found('.'.join(map(str, entry.path)))
    return Unreadable(
        f'has a field {name} at {entry.place} beside one that excludes it'
    )


def people_in(data: dict[str, Any], roster: str) -> Sequence[dict[str, Any]]:
    """The people of a form's data who are to be written; none if they are in a file."""
    people = data.get(roster) or []
    return people if isinstance(people, list) else []
