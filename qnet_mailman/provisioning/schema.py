# SPDX-License-Identifier: GPL-3.0-or-later
"""The `list-request` form: what it holds, and everything wrong with one (R29, R30).

The models say what a form is, for pydantic and for the JSON Schema beside this
module (`python -m qnet_mailman.provisioning.schema` prints it).  `validate()`
takes the plain data of a form in any format and either returns it in order or
says all that is wrong with it at once, in the words of the form.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import partial
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)

from qnet_mailman.model.lists import ListType, Mask, Replies, Visibility
from qnet_mailman.provisioning import values

KIND = 'list-request'
MAX_PEOPLE = 200_000
MAX_ERRORS = 500
"""Mistakes that are printed; a file with more is another kind of mistake."""

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class FormError:
    """One mistake in a form.

    :ivar field: Where, in the form's own words; empty for the file as a whole.
    :ivar line: The line of the form; None where it has no lines.
    :ivar message: What was found and what is expected.
    """

    field: str
    line: int | None
    message: str

    def as_dict(self) -> dict[str, Any]:
        """The mistake as plain data."""
        return asdict(self)

    def __str__(self) -> str:
        return f'{self.field}: {self.message}' if self.field else self.message


def in_order(errors: Iterable[FormError]) -> list[FormError]:
    """Mistakes from the top of a form to its end."""
    return sorted(errors, key=lambda error: (error.line is None, error.line or 0))


class FormInvalid(Exception):
    """A form with mistakes.

    :ivar errors: All of them.
    """

    def __init__(self, errors: list[FormError]) -> None:
        super().__init__('\n'.join(map(str, errors)))
        self.errors = errors


@dataclass
class Document:
    """A form as a reader hands it over.

    :ivar data: Mappings, lists, text, whole numbers, booleans and None.
    :ivar lines: The line of every key and list item, by its path.
    :ivar csv_name: The file that the subscribers came from.
    :ivar csv_lines: The line of each of them there.
    """

    data: dict[str, Any]
    lines: dict[Path, int] = field(default_factory=dict)
    csv_name: str = ''
    csv_lines: list[int] = field(default_factory=list)

    def line_of(self, path: Path) -> int | None:
        """The line of a key, or of the nearest thing that holds it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def _line(most: int, *, optional: bool = False) -> BeforeValidator:
    return BeforeValidator(partial(values.line, most=most, optional=optional))


def _text(most: int, *, least: int = 1) -> WithJsonSchema:
    return WithJsonSchema({'type': 'string', 'minLength': least, 'maxLength': most})


def _choice(words: type[StrEnum]) -> BeforeValidator:
    return BeforeValidator(partial(values.choice, words=words))


def _words(words: type[StrEnum]) -> WithJsonSchema:
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
check_threshold = partial(values.whole, least=1, most=100)
check_window = partial(values.whole, least=1, most=365)


class _Section(BaseModel):
    model_config = ConfigDict(extra='forbid', frozen=True)


class Requester(_Section):
    """Who asked for the list."""

    name: Name = Field(description="the requester's name")
    email: Email = Field(description="the requester's e-mail address")
    organization: OptionalName = Field(
        default='', description='the organization the requester belongs to'
    )


class Approver(_Section):
    """Who agreed to it."""

    name: Name = Field(description="the approver's name")
    email: Email = Field(description="the approver's e-mail address")


class Person(_Section):
    """An administrator or moderator (R25)."""

    name: Name = Field(description="the person's name")
    email: Email = Field(description="the person's e-mail address")
    harp_id: OptionalName = Field(default='', description="the person's HARP user ID")
    may_post: Boolean = Field(
        default=False, description='true if the person is to have posting privileges'
    )


class Subscriber(_Section):
    """Somebody who is to be a member from the start."""

    email: Email = Field(description="the subscriber's e-mail address")
    name: OptionalName = Field(default='', description="the subscriber's name")


class Bounces(_Section):
    """When an address that bounces is disabled (R18)."""

    threshold: Annotated[int, BeforeValidator(check_threshold), _number(1, 100)] = (
        Field(default=5, description='points at which delivery is disabled, 1 to 100')
    )
    window_days: Annotated[int, BeforeValidator(check_window), _number(1, 365)] = Field(
        default=7, description='days whose points are added up, 1 to 365'
    )


class Attestations(_Section):
    """What a public list's requester declares; both must be true for one."""

    no_sensitive_information: Boolean = Field(
        default=False, description='true: the list carries no sensitive information'
    )
    security_policies: Boolean = Field(
        default=False,
        description="true: the list is in line with the organization's security "
        'policies',
    )


