# SPDX-License-Identifier: GPL-3.0-or-later
"""The `list-closure` form: a list that nobody needs any more (R29).

`python -m qnet_mailman.forms.list_closure` prints the JSON Schema beside this
module.  Whether the list is there, and whether the requester may ask for it, only the
plan can tell.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from qnet_mailman.forms.mistakes import Document, Sections
from qnet_mailman.forms.schema import (
    ABOUT_LIST,
    ABOUT_REASON,
    LIST_CLOSURE,
    Boolean,
    Form,
    ListReference,
    Reason,
    Requester,
    as_text,
    kind,
    one_of,
    published,
    read_form,
    whole_address,
    words_of,
)
from qnet_mailman.values import Closing


class ListClosure(Form):
    """A request to close a list."""

    form: str = kind(LIST_CLOSURE)
    list: ListReference = Field(description=ABOUT_LIST)
    action: Annotated[Closing, one_of(Closing), words_of(Closing)] = Field(
        description='archive (closed, the archive stays) or delete'
    )
    tell_members: Boolean = Field(
        description='true if the members are to be told that the list is closed'
    )
    reason: Reason = Field(default='', description=ABOUT_REASON)

    @property
    def list_address(self) -> str:
        """The address of the list that is to be closed."""
        return self.list


SECTIONS: Sections = {(): ListClosure, ('requester',): Requester}


def validate(document: Document, *, default_domain: str) -> ListClosure:
    """A form's data in order.

    :param document: What a reader made of the file.
    :param default_domain: The domain of a list that is named without one.
    :return: The form; its list is the whole address.
    :raises FormInvalid: with every mistake.
    """
    form = read_form(ListClosure, SECTIONS, document, LIST_CLOSURE)
    address = whole_address(form.list, default_domain)
    return form.model_copy(update={'list': address})


def json_schema() -> dict[str, Any]:
    """The form as JSON Schema (draft 2020-12)."""
    return published(ListClosure, 'list closure')


def json_schema_text() -> str:
    """The JSON Schema as the file beside this module holds it."""
    return as_text(json_schema())


if __name__ == '__main__':
    print(json_schema_text(), end='')
