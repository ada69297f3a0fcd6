# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms as questions and answers, for pages and mails: pure.

The web side asks what `questions()` says, so that no rule of the schema is said twice;
who asked for something reads with `answers()` what they asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qnet_mailman.forms import labels, layout
from qnet_mailman.forms.kinds import KINDS, AnyForm
from qnet_mailman.forms.mistakes import Path, ordinal

KEPT = {('form',), ('ticket',)}
"""What nobody is asked: the kind is chosen before, and a number is given (R38)."""
MAX_ROWS = 50_000
"""Subscribers whom a form on the web may have: so many are read within the default of
`form_max_cpu` with room to spare.  A form of an operator may have 200,000."""
MAX_SHOWN = 20
"""People of a list that are shown by name; how many more there are is a number."""


def questions(kind: str, most_people: int) -> dict[str, Any]:
    """What a kind of form asks.

    :param most_people: Administrators, and moderators, that a form may have.
    :return: `title`; `fields`, each with its `path` (steps with dots between them),
        `label`, `help`, `choices` (`word`, `label` and `help` of each; none where it is
        free), whether it is `required`, its `default`, and the `most` characters or
        the `least` and `most` of a number, where it has such; `people`, the same for
        each list of people; `most_people` and `most_rows` of a file with subscribers.
    """
    return {
        'kind': kind,
        'title': labels.TITLES[kind],
        'fields': [
            _question(kind, field)
            for field in layout.fields_of(kind)
            if field.path not in KEPT
        ],
        'people': {
            roster: [_question(kind, field) for field in fields]
            for roster, fields in layout.rosters_of(kind).items()
        },
        'most_people': most_people,
        'most_rows': MAX_ROWS,
    }


def _question(kind: str, field: layout.Field) -> dict[str, Any]:
    schema = KINDS[kind].sections[field.path[:-1]].model_json_schema()
    key = str(field.path[-1])
    about = schema['properties'][key]
    one = next(
        (each for each in about.get('anyOf', ()) if each.get('type') != 'null'), about
    )
    words = labels.words_of(field.path)
    default = about.get('default')
    return {
        'path': '.'.join(map(str, field.path)),
        'label': words.label,
        'help': words.help,
        'choices': [
            {'word': word, 'label': choice.label, 'help': choice.help}
            for word, choice in words.choices.items()
        ],
        'required': field.required,
        'default': layout.value_at(default, ()),
        'least': one.get('minimum'),
        'most': one.get('maximum', one.get('maxLength')),
    }


def answers(form: AnyForm) -> list[tuple[str, str]]:
    """What a form says, as labels and answers; without what was left empty."""
    data = form.model_dump(mode='json')
    return [*_fields(form.form, data), *_people(form.form, data)]


def _fields(kind: str, data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for field in layout.fields_of(kind):
        value = layout.value_at(data, field.path)
        if value and field.path not in KEPT:
            yield labels.words_of(field.path).label, _shown(field.path, value)


def _shown(path: Path, value: str) -> str:
    choice = labels.words_of(path).choices.get(value)
    return choice.label if choice is not None else value


def _people(kind: str, data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for roster in layout.rosters_of(kind):
        people = data[roster]
        label = labels.SECTIONS[(roster,)].label
        for place, person in enumerate(people[:MAX_SHOWN], 1):
            yield f'{label}, {ordinal(place)}', _person(person)
        if len(people) > MAX_SHOWN:
            yield label, f'and {len(people) - MAX_SHOWN} more'


def _person(person: dict[str, Any]) -> str:
    parts = [
        f'{person["name"]} <{person["email"]}>' if person['name'] else person['email']
    ]
    if person.get('harp_id'):
        parts.append(f'{labels.PEOPLE["harp_id"].label} {person["harp_id"]}')
    if person.get('may_post'):
        parts.append('has posting privileges')
    return ', '.join(parts)