class ListSection(_Section):
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
    type: Annotated[ListType, _choice(ListType), _words(ListType)] = Field(
        description='notification (one-way) or discussion'
    )
    visibility: Annotated[Visibility, _choice(Visibility), _words(Visibility)] = Field(
        description='public (anybody may join) or private (an administrator approves)'
    )
    mask: Annotated[Mask, _choice(Mask), _words(Mask)] = Field(
        default=Mask.administrators,
        description='whose posts hide their sender: administrators, everyone or off',
    )
    replies: Annotated[Replies, _choice(Replies), _words(Replies)] | None = Field(
        default=None,
        description="what becomes of a member's message: accept, hold or reject "
        '(default: accept on a discussion list; a notification list always rejects)',
    )
    reply_to: OptionalEmail = Field(
        default='', description='the address that answers go to, if not the default'
    )
    bounces: Bounces = Field(default=Bounces(), description='bounce settings')


class ListRequest(_Section):
    """A request for a new mailing list, or for changes of one made by it."""

    form: Annotated[str, WithJsonSchema({'const': KIND})] = Field(description=KIND)
    ticket: Annotated[
        str,
        BeforeValidator(values.ticket),
        WithJsonSchema(
            {'type': 'string', 'pattern': '^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$'}
        ),
    ] = Field(description='the ticket number of the request')
    requester: Requester = Field(description='who asks: name, email, organization')
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

    def content(self) -> str:
        """The form as JSON, with people in a fixed order: what R30 compares."""
        data = self.model_dump(mode='json')
        for roster in ('administrators', 'moderators', 'subscribers'):
            data[roster].sort(key=lambda person: person['email'].lower())
        return json.dumps(data, sort_keys=True)

    def digest(self) -> str:
        """SHA-256 of the content, in hexadecimal."""
        return hashlib.sha256(self.content().encode()).hexdigest()


