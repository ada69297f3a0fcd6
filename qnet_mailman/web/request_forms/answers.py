# SPDX-License-Identifier: GPL-3.0-or-later
"""What is typed into a page, as answers; and answers as a form.  Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.http import QueryDict

from qnet_mailman.web.request_forms.questions import Form
from qnet_mailman.web.request_forms.steps import SUBSCRIBERS, Step, is_asked

#: What a form calls the file with its subscribers.
FILE = 'subscribers.csv'


def typed(step: Step, form: Form, data: QueryDict) -> dict[str, str]:
    """The answers on a page; without what was left empty.

    :param step: The page.
    :param form: What is asked.
    :param data: What was sent.
    """
    found: dict[str, str] = {}
    for path in (*step.paths, *step.folded):
        if path in form.people and path != SUBSCRIBERS:
            found |= _people(path, form, data)
        else:
            found[path] = data.get(path, '').strip()
    return {path: answer for path, answer in found.items() if answer}


def _people(roster: str, form: Form, data: QueryDict) -> dict[str, str]:
    """People, numbered anew: who was emptied is gone."""
    keys = tuple(form.people[roster])
    pattern = re.compile(rf'{roster}\.(\d{{1,4}})\.({"|".join(keys)})')
    rows: dict[int, dict[str, str]] = {}
    for name in data:
        match = pattern.fullmatch(name)
        answer = data.get(name, '').strip()
        if match and answer:
            rows.setdefault(int(match[1]), {})[match[2]] = answer
    # Somebody who has nothing but a tick is nobody.
    people = [
        row
        for _place, row in sorted(rows.items())
        if any(not form.people[roster][key].is_yes_no for key in row)
    ]
    return {
        f'{roster}.{place}.{key}': answer
        for place, row in enumerate(people)
        for key, answer in row.items()
    }


def without(step: Step, answers: Mapping[str, str]) -> dict[str, str]:
    """Answers without those of a page."""
    return {
        path: answer
        for path, answer in answers.items()
        if not any(
            path == each or path.startswith(f'{each}.')
            for each in (*step.paths, *step.folded)
        )
    }


def rows_of(roster: str, answers: Mapping[str, str]) -> int:
    """How many people of a list there are."""
    places = (
        int(path.split('.')[1]) for path in answers if path.startswith(f'{roster}.')
    )
    return max(places, default=-1) + 1


def as_form(form: Form, answers: Mapping[str, str], *, has_file: bool = False) -> str:
    """Answers as a form in JSON; without what is not asked any more.

    :param form: What is asked.
    :param answers: By path.
    :param has_file: Whether its subscribers are in a file beside it.
    """
    data: dict[str, Any] = {'form': form.kind}
    for path, question in form.questions.items():
        section, dot, _key = path.partition('.')
        if dot and question.required:
            # There, so that what is missing is told field by field.
            data.setdefault(section, {})
    for path, answer in answers.items():
        if path != SUBSCRIBERS and is_asked(path, answers):
            _put(data, path.split('.'), answer)
    if has_file:
        data[SUBSCRIBERS] = FILE
    return json.dumps(data)


def _put(data: dict[str, Any], steps: list[str], answer: str) -> None:
    if len(steps) == 3 and steps[1].isdigit():
        people = data.setdefault(steps[0], [])
        while len(people) <= int(steps[1]):
            people.append({})
        people[int(steps[1])][steps[2]] = answer
        return
    for step in steps[:-1]:
        data = data.setdefault(step, {})
    data[steps[-1]] = answer


def field_of(path: Iterable[str | int], fields: Iterable[str]) -> str | None:
    """At which field a mistake is told; None where it is at none of them.

    :param path: The place of the mistake in the form.
    :param fields: The names of the fields, in the order of the page.
    """
    name = '.'.join(map(str, path))
    known = list(fields)
    if name in known:
        return name
    for field in known:
        # A part of what the field holds, or a section that is not there at all.
        if name.startswith(f'{field}.') or field.startswith(f'{name}.'):
            return field
    return None
