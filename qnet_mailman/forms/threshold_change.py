# SPDX-License-Identifier: GPL-3.0-or-later
"""The `threshold-change` form: when a list disables addresses that bounce (R21, R29).

`python -m qnet_mailman.forms.threshold_change` prints the JSON Schema
beside this module.  Whether the list is there, only the plan can tell.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from qnet_mailman.forms.mistakes import Document, Sections
from qnet_mailman.forms.schema import (
    ABOUT_LIST,
    ABOUT_REASON,
    ABOUT_THRESHOLD,
    ABOUT_WINDOW,
    THRESHOLD_CHANGE,
    Checks,
    Form,
    ListReference,
    Reason,
    Requester,
    Section,
    Threshold,
    WindowDays,
    as_text,
    kind,
    published,
    read_form,
    whole_address,
)
from qnet_mailman.values import found

_WANTED = 'what is to change: threshold, window_days or both'


class NewBounces(Section):
    """What is to change; what is left out stays as it is (R18)."""

    threshold: Threshold | None = Field(default=None, description=ABOUT_THRESHOLD)
    window_days: WindowDays | None = Field(default=None, description=ABOUT_WINDOW)


class ThresholdChange(Form):
    """A request to change when a list disables addresses that bounce."""

    form: str = kind(THRESHOLD_CHANGE)
    list: ListReference = Field(description=ABOUT_LIST)
    bounces: NewBounces = Field(description=_WANTED)
    reason: Reason = Field(default='', description=ABOUT_REASON)

    @property
    def list_address(self) -> str:
        """The address of the list that is to change."""
        return self.list


SECTIONS: Sections = {
    (): ThresholdChange,
    ('requester',): Requester,
    ('bounces',): NewBounces,
}


def validate(document: Document, *, default_domain: str) -> ThresholdChange:
    """A form's data in order.

    :param document: What a reader made of the file.
    :param default_domain: The domain of a list that is named without one.
    :return: The form; its list is the whole address.
    :raises FormInvalid: with every mistake.
    """
    form = read_form(ThresholdChange, SECTIONS, document, THRESHOLD_CHANGE, _nothing)
    address = whole_address(form.list, default_domain)
    return form.model_copy(update={'list': address})


def _nothing(data: dict[str, Any], _form: ThresholdChange | None) -> Checks:
    if data.get('bounces') == {}:
        yield ('bounces',), f'found {found({})}; expected {_WANTED}'


def json_schema() -> dict[str, Any]:
    """The form as JSON Schema (draft 2020-12)."""
    schema = published(ThresholdChange, 'threshold change')
    schema['$defs']['NewBounces']['minProperties'] = 1
    return schema


def json_schema_text() -> str:
    """The JSON Schema as the file beside this module holds it."""
    return as_text(json_schema())


if __name__ == '__main__':
    print(json_schema_text(), end='')