ROSTERS = ('administrators', 'moderators', 'subscribers')
_NOUNS = {
    'administrators': 'person',
    'moderators': 'person',
    'subscribers': 'subscriber',
}
_MODELS: dict[Path, type[BaseModel]] = {
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
"""The model at each place; a 0 stands for any place in a list."""


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd ..."""
    ending = {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')
    return f'{number}{"th" if number % 100 in (11, 12, 13) else ending}'


def _model_at(path: Path) -> type[BaseModel]:
    return _MODELS[tuple(0 if isinstance(step, int) else step for step in path)]


def _expected_at(path: Path) -> str:
    if path and isinstance(path[-1], int):
        keys = ', '.join(_model_at(path).model_fields)
        return f'a section with the keys {keys}'
    return _model_at(path[:-1]).model_fields[str(path[-1])].description or ''


class _Mistakes:
    """Gathers what is wrong with one document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._seen: dict[tuple[Path, str], FormError] = {}

    def add(self, path: Path, message: str) -> None:
        self._seen.setdefault(
            (path, message),
            FormError(self._words(path), self._document.line_of(path), message),
        )

    def found(self, path: Path, value: object, expected: str) -> None:
        self.add(path, f'found {values.found(value)}; expected {expected}')

    def _words(self, path: Path) -> str:
        words = []
        for before, step in zip(('', *path), path, strict=False):
            if not isinstance(step, int):
                words.append(values.found(step).strip('"'))
            elif before == 'subscribers' and self._document.csv_name:
                line = self._document.csv_lines[step]
                words.append(f'{self._document.csv_name} line {line}')
            else:
                words.append(f'{ordinal(step + 1)} {_NOUNS[str(before)]}')
        return ', '.join(words)

    def errors(self) -> list[FormError]:
        """All mistakes, from the top of the form to its end."""
        found = in_order(self._seen.values())
        if len(found) <= MAX_ERRORS:
            return found
        more = FormError('', None, f'and {len(found) - MAX_ERRORS} more mistakes')
        return [*found[:MAX_ERRORS], more]


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
    mistakes = _Mistakes(document)
    # A key with nothing behind it is one that was left empty in an empty form.
    data = _without_nothing(document.data) or {}
    form = None
    try:
        form = ListRequest.model_validate(data)
    except ValidationError as invalid:
        for mistake in invalid.errors(include_url=False):
            _translate(mistake, mistakes)
    for check in _CHECKS:
        for path, message in check(data):
            mistakes.add(path, message)
    if approver_required and 'approver' not in data:
        mistakes.add(
            ('approver',),
            'is missing; expected who approved the request (name, email): this site '
            'requires it',
        )
    section = _section(data, 'list')
    for path, message in _own_address(data, _address_of(section, default_domain)):
        mistakes.add(path, message)
    errors = mistakes.errors()
    if errors or form is None:
        raise FormInvalid(errors)
    replies = form.list.replies
    if replies is None:
        replies = default_replies(form.list.type)
    address = _address_of({'name': form.list.name}, default_domain)
    whole = form.list.model_copy(update={'name': address, 'replies': replies})
    return form.model_copy(update={'list': whole})


def placed(
    problems: Iterable[tuple[Path, str]], document: Document | None
) -> list[FormError]:
    """Problems by path as mistakes in the form's words.

    :param document: The form that they are in; without it they have no lines.
    """
    mistakes = _Mistakes(document or Document({}))
    for path, message in problems:
        mistakes.add(path, message)
    return mistakes.errors()


def default_replies(list_type: ListType) -> Replies:
    """What becomes of members' messages where a form does not say (R3, R4)."""
    return Replies.accept if list_type is ListType.discussion else Replies.reject


def _without_nothing(data: Any) -> Any:
    """Without what was left empty: keys, sections, and people at a list's end.

    Empty people elsewhere stay, as the places of those behind them are needed.
    """
    if isinstance(data, dict):
        filled = {key: _without_nothing(value) for key, value in data.items()}
        return {key: value for key, value in filled.items() if value is not None} or (
            None if data else data
        )
    if isinstance(data, list):
        items = [_without_nothing(item) for item in data]
        while items and items[-1] is None:
            items.pop()
        return items
    return data


def _translate(mistake: Any, mistakes: _Mistakes) -> None:
    path = tuple(mistake['loc'])
    kind = mistake['type']
    if kind == 'extra_forbidden':
        keys = list(_model_at(path[:-1]).model_fields)
        close = difflib.get_close_matches(str(path[-1]), keys, n=1, cutoff=0.5)
        hint = f'did you mean "{close[0]}"? ' if close else ''
        mistakes.add(
            path, f'is not a key of this form; {hint}known are {", ".join(keys)}'
        )
    elif kind == 'missing':
        mistakes.add(path, f'is missing; expected {_expected_at(path)}')
    elif kind == 'too_short' and mistake['input']:
        # Counted without the people who have mistakes of their own.
        return
    elif kind == 'value_error':
        mistakes.found(path, mistake['input'], str(mistake['ctx']['error']))
    else:
        # A scalar where a section or list belongs, or the reverse, or an empty list.
        mistakes.found(path, mistake['input'], _expected_at(path))


def _section(data: dict[str, Any], key: str) -> dict[str, Any]:
    section = data.get(key)
    return section if isinstance(section, dict) else {}


Checks = Iterator[tuple[Path, str]]


def _kind(data: dict[str, Any]) -> Checks:
    if 'form' in data and data['form'] != KIND:
        yield ('form',), f'found {values.found(data["form"])}; expected {KIND}'


def _conflicting_settings(data: dict[str, Any]) -> Checks:
    section = _section(data, 'list')
    for key, message in conflicts(section):
        yield ('list', key), message


def conflicts(section: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Settings of a list that do not go together.

    :param section: Keys and values as in a form's `list`.
    :return: Key and message of each.
    """
    if _word(section.get('type')) != ListType.notification:
        return
    replies = _word(section.get('replies'))
    if replies in (Replies.accept, Replies.hold):
        yield (
            'replies',
            f'found "{replies}"; expected reject: on a notification list only people '
            'with posting privileges write, and messages of all others are rejected',
        )


def _word(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) else ''


def _attestations(data: dict[str, Any]) -> Checks:
    if _word(_section(data, 'list').get('visibility')) != Visibility.public:
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
    name = name.strip().lower()
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
    _kind,
    _conflicting_settings,
    _attestations,
    _repeated,
    _too_many,
)
"""What concerns several values; looked at even where single values are wrong."""


def json_schema() -> dict[str, Any]:
    """The form as JSON Schema (draft 2020-12)."""
    schema = ListRequest.model_json_schema()
    schema['$schema'] = 'https://json-schema.org/draft/2020-12/schema'
    schema['title'] = 'QualityNet Mailer list request'
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
    return json.dumps(json_schema(), indent=2) + '\n'


if __name__ == '__main__':
    print(json_schema_text(), end='')
