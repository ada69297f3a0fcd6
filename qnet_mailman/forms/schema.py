# SPDX-License-Identifier: GPL-3.0-or-later
"""The `list-request` form: what it holds, and everything wrong with one (R29, R30).

The models say what a form is, for pydantic and for the JSON Schema beside this
module (`python -m qnet_mailman.forms.schema` prints it).  `validate()`
takes the plain data of a form in any format and either returns it in order or
says all that is wrong with it at once, in the words of the form.  What other
kinds of forms have in common with this one is here, too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)

from qnet_mailman import values
from qnet_mailman.forms.mistakes import (
    Document,
    FormInvalid,
    Mistakes,
    Path,
    Sections,
    read_as,
    without_nothing,
)
from qnet_mailman.values import ListType, Mask, Replies, Visibility

KIND = 'list-request'
ADMINISTRATOR_REQUEST = 'administrator-request'
THRESHOLD_CHANGE = 'threshold-change'
LIST_CLOSURE = 'list-closure'
KINDS = (KIND, ADMINISTRATOR_REQUEST, THRESHOLD_CHANGE, LIST_CLOSURE)
MAX_PEOPLE = 200_000
MAX_REASON = 1000


def _line(most: int, *, optional: bool = False) -> BeforeValidator:
    return BeforeValidator(partial(values.line, most=most, optional=optional))


def _text(most: int, *, least: int = 1) -> WithJsonSchema:
    return WithJsonSchema({'type': 'string', 'minLength': least, 'maxLength': most})


def one_of(words: type[StrEnum]) -> BeforeValidator:
    """One of some words, as a form's writer writes it."""
    return BeforeValidator(partial(values.choice, words=words))


def words_of(words: type[StrEnum]) -> WithJsonSchema:
    """The same for the JSON Schema."""
    return WithJsonSchema({'type': 'string', 'enum': list(words)})


def _number(least: int, most: int) -> WithJsonSchema:
    return WithJsonSchema({'type': 'integer', 'minimum': least, 'maximum': most})


Email = Annotated[
    str,
    BeforeValidator(values.email),
    WithJsonSchema({'type': 'string', 'format': 'email'}),
]
OptionalEmail = Annotated[
    str,
    BeforeValidator(partial(values.email, optional=True)),
    WithJsonSchema({'type': 'string'}),
]
Boolean = Annotated[
    bool, BeforeValidator(values.boolean), WithJsonSchema({'type': 'boolean'})
]
Name = Annotated[str, _line(values.MAX_NAME), _text(values.MAX_NAME)]
OptionalName = Annotated[
    str,
    _line(values.MAX_NAME, optional=True),
    _text(values.MAX_NAME, least=0),
]
Threshold = Annotated[int, BeforeValidator(values.threshold), _number(1, 100)]
WindowDays = Annotated[int, BeforeValidator(values.window), _number(1, 365)]
ABOUT_THRESHOLD = 'points at which delivery is disabled, 1 to 100'
ABOUT_WINDOW = 'days whose points are added up, 1 to 365'
Ticket = Annotated[
    str,
    BeforeValidator(partial(values.ticket, optional=True)),
    WithJsonSchema(
        {'type': 'string', 'pattern': '^([A-Za-z0-9][A-Za-z0-9._/-]{0,99})?$'}
    ),
]
ListReference = Annotated[
    str,
    BeforeValidator(values.list_reference),
    WithJsonSchema({'type': 'string', 'minLength': 1}),
]
Reason = Annotated[
    str,
    BeforeValidator(partial(values.paragraph, most=MAX_REASON)),
    WithJsonSchema({'type': 'string', 'maxLength': MAX_REASON}),
]
ABOUT_LIST = "the list's name, or its whole address"
ABOUT_REASON = 'why, in a few words'


class Section(BaseModel):
    """A part of a form: nothing but the keys that it has."""

    model_config = ConfigDict(extra='forbid', frozen=True)


class Requester(Section):
    """Who asks."""

    name: Name = Field(description="the requester's name")
    email: Email = Field(description="the requester's e-mail address")
    organization: OptionalName = Field(
        default='', description='the organization the requester belongs to'
    )


class Approver(Section):
    """Who agreed to it."""

    name: Name = Field(description="the approver's name")
    email: Email = Field(description="the approver's e-mail address")


