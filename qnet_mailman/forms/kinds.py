# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of request forms: what is known of each before a site is looked at (R29).

A further kind costs a word in `schema.py`, its own file, and a row here and in
`provisioning/kinds.py`, which says what becomes of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qnet_mailman.forms import (
    administrator_request,
    blank,
    list_closure,
    schema,
    threshold_change,
)
from qnet_mailman.forms.administrator_request import AdministratorRequest
from qnet_mailman.forms.list_closure import ListClosure
from qnet_mailman.forms.mistakes import Document, Sections
from qnet_mailman.forms.schema import ListRequest
from qnet_mailman.forms.threshold_change import ThresholdChange
from qnet_mailman.settings import Settings

AnyForm = ListRequest | AdministratorRequest | ThresholdChange | ListClosure

Validate = Callable[[Document, Settings], AnyForm]


@dataclass(frozen=True)
class Kind:
    """A kind of form.

    :ivar model: What a valid one is.
    :ivar sections: The models of its parts, for their fields and explanations.
    :ivar validate: Checks one; raises `FormInvalid` with everything that is wrong.
    :ivar yaml: An empty one, with explanations.
    :ivar json: An empty one.
    :ivar json_schema: The published schema.
    """

    model: type[AnyForm]
    sections: Sections
    validate: Validate
    yaml: str
    json: Callable[[], str]
    json_schema: Callable[[], str]

    def empty(self, text_format: str) -> str:
        """An empty form as `yaml` or `json`, or its `json-schema`."""
        match text_format:
            case 'yaml':
                return self.yaml
            case 'json':
                return self.json()
            case _:
                return self.json_schema()


def _in_domain(validate: Callable[..., AnyForm]) -> Validate:
    """A check that needs of the settings only where a name without a domain is."""
    return lambda document, settings: validate(document, default_domain=settings.domain)


KINDS: dict[str, Kind] = {
    schema.KIND: Kind(
        ListRequest,
        schema.SECTIONS,
        lambda document, settings: schema.validate(
            document,
            default_domain=settings.domain,
            approver_required=settings.approver_required,
        ),
        blank.LIST_REQUEST_YAML,
        blank.list_request,
        schema.json_schema_text,
    ),
    schema.ADMINISTRATOR_REQUEST: Kind(
        AdministratorRequest,
        administrator_request.SECTIONS,
        _in_domain(administrator_request.validate),
        blank.ADMINISTRATOR_REQUEST_YAML,
        blank.administrator_request,
        administrator_request.json_schema_text,
    ),
    schema.THRESHOLD_CHANGE: Kind(
        ThresholdChange,
        threshold_change.SECTIONS,
        _in_domain(threshold_change.validate),
        blank.THRESHOLD_CHANGE_YAML,
        blank.threshold_change,
        threshold_change.json_schema_text,
    ),
    schema.LIST_CLOSURE: Kind(
        ListClosure,
        list_closure.SECTIONS,
        _in_domain(list_closure.validate),
        blank.LIST_CLOSURE_YAML,
        blank.list_closure,
        list_closure.json_schema_text,
    ),
}
