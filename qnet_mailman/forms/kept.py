# SPDX-License-Identifier: GPL-3.0-or-later
"""What was found where a form should be, as text: to hand it over, and to keep it.

A form is read once, by a child process (:mod:`.limited`), and never again: whoever
looks at the request later has what was found then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qnet_mailman.forms.kinds import KINDS, AnyForm
from qnet_mailman.forms.mistakes import Document, FormError, FormInvalid, Path


@dataclass(frozen=True)
class Loaded:
    """A valid form, and the file's lines for what is found wrong later."""

    form: AnyForm
    document: Document


def as_text(found: Loaded | FormInvalid) -> str:
    """A form, or what is wrong with it, as JSON."""
    if isinstance(found, FormInvalid):
        return json.dumps({'errors': [error.as_dict() for error in found.errors]})
    document = found.document
    about = {
        'kind': found.form.form,
        'lines': _by_path(document.lines),
        'places': _by_path(document.places),
        'csv_name': document.csv_name,
        'csv_lines': document.csv_lines,
    }
    # The rest of a document is what the form was made of.
    return f'{json.dumps(about)}\n{found.form.model_dump_json()}'


def from_text(text: str) -> Loaded | FormInvalid:
    """What was made text by `as_text()`."""
    head, _newline, form = text.partition('\n')
    about = json.loads(head)
    if 'errors' in about:
        return FormInvalid([_error(**error) for error in about['errors']])
    document = Document(
        {},
        {tuple(path): line for path, line in about['lines']},
        {tuple(path): place for path, place in about['places']},
        about['csv_name'],
        about['csv_lines'],
    )
    return Loaded(KINDS[about['kind']].model.model_validate_json(form), document)


def _error(path: Sequence[str | int] = (), **more: Any) -> FormError:
    return FormError(path=tuple(path), **more)


def _by_path(values: Mapping[Path, Any]) -> list[tuple[Path, Any]]:
    return list(values.items())


@dataclass(frozen=True)
class Found:
    """One form of a file or mail, or what is wrong where one should be.

    :ivar where: Where it is: the file's name, and the row or attachment.
    :ivar kind: This and the next three are empty where there is no valid form.
    :ivar mistakes: How many.
    :ivar text: All of it, as `as_text()` writes it.
    """

    where: str
    text: str
    kind: str = ''
    list_address: str = ''
    ticket: str = ''
    requester: str = ''
    mistakes: int = 0

    @classmethod
    def of(cls, where: str, found: Loaded | FormInvalid) -> Found:
        """What was found in a place."""
        if isinstance(found, FormInvalid):
            return cls(where, as_text(found), mistakes=len(found.errors))
        form = found.form
        return cls(
            where,
            as_text(found),
            form.form,
            form.list_address,
            form.ticket,
            form.requester.email,
        )

    @property
    def form(self) -> Loaded | FormInvalid:
        """The form, or what is wrong."""
        return from_text(self.text)
