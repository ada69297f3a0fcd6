# SPDX-License-Identifier: GPL-3.0-or-later
"""The `administrator-request` form: a person is to look after lists (R25, R29).

`python -m qnet_mailman.forms.administrator_request` prints the JSON Schema
beside this module.  Whether the lists are there, and whether the requester may ask for
them, only the plan can tell.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from qnet_mailman.forms.mistakes import Document, Sections
from qnet_mailman.forms.schema import (
    ABOUT_REASON,
    ADMINISTRATOR_REQUEST,
    Boolean,
    Checks,
    Email,
    Form,
    ListReference,
    Name,
    OptionalName,
    Reason,
    Requester,
    Section,
    as_text,
    kind,
    one_of,
    published,
    read_form,
    whole_address,
    words_of,
)
from qnet_mailman.roles.rights import Role
from qnet_mailman.values import found

MAX_LISTS = 200


def _in_parts(value: object) -> object:
    # A cell or a field of a form holds one text.
    if isinstance(value, str):
        return [part for part in re.split(r'\s*[,\n]\s*', value.strip()) if part]
    return value


class Candidate(Section):
    """Who is to look after the lists."""

    name: Name = Field(description="the person's name")
    email: Email = Field(description="the person's e-mail address")
    harp_id: OptionalName = Field(default='', description="the person's HARP user ID")


class AdministratorRequest(Form):
    """A request that a person looks after lists."""

    form: str = kind(ADMINISTRATOR_REQUEST)
    person: Candidate = Field(
        description='who is to look after the lists: name, email, harp_id'
    )
    role: Annotated[Role, one_of(Role), words_of(Role)] = Field(
        default=Role.administrator, description='administrator or moderator'
    )
    lists: Annotated[
        tuple[ListReference, ...],
        BeforeValidator(_in_parts),
        WithJsonSchema(
            {
                'anyOf': [
                    {
                        'type': 'array',
                        'items': {'type': 'string', 'minLength': 1},
                        'minItems': 1,
                        'maxItems': MAX_LISTS,
                    },
                    {'type': 'string', 'minLength': 1},
                ]
            }
        ),
    ] = Field(
        description='the names of the lists, or their whole addresses, with commas '
        f'between them; at most {MAX_LISTS}',
        min_length=1,
        max_length=MAX_LISTS,
    )
    may_post: Boolean = Field(
        default=False, description='true if the person is to have posting privileges'
    )
    reason: Reason = Field(default='', description=ABOUT_REASON)

    @property
    def list_address(self) -> str:
        """The addresses of the lists, with commas between them."""
        return ', '.join(self.lists)

    @property
    def list_addresses(self) -> tuple[str, ...]:
        """The addresses of the lists."""
        return self.lists

    def content(self) -> str:
        """The form as JSON, with lists in a fixed order: what R30 compares."""
        data = self.model_dump(mode='json')
        data['lists'].sort()
        return json.dumps(data, sort_keys=True)


SECTIONS: Sections = {
    (): AdministratorRequest,
    ('requester',): Requester,
    ('person',): Candidate,
}


def validate(document: Document, *, default_domain: str) -> AdministratorRequest:
    """A form's data in order.

    :param document: What a reader made of the file.
    :param default_domain: The domain of lists that are named without one.
    :return: The form; its lists are whole addresses.
    :raises FormInvalid: with every mistake.
    """
    form = read_form(
        AdministratorRequest,
        SECTIONS,
        document,
        ADMINISTRATOR_REQUEST,
        partial(_lists, default_domain=default_domain),
    )
    return form.model_copy(update={'lists': _addresses(form, default_domain)})


def _addresses(form: AdministratorRequest, default_domain: str) -> tuple[str, ...]:
    return tuple(whole_address(name, default_domain) for name in form.lists)


def _lists(
    _data: dict[str, Any], form: AdministratorRequest | None, default_domain: str
) -> Checks:
    if form is None:
        return
    addresses = _addresses(form, default_domain)
    for place, (name, address) in enumerate(zip(form.lists, addresses, strict=True)):
        if address in addresses[:place]:
            yield (
                ('lists', place),
                f'found {found(name)} again; expected each list once',
            )
    if form.person.email.lower() in addresses:
        yield (
            ('person', 'email'),
            f"found a list's own address {form.person.email.lower()}; expected the "
            'address of a person',
        )


def json_schema() -> dict[str, Any]:
    """The form as JSON Schema (draft 2020-12)."""
    return published(AdministratorRequest, 'administrator request')


def json_schema_text() -> str:
    """The JSON Schema as the file beside this module holds it."""
    return as_text(json_schema())


if __name__ == '__main__':
    print(json_schema_text(), end='')
