# SPDX-License-Identifier: GPL-3.0-or-later
"""What a form asks, as core says it (R29): the web side has no copy of its rules.

It changes with a new version at most, so core is asked once an hour, for all web
processes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache

from qnet_mailman.web import core
from qnet_mailman.web.request_forms.files import LIFETIME

YES_NO = ['yes', 'no']


@dataclass(frozen=True)
class Choice:
    """One of the answers that a question offers.

    :ivar word: What the form has for it.
    """

    word: str
    label: str
    help: str


@dataclass(frozen=True)
class Question:
    """One field of a form.

    :ivar path: Its place in the form, with dots; of a person, with a 0 for each.
    :ivar most: The most characters, or the largest number; None where it has no such.
    """

    path: str
    label: str
    help: str
    choices: tuple[Choice, ...]
    required: bool
    default: str
    most: int | None

    @property
    def is_yes_no(self) -> bool:
        """Whether it is answered with yes or no."""
        return [choice.word for choice in self.choices] == YES_NO

    def shown(self, answer: str) -> str:
        """An answer as people read it."""
        labels = {choice.word: choice.label for choice in self.choices}
        return labels.get(answer, answer)


@dataclass(frozen=True)
class Form:
    """All that a kind of form asks.

    :ivar questions: By path, but for those about people in lists.
    :ivar people: Those about each person, by the list's name and the last step of
        the path.
    :ivar most_people: In a list of administrators, or of moderators.
    :ivar most_rows: Of a file with subscribers.
    """

    kind: str
    title: str
    questions: Mapping[str, Question]
    people: Mapping[str, Mapping[str, Question]]
    most_people: int
    most_rows: int


def of(kind: str) -> Form:
    """What a kind of form asks.

    :param kind: One of core's kinds.
    :raises Http404: where core has no such.
    :raises CoreUnavailable: where core has to be asked and does not say.
    """
    path = f'forms/web/questions/{kind}'
    key = f'qnet-{path}'
    fields = cache.get(key)
    if fields is None:
        fields = dict(core.found(core.get(path)))
        cache.set(key, fields, LIFETIME)
    return read(fields)


def read(fields: Mapping[str, Any]) -> Form:
    """What core said.

    :param fields: Its answer.
    """
    people = {
        roster: {each['path'].rpartition('.')[2]: _question(each) for each in asked}
        for roster, asked in fields['people'].items()
    }
    return Form(
        fields['kind'],
        fields['title'],
        {each['path']: _question(each) for each in fields['fields']},
        people,
        fields['most_people'],
        fields['most_rows'],
    )


def _question(fields: Mapping[str, Any]) -> Question:
    return Question(
        fields['path'],
        fields['label'],
        fields['help'],
        tuple(
            Choice(each['word'], each['label'], each['help'])
            for each in fields['choices']
        ),
        fields['required'],
        fields['default'],
        fields['most'],
    )