class Person(Section):
    """An administrator or moderator (R25)."""

    name: Name = Field(description="the person's name")
    email: Email = Field(description="the person's e-mail address")
    harp_id: OptionalName = Field(default='', description="the person's HARP user ID")
    may_post: Boolean = Field(
        default=False, description='true if the person is to have posting privileges'
    )


class Subscriber(Section):
    """Somebody who is to be a member from the start."""

    email: Email = Field(description="the subscriber's e-mail address")
    name: OptionalName = Field(default='', description="the subscriber's name")


class Bounces(Section):
    """When an address that bounces is disabled (R18)."""

    threshold: Threshold = Field(default=5, description=ABOUT_THRESHOLD)
    window_days: WindowDays = Field(default=7, description=ABOUT_WINDOW)


class Attestations(Section):
    """What a public list's requester declares; both must be true for one."""

    no_sensitive_information: Boolean = Field(
        default=False, description='true: the list carries no sensitive information'
    )
    security_policies: Boolean = Field(
        default=False,
        description="true: the list is in line with the organization's security "
        'policies',
    )


class ListSection(Section):
    """The list itself (R2, R4, R7, R8, R18)."""

    name: Annotated[
        str,
        BeforeValidator(values.list_name),
        WithJsonSchema({'type': 'string', 'minLength': 1}),
    ] = Field(description="the list's name, or its whole address")
    display_name: Annotated[
        str, _line(values.MAX_DISPLAY_NAME), _text(values.MAX_DISPLAY_NAME)
    ] = Field(
        description=f'the name people see, at most {values.MAX_DISPLAY_NAME} characters'
    )
    description: Annotated[
        str, _line(values.MAX_DESCRIPTION), _text(values.MAX_DESCRIPTION)
    ] = Field(
        description='one line for the sign-up page, at most '
        f'{values.MAX_DESCRIPTION} characters'
    )
    type: Annotated[ListType, one_of(ListType), words_of(ListType)] = Field(
        description='notification (one-way) or discussion'
    )
    visibility: Annotated[Visibility, one_of(Visibility), words_of(Visibility)] = Field(
        description='public (anybody may join) or private (an administrator approves)'
    )
    mask: Annotated[Mask, one_of(Mask), words_of(Mask)] = Field(
        default=Mask.administrators,
        description='whose posts hide their sender: administrators, everyone or off',
    )
    replies: Annotated[Replies, one_of(Replies), words_of(Replies)] | None = Field(
        default=None,
        description="what becomes of a member's message: accept, hold or reject "
        '(default: accept on a discussion list; a notification list always rejects)',
    )
    reply_to: OptionalEmail = Field(
        default='', description='the address that answers go to, if not the default'
    )
    bounces: Bounces = Field(default=Bounces(), description='bounce settings')


class Form(Section):
    """What every form has."""

    form: str
    ticket: Ticket = Field(
        default='',
        description='may stay empty: you are told a number for this request; or the '
        'number that your service desk has for it',
    )
    requester: Requester = Field(description='who asks: name, email, organization')

    @property
    def list_address(self) -> str:
        """The address of the list that it is about."""
        raise NotImplementedError

    @property
    def list_addresses(self) -> tuple[str, ...]:
        """The addresses of all lists that it is about."""
        return (self.list_address,)

    def content(self) -> str:
        """The form as JSON, in a fixed order: what R30 compares."""
        return json.dumps(self.model_dump(mode='json'), sort_keys=True)

    def digest(self) -> str:
        """SHA-256 of the content, in hexadecimal."""
        return hashlib.sha256(self.content().encode()).hexdigest()


def kind(word: str) -> Any:
    """The field with the word of a form's kind."""
    return Field(
        description=values.alternatives(KINDS),
        json_schema_extra={'const': word, 'description': word},
    )


