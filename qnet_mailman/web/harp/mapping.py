# SPDX-License-Identifier: GPL-3.0-or-later
"""What a provider's claims say about a person (R24): pure, no Django app, no network.

Every provider has its own claims.  :class:`Claims` says where in them the user
ID, the name, the e-mail address and the roles are, in what form the roles come,
and what program, organization and role are called there; :func:`person_from`
reads them.

Claims come from outside.  Whatever is in them, the result is a
:class:`Person` or a :class:`MappingError`, and what cannot be understood gives
nobody a right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from pydantic import BaseModel, ConfigDict, field_validator, model_validator

#: The roles as core knows them.
ADMINISTRATOR = 'administrator'
MODERATOR = 'moderator'

#: More roles than any person has; a longer list is not looked through.
MAX_ROLES = 10_000
#: The longest list of roles in one string, in characters.
MAX_ROLES_TEXT = 200_000
#: The longest user ID and name that are passed on, in characters.
MAX_USER_ID = 190
MAX_NAME = 200
#: RFC 5321, section 4.5.3.1.3, less the angle brackets.
MAX_EMAIL = 254

#: A claim's place: its name, or a dotted path, or the steps of a path.
Place = str | tuple[str, ...]


class MappingError(Exception):
    """The claims are not what the settings say; the text is for operators."""


@dataclass(frozen=True)
class Person:
    """What the provider says about the person who signed in.

    :ivar user_id: The ID that forms name the person by (the HARP ID).
    :ivar email: In lower case; empty where there is none that can be used.
    :ivar email_verified: Whether the provider has checked the address.
    :ivar roles: :data:`ADMINISTRATOR`, :data:`MODERATOR`, both or none.
    """

    user_id: str
    name: str
    email: str
    email_verified: bool
    roles: tuple[str, ...]


class Claims(BaseModel):
    """Where a provider's claims are, and how its roles are matched.

    The defaults are R24's names and the standard claims (OpenID Connect Core,
    section 5.1).  A place such as ``realm_access.roles`` leads into nested
    objects; a claim whose own name has dots is found by it first.
    """

    model_config = ConfigDict(extra='forbid', frozen=True, str_min_length=0)

    user_id: Place = 'sub'
    name: Place = 'name'
    email: Place = 'email'
    email_verified: Place = 'email_verified'
    roles: Place = 'roles'
    #: ``objects``: a list of objects; ``strings``: a list of strings; ``delimited``:
    #: one string.  One object or string alone is a list of one: LemonLDAP::NG 2.16
    #: and AD FS write a claim with one value so, and with two as a list.
    roles_form: Literal['objects', 'strings', 'delimited'] = 'objects'
    #: Between the roles of a delimited string.
    delimiter: str = ','
    #: Between program, organization and role in a string; '' where a string is
    #: the role alone.
    separator: str = '/'
    #: The keys of an object.
    program_key: str = 'program'
    organization_key: str = 'organization'
    role_key: str = 'role'
    #: Accepted names; () does not look at the program or the organization.
    program: tuple[str, ...] = ('QualityNet Workspace',)
    organization: tuple[str, ...] = ('QualityNet Mailer',)
    administrator: tuple[str, ...] = ('List Administrator',)
    moderator: tuple[str, ...] = ('List Moderator',)
    ignore_case: bool = True

    @field_validator(
        'program', 'organization', 'administrator', 'moderator', mode='before'
    )
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator('program', 'organization', 'administrator', 'moderator')
    @classmethod
    def _no_blank(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(name.strip() for name in value):
            raise ValueError('a name is blank; write () to accept every name')
        return value

    @model_validator(mode='after')
    def _can_match(self) -> Claims:
        if not self.administrator and not self.moderator:
            raise ValueError('no role is named: nobody could administer a list')
        if set(self._keys(self.administrator)) & set(self._keys(self.moderator)):
            raise ValueError('administrator and moderator have a name in common')
        if self.roles_form == 'delimited' and not self.delimiter:
            raise ValueError('delimiter is empty')
        if (
            self.roles_form != 'objects'
            and not self.separator
            and (self.program or self.organization)
        ):
            raise ValueError(
                'without a separator a string is the role alone: '
                'program and organization must be ()'
            )
        return self

    def _key(self, name: str) -> str:
        """A name as it is compared: spaces around and inside do not matter."""
        key = ' '.join(name.split())
        return key.casefold() if self.ignore_case else key

    def _keys(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self._key(name) for name in names)

    def role_of(self, program: Any, organization: Any, role: Any) -> str | None:
        """Which of our roles this is, if any.

        :param program: What the claim gives as the program, of any type.
        :param organization: The organization, likewise.
        :param role: The role, likewise.
        """
        for value, accepted in (
            (program, self.program),
            (organization, self.organization),
        ):
            if accepted and (
                not isinstance(value, str)
                or self._key(value) not in self._keys(accepted)
            ):
                return None
        if not isinstance(role, str):
            return None
        key = self._key(role)
        if key in self._keys(self.administrator):
            return ADMINISTRATOR
        if key in self._keys(self.moderator):
            return MODERATOR
        return None


def look_up(source: Mapping[str, Any], place: Place) -> Any:
    """The claim at a place; None where there is none.

    :param source: The claims.
    :param place: Where to look; a name with dots is tried as it stands first.
    """
    if isinstance(place, str):
        if place in source:
            return source[place]
        place = tuple(place.split('.'))
    value: Any = source
    for step in place:
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


def person_from(claims: Claims, *sources: Mapping[str, Any]) -> Person:
    """Read the claims.

    :param claims: Where they are.
    :param sources: What the provider said, the most telling first: a claim is
        taken from the first source that has it.
    :raises MappingError: where there is no user ID, or the roles are not in the
        form that the settings name.  (Roles that are just absent are no roles.)
    """

    def first(place: Place) -> Any:
        found = (look_up(source, place) for source in sources)
        return next((value for value in found if value is not None), None)

    # Whether an address is verified is said where the address is said: a yes
    # from one source must not vouch for the address of another.
    email, verified = '', False
    for source in sources:
        if (value := look_up(source, claims.email)) is not None:
            email = _email(value)
            # Section 5.1: a JSON boolean.  The string "false" is true in Python.
            verified = bool(email) and look_up(source, claims.email_verified) is True
            break
    return Person(
        user_id=_user_id(first(claims.user_id), claims.user_id),
        name=_line(first(claims.name), MAX_NAME),
        email=email,
        email_verified=verified,
        roles=roles_from(claims, first(claims.roles)),
    )


def _line(value: Any, limit: int) -> str:
    """A text in one line; empty where it is none or has odd characters."""
    if not isinstance(value, str) or len(value) > 10 * limit:
        return ''
    text = ' '.join(value.split())
    return text[:limit] if text.isprintable() else ''


def _user_id(value: Any, place: Place) -> str:
    # A bool is an int to Python.
    if isinstance(value, int) and not isinstance(value, bool):
        # Python refuses to write a number of more than 4,300 digits.
        value = str(value) if abs(value) < 10**MAX_USER_ID else ''
    text = _line(value, MAX_USER_ID)
    if not text or text != value.strip():
        raise MappingError(f'no usable user ID at {place!r}')
    return text


def _email(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_EMAIL or not value.isprintable():
        return ''
    email = value.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        return ''
    return email


def roles_from(claims: Claims, value: Any) -> tuple[str, ...]:
    """Our roles among those of a claim.

    :param claims: Their form and names.
    :param value: The claim; None is no roles.
    :raises MappingError: where it is not in that form.
    """
    if value is None:
        return ()
    if claims.roles_form == 'delimited':
        if not isinstance(value, str) or len(value) > MAX_ROLES_TEXT:
            raise MappingError(
                f'the roles at {claims.roles!r} are not one string of a sensible length'
            )
        value = value.split(claims.delimiter)
    elif isinstance(value, dict if claims.roles_form == 'objects' else str):
        value = [value]
    elif not isinstance(value, list):
        raise MappingError(
            f'the roles at {claims.roles!r} are neither a list nor one of the '
            f'{claims.roles_form}, but of the type {type(value).__name__}'
        )
    if len(value) > MAX_ROLES:
        raise MappingError(f'more than {MAX_ROLES} roles')
    found = {
        role
        for parts in _triples(claims, value)
        if (role := claims.role_of(*parts)) is not None
    }
    return tuple(sorted(found))


def _triples(claims: Claims, entries: list[Any]) -> Iterator[tuple[Any, Any, Any]]:
    """Program, organization and role of each entry that has them."""
    for entry in entries:
        if claims.roles_form == 'objects':
            if isinstance(entry, Mapping):
                yield (
                    look_up(entry, claims.program_key),
                    look_up(entry, claims.organization_key),
                    look_up(entry, claims.role_key),
                )
        elif isinstance(entry, str):
            if not claims.separator:
                yield None, None, entry
                continue
            parts = entry.split(claims.separator)
            if len(parts) == 3:
                yield parts[0], parts[1], parts[2]
