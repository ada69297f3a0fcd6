# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands on a page of questions: pure, for the templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qnet_mailman.web.request_forms.answers import rows_of
from qnet_mailman.web.request_forms.asking import MAX_SHOWN, Mistake
from qnet_mailman.web.request_forms.questions import Form, Question
from qnet_mailman.web.request_forms.steps import (
    ONLY_IF,
    SUBSCRIBERS,
    Step,
    steps_of,
)

#: What a browser may fill in by itself (WCAG 2.1, success criterion 1.3.5).
_AUTOCOMPLETE = {
    'requester.name': 'name',
    'requester.email': 'email',
    'requester.organization': 'organization',
}
#: Answers of several lines.
_AREAS = ('reason', 'lists', SUBSCRIBERS)


@dataclass(frozen=True)
class Field:
    """A question with its answer.

    :ivar widget: ``line``, ``email``, ``number``, ``area``, ``choice`` or ``tick``.
    :ivar mistakes: What to correct.
    """

    name: str
    question: Question
    widget: str
    answer: str
    mistakes: tuple[Mistake, ...] = ()

    @property
    def autocomplete(self) -> str:
        """What the browser may fill in."""
        return _AUTOCOMPLETE.get(self.name, 'off')

    @property
    def is_optional(self) -> bool:
        """Whether it may be left empty; nobody says so of what is asked at times."""
        return not self.question.required and self.name not in ONLY_IF

    @property
    def chosen(self) -> str:
        """The word of the choice that is made."""
        if self.answer or self.question.is_yes_no:
            return self.answer
        return self.question.default

    @property
    def described_by(self) -> str:
        """The IDs of what a screen reader reads after the label."""
        parts = [f'{self.name}-mistake'] * bool(self.mistakes)
        parts += [f'{self.name}-help'] * bool(self.question.help)
        return ' '.join(parts)

    @property
    def target(self) -> str:
        """The ID to which a link to the field leads."""
        if self.widget == 'choice':
            return f'{self.name}-{self.question.choices[0].word}'
        return self.name

    @property
    def more_mistakes(self) -> int:
        """How many mistakes are not shown."""
        return max(len(self.mistakes) - MAX_SHOWN, 0)

    @property
    def shown_mistakes(self) -> tuple[Mistake, ...]:
        """Those that are shown."""
        return self.mistakes[:MAX_SHOWN]


@dataclass(frozen=True)
class Row:
    """One person.

    :ivar number: From 1.
    """

    number: int
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Page:
    """A step as it is shown."""

    fields: tuple[Field, ...] = ()
    folded: tuple[Field, ...] = ()
    rows: tuple[Row, ...] = ()

    @property
    def every(self) -> tuple[Field, ...]:
        """All fields, in order."""
        of_rows = (field for row in self.rows for field in row.fields)
        return (*self.fields, *of_rows, *self.folded)

    @property
    def mistaken(self) -> tuple[Field, ...]:
        """Those with something to correct."""
        return tuple(field for field in self.every if field.mistakes)

    @property
    def is_unfolded(self) -> bool:
        """Whether what is folded away is open."""
        return any(
            field.mistakes or field.answer not in ('', field.question.default)
            for field in self.folded
        )


def _widget(name: str, question: Question) -> str:
    key = name.rpartition('.')[2]
    if question.is_yes_no and name.count('.') == 2:
        return 'tick'
    if question.choices:
        return 'choice'
    if key in ('email', 'reply_to'):
        return 'email'
    if key in ('threshold', 'window_days'):
        return 'number'
    return 'area' if name in _AREAS else 'line'


def _subscribers(form: Form) -> Question:
    return Question(
        SUBSCRIBERS,
        'Paste their addresses',
        'One in each line, such as name@example.gov, or with a comma and the name '
        f'behind it. At most {form.most_rows:,}, here or in a file.',
        (),
        False,
        '',
        None,
    )


def page_of(
    step: Step,
    form: Form,
    answers: Mapping[str, str],
    mistakes: Mapping[str, Sequence[Mistake]],
    *,
    one_more: bool = False,
) -> Page:
    """A step as it is shown.

    :param step: The step.
    :param form: What is asked.
    :param answers: The answers there are.
    :param mistakes: By field.
    :param one_more: Whether there is to be an empty row for a person.
    """

    def field(name: str, question: Question) -> Field:
        return Field(
            name,
            question,
            _widget(name, question),
            answers.get(name, ''),
            tuple(mistakes.get(name, ())),
        )

    if step.paths[0] in form.people and step.paths[0] != SUBSCRIBERS:
        roster = step.paths[0]
        count = rows_of(roster, answers)
        rows = (
            Row(
                place + 1,
                tuple(
                    field(f'{roster}.{place}.{key}', question)
                    for key, question in form.people[roster].items()
                ),
            )
            for place in range(max(count + one_more, 1))
        )
        return Page(rows=tuple(rows))
    known = {**form.questions, SUBSCRIBERS: _subscribers(form)}
    return Page(
        tuple(field(path, known[path]) for path in step.asked(answers)),
        tuple(field(path, known[path]) for path in step.folded),
    )


def names_of(step: Step, form: Form, answers: Mapping[str, str]) -> list[str]:
    """The names of the fields of a step: where its mistakes are told."""
    return [field.name for field in page_of(step, form, answers, {}).every]


@dataclass(frozen=True)
class Answered:
    """A step on the page that shows all answers.

    :ivar lines: Label and answer of each question.
    """

    step: Step
    lines: tuple[tuple[str, str], ...]


def summary_of(
    form: Form, answers: Mapping[str, str], file_name: str = ''
) -> list[Answered]:
    """All answers, by step.

    :param form: What is asked.
    :param answers: The answers.
    :param file_name: That of a file of subscribers; empty where there is none.
    """
    return [
        Answered(step, tuple(_lines(step, form, answers, file_name)))
        for step in steps_of(form.kind, answers)
    ]


def _lines(
    step: Step, form: Form, answers: Mapping[str, str], file_name: str
) -> list[tuple[str, str]]:
    if step.paths == (SUBSCRIBERS,):
        pasted = len(answers.get(SUBSCRIBERS, '').splitlines())
        text = f'{pasted} line{"s" * (pasted != 1)}, pasted' if pasted else 'none'
        lines = [('Who is subscribed from the start', file_name or text)]
    elif step.paths[0] in form.people:
        lines = _people(step.paths[0], form, answers)
    else:
        lines = [_line(form.questions[path], answers) for path in step.asked(answers)]
    return lines + [_line(form.questions[path], answers) for path in step.folded]


def _line(question: Question, answers: Mapping[str, str]) -> tuple[str, str]:
    answer = answers.get(question.path) or question.default
    return question.label, question.shown(answer) or 'not answered'


def _people(
    roster: str, form: Form, answers: Mapping[str, str]
) -> list[tuple[str, str]]:
    lines = []
    for place in range(rows_of(roster, answers)):
        said = [
            f'{question.label}: {question.shown(answer)}'
            if question.choices or key == 'harp_id'
            else answer
            for key, question in form.people[roster].items()
            if (answer := answers.get(f'{roster}.{place}.{key}'))
        ]
        lines.append((f'{place + 1}.', ', '.join(said)))
    return lines or [('', 'nobody')]
