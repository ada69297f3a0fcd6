# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims in any form give the right roles, and rubbish gives nobody one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from qnet_mailman.web.harp.mapping import (
    MAX_ROLES,
    Claims,
    MappingError,
    Person,
    person_from,
)

PROGRAM, ORGANIZATION = 'QualityNet Workspace', 'QualityNet Mailer'
ADMIN, MODERATOR = 'List Administrator', 'List Moderator'


def entry(role: Any, program: Any = PROGRAM, organization: Any = ORGANIZATION) -> Any:
    return {'program': program, 'organization': organization, 'role': role}


def roles(claim: Any, **settings: Any) -> tuple[str, ...]:
    return person_from(Claims(**settings), {'sub': 'x', 'roles': claim}).roles


def test_the_standard_claims() -> None:
    claims = {
        'sub': 'jroe',
        'name': '  Jane   Roe ',
        'email': 'Jane.Roe@Example.gov',
        'email_verified': True,
        'roles': [entry(ADMIN)],
    }
    assert person_from(Claims(), claims) == Person(
        'jroe', 'Jane Roe', 'jane.roe@example.gov', True, ('administrator',)
    )


@pytest.mark.parametrize(
    ('claim', 'expected'),
    [
        (None, ()),
        ([], ()),
        ([entry(ADMIN)], ('administrator',)),
        ([entry(MODERATOR), entry(ADMIN)], ('administrator', 'moderator')),
        ([entry(ADMIN), entry(ADMIN)], ('administrator',)),
        ([entry(' list  ADMINISTRATOR ')], ('administrator',)),
        ([entry(ADMIN, program='Another Program')], ()),
        ([entry(ADMIN, organization='Another Organization')], ()),
        ([entry('List Administrator Trainee')], ()),
        ([entry(ADMIN, program=None)], ()),
        ([{'role': ADMIN}], ()),
        ([entry([ADMIN])], ()),
        ([None, 3, 'x', [entry(ADMIN)], entry(MODERATOR)], ('moderator',)),
    ],
)
def test_objects(claim: Any, expected: tuple[str, ...]) -> None:
    assert roles(claim) == expected


@pytest.mark.parametrize(
    ('claim', 'expected'),
    [
        ([f'{PROGRAM}/{ORGANIZATION}/{ADMIN}'], ('administrator',)),
        ([f'{PROGRAM} / {ORGANIZATION} / {MODERATOR}'], ('moderator',)),
        ([ADMIN], ()),
        ([f'{PROGRAM}/{ORGANIZATION}/x/{ADMIN}'], ()),
        ([f'Other/{ORGANIZATION}/{ADMIN}'], ()),
        ([entry(ADMIN)], ()),
    ],
)
def test_strings(claim: Any, expected: tuple[str, ...]) -> None:
    assert roles(claim, roles_form='strings') == expected


def test_strings_that_are_the_role_alone() -> None:
    settings = {
        'roles_form': 'strings',
        'separator': '',
        'program': (),
        'organization': (),
        'administrator': 'QMAIL_ADMIN',
        'moderator': ['QMAIL_MOD', 'QMAIL_MODERATOR'],
    }
    assert roles(['qmail_admin'], **settings) == ('administrator',)
    assert roles(['QMAIL_MODERATOR'], **settings) == ('moderator',)
    assert roles(['qmail_admin'], ignore_case=False, **settings) == ()


def test_a_delimited_string() -> None:
    claim = f'Other:X:Y; {PROGRAM}:{ORGANIZATION}:{ADMIN} ;'
    settings = {'roles_form': 'delimited', 'delimiter': ';', 'separator': ':'}
    assert roles(claim, **settings) == ('administrator',)


def test_places() -> None:
    source = {
        'https://example.gov/harp.id': 'J1',
        'realm': {'access': {'roles': [entry(ADMIN)]}, 'a.b': 'no'},
        'profile': {'mail': 'j@example.gov', 'checked': True},
    }
    claims = Claims(
        user_id='https://example.gov/harp.id',
        roles='realm.access.roles',
        email=('profile', 'mail'),
        email_verified='profile.checked',
    )
    person = person_from(claims, source)
    assert person == Person('J1', '', 'j@example.gov', True, ('administrator',))