class ListRequest(Form):
    """A request for a new mailing list, or for changes of one made by it."""

    form: str = kind(KIND)
    approver: Approver | None = Field(
        default=None, description='who approved the request: name, email'
    )
    list: ListSection = Field(description='the list: name, display_name and so on')
    administrators: tuple[Person, ...] = Field(
        description='a list of at least one person (name, email, harp_id, may_post)',
        min_length=1,
    )
    moderators: tuple[Person, ...] = Field(
        default=(), description='a list of people (name, email, harp_id, may_post)'
    )
    subscribers: tuple[Subscriber, ...] = Field(
        default=(),
        description='a list of subscribers (email, name), or the name of a CSV file '
        'beside the form',
    )
    attestations: Attestations = Field(
        default=Attestations(),
        description='no_sensitive_information and security_policies',
    )

    @property
    def list_address(self) -> str:
        """The address of the list that is to be."""
        return self.list.name

    def content(self) -> str:
        """The form as JSON, with people in a fixed order: what R30 compares."""
        data = self.model_dump(mode='json')
        for roster in ('administrators', 'moderators', 'subscribers'):
            data[roster].sort(key=lambda person: person['email'].lower())
        return json.dumps(data, sort_keys=True)


ROSTERS = ('administrators', 'moderators', 'subscribers')
SECTIONS: Sections = {
    (): ListRequest,
    ('requester',): Requester,
    ('approver',): Approver,
    ('list',): ListSection,
    ('list', 'bounces'): Bounces,
    ('attestations',): Attestations,
    ('administrators', 0): Person,
    ('moderators', 0): Person,
    ('subscribers', 0): Subscriber,
}


def validate(
    document: Document, *, default_domain: str, approver_required: bool = False
) -> ListRequest:
    """A form's data in order.

    :param document: What a reader made of the file.
    :param default_domain: The domain of a list that is named without one.
    :param approver_required: Whether the site wants an approver named.
    :return: The form; its list's name is the whole address.
    :raises FormInvalid: with every mistake.
    """

    def checks(data: dict[str, Any], _form: ListRequest | None) -> Checks:
        for check in _CHECKS:
            yield from check(data)
        if approver_required and 'approver' not in data:
            yield (
                ('approver',),
                'is missing; expected who approved the request (name, email): this '
                'site requires it',
            )
        section = _section(data, 'list')
        yield from _own_address(data, _address_of(section, default_domain))

    form = read_form(ListRequest, SECTIONS, document, KIND, checks)
    replies = form.list.replies
    if replies is None:
        replies = default_replies(form.list.type)
    address = _address_of({'name': form.list.name}, default_domain)
    whole = form.list.model_copy(update={'name': address, 'replies': replies})
    return form.model_copy(update={'list': whole})


def default_replies(list_type: ListType) -> Replies:
    """What becomes of members' messages where a form does not say (R3, R4)."""
    return Replies.accept if list_type is ListType.discussion else Replies.reject


def _section(data: dict[str, Any], key: str) -> dict[str, Any]:
    section = data.get(key)
    return section if isinstance(section, dict) else {}


Checks = Iterator[tuple[Path, str]]
AnyForm = TypeVar('AnyForm', bound=Form)


def _kind_mistakes(data: Mapping[str, Any], word: str) -> Checks:
    """What is wrong with the word of a form's kind.

    :param data: The form's data.
    :param word: The kind that it is read as.
    """
    if 'form' in data and data['form'] != word:
        expected = values.alternatives(KINDS)
        yield ('form',), f'found {values.found(data["form"])}; expected {expected}'


def read_form(
    model: type[AnyForm],
    sections: Sections,
    document: Document,
    word: str,
    *checks: Callable[[dict[str, Any], AnyForm | None], Checks],
) -> AnyForm:
    """A form's data as its model.

    :param model: The model of the form.
    :param sections: The models at its places.
    :param document: What a reader made of the file.
    :param word: The kind that it is read as.
    :param checks: What else can be wrong: each gets the data, without what was left
        empty, and the form unless something is wrong with single values.
    :raises FormInvalid: with every mistake.
    """
    mistakes = Mistakes(document)
    # A key with nothing behind it is one that was left empty in an empty form.
    data = without_nothing(document.data) or {}
    form = read_as(model, sections, data, mistakes)
    for found in (_kind_mistakes(data, word), *(check(data, form) for check in checks)):
        for path, message in found:
            mistakes.add(path, message)
    errors = mistakes.errors()
    if errors or form is None:
        raise FormInvalid(errors)
    return form


def _conflicting_settings(data: dict[str, Any]) -> Checks:
    section = _section(data, 'list')
    for key, message in values.conflicts(section):
        yield ('list', key), message