def test_the_first_source_that_has_a_claim() -> None:
    person = person_from(
        Claims(),
        {'sub': 'x', 'name': None, 'roles': [entry(MODERATOR)]},
        {'sub': 'x', 'name': 'Ann', 'roles': [entry(ADMIN)]},
    )
    assert (person.name, person.roles) == ('Ann', ('moderator',))


def test_verified_is_said_where_the_address_is() -> None:
    person = person_from(
        Claims(),
        {'sub': 'x', 'email': 'one@example.gov'},
        {'email': 'two@example.gov', 'email_verified': True},
    )
    assert (person.email, person.email_verified) == ('one@example.gov', False)


@pytest.mark.parametrize('value', [False, 'false', 'true', 'True', 1, 0, [], {}, None])
def test_only_a_true_is_verified(value: Any) -> None:
    claims = {'sub': 'x', 'email': 'a@example.gov', 'email_verified': value}
    assert not person_from(Claims(), claims).email_verified


@pytest.mark.parametrize(
    'value',
    [None, '', ' ', True, 1.5, [], {}, 'a\x00b', 'a\ud800', 'x' * 191, 10**400],
)
def test_no_usable_user_id(value: Any) -> None:
    with pytest.raises(MappingError, match='user ID'):
        person_from(Claims(), {'sub': value})


def test_a_number_that_python_will_not_write() -> None:
    with pytest.raises(MappingError, match='user ID'):
        person_from(Claims(), {'sub': 10**5000})


def test_a_number_may_be_a_user_id() -> None:
    assert person_from(Claims(), {'sub': 4711}).user_id == '4711'


@pytest.mark.parametrize(
    ('one', 'form', 'expected'),
    [
        (entry(ADMIN), 'objects', ('administrator',)),
        ({'role': ADMIN}, 'objects', ()),
        (f'{PROGRAM}/{ORGANIZATION}/{MODERATOR}', 'strings', ('moderator',)),
        ('', 'strings', ()),
        ('Other/Other/Other', 'strings', ()),
    ],
)
def test_one_value_is_a_list_of_one(
    one: Any, form: str, expected: tuple[str, ...]
) -> None:
    """LemonLDAP::NG 2.16 and AD FS write one role so, and two as a list."""
    assert roles(one, roles_form=form) == expected
    assert roles([one], roles_form=form) == expected


@pytest.mark.parametrize(
    ('claim', 'form'),
    [
        ('List Administrator', 'objects'),
        (entry(ADMIN), 'strings'),
        (True, 'objects'),
        (7, 'strings'),
        ([ADMIN], 'delimited'),
        ('x,' * 150_000, 'delimited'),
        ([entry(ADMIN)] * (MAX_ROLES + 1), 'objects'),
    ],
)
def test_another_form_is_an_error_and_not_no_roles(claim: Any, form: str) -> None:
    with pytest.raises(MappingError):
        roles(claim, roles_form=form)


@pytest.mark.parametrize(
    'settings',
    [
        {'roles_from': 'groups'},
        {'roles_form': 'xml'},
        {'administrator': (), 'moderator': ()},
        {'administrator': 'List Person', 'moderator': 'list person'},
        {'administrator': ' '},
        {'program': ''},
        {'roles_form': 'delimited', 'delimiter': ''},
        {'roles_form': 'strings', 'separator': ''},
    ],
)
def test_settings_that_cannot_work(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Claims(**settings)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([ADMIN, PROGRAM, 'true', 'false', '\ud800', 'a@example.gov']),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.sampled_from(['role', 'program', 'organization', 'x']) | st.text(),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
NAMES = st.sampled_from(['sub', 'name', 'email', 'email_verified', 'roles', 'a', 'b'])


@given(
    st.dictionaries(NAMES, JSON),
    st.dictionaries(NAMES, JSON),
    st.sampled_from(
        [
            Claims(),
            Claims(roles_form='strings'),
            Claims(roles_form='delimited'),
            Claims(roles='a.b.roles', user_id=('a', 'sub'), email='a.b'),
        ]
    ),
)
def test_whatever_the_claims_are(one: Any, two: Any, claims: Claims) -> None:
    try:
        person = person_from(claims, one, two)
    except MappingError:
        return
    # What comes out can be stored, sent and compared.
    for text in (person.user_id, person.name, person.email):
        assert text.encode().decode() == text
        assert text.isprintable()
    assert person.user_id
    assert person.email or not person.email_verified
    assert set(person.roles) <= {'administrator', 'moderator'}