def _attestations(data: dict[str, Any]) -> Checks:
    if values.word(_section(data, 'list').get('visibility')) != Visibility.public:
        return
    given = data.get('attestations', {})
    if not isinstance(given, dict):
        return
    for key, about in Attestations.model_fields.items():
        said = given.get(key, False)
        try:
            agreed = values.boolean(said)
        except ValueError:
            continue
        if not agreed:
            word = f'found {values.found(said)}' if key in given else 'is missing'
            yield (
                ('attestations', key),
                f'{word}; expected {about.description} (both are needed for a public '
                'list)',
            )


def _people(data: dict[str, Any], roster: str) -> Iterator[tuple[Path, str]]:
    people = data.get(roster)
    for place, person in enumerate(people if isinstance(people, list) else ()):
        email = person.get('email') if isinstance(person, dict) else None
        if isinstance(email, str):
            yield (roster, place, 'email'), email.strip()


def _repeated(data: dict[str, Any]) -> Checks:
    for roster in ROSTERS:
        seen: set[str] = set()
        for path, email in _people(data, roster):
            if email.lower() in seen:
                yield (
                    path,
                    f'found {values.found(email)} again; expected each address once',
                )
            seen.add(email.lower())


def _too_many(data: dict[str, Any]) -> Checks:
    for roster in ROSTERS:
        people = data.get(roster)
        if isinstance(people, list) and len(people) > MAX_PEOPLE:
            yield (
                (roster,),
                f'found {len(people)} people; expected at most {MAX_PEOPLE}',
            )


def _address_of(section: Mapping[str, Any], default_domain: str) -> str:
    name = section.get('name')
    if not isinstance(name, str):
        return ''
    return whole_address(name.strip().lower(), default_domain)


def whole_address(name: str, default_domain: str) -> str:
    """The address of a list that may be named without its domain."""
    return name if '@' in name else f'{name}@{default_domain}'


def _own_address(data: dict[str, Any], address: str) -> Checks:
    for roster in ROSTERS:
        for path, email in _people(data, roster):
            if address and email.lower() == address:
                yield (
                    path,
                    (
                        f"found the list's own address {address}; expected the address "
                        'of a person'
                    ),
                )


_CHECKS: tuple[Callable[[dict[str, Any]], Checks], ...] = (
    _conflicting_settings,
    _attestations,
    _repeated,
    _too_many,
)
"""What concerns several values; looked at even where single values are wrong."""


def published(form: type[Form], name: str) -> dict[str, Any]:
    """A kind of form as JSON Schema (draft 2020-12), as far as its model says it.

    :param name: What it is, for people.
    """
    schema = form.model_json_schema()
    schema['$schema'] = 'https://json-schema.org/draft/2020-12/schema'
    schema['title'] = f'QualityNet Mailer {name}'
    return schema


def as_text(schema: dict[str, Any]) -> str:
    """A JSON Schema as the file beside its module holds it."""
    return json.dumps(schema, indent=2) + '\n'


def json_schema() -> dict[str, Any]:
    """The form as JSON Schema (draft 2020-12)."""
    schema = published(ListRequest, 'list request')
    subscribers = schema['properties']['subscribers']
    people = {key: subscribers.pop(key) for key in ('items', 'type')}
    subscribers['anyOf'] = [people, {'type': 'string', 'pattern': r'\.csv$'}]
    schema['allOf'] = [
        {
            'if': _list_has('visibility', Visibility.public),
            'then': {
                'required': ['attestations'],
                'properties': {
                    'attestations': {
                        'required': list(Attestations.model_fields),
                        'properties': {
                            key: {'const': True} for key in Attestations.model_fields
                        },
                    }
                },
            },
        },
        {
            'if': _list_has('type', ListType.notification),
            'then': {
                'properties': {
                    'list': {
                        'properties': {'replies': {'enum': [Replies.reject, None]}}
                    }
                }
            },
        },
    ]
    return schema


def _list_has(key: str, value: str) -> dict[str, Any]:
    inner = {'properties': {key: {'const': value}}, 'required': [key]}
    return {'properties': {'list': inner}, 'required': ['list']}


def json_schema_text() -> str:
    """The JSON Schema as the file beside this module holds it."""
    return as_text(json_schema())


if __name__ == '__main__':
    print(json_schema_text(), end='')
