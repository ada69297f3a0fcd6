# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a form, as sentences that say what to do (R30)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman import values
from qnet_mailman.forms import kept, loading, plain, questions
from qnet_mailman.forms.kinds import KINDS
from qnet_mailman.forms.layout import fields_of, rosters_of
from qnet_mailman.forms.mistakes import FormError, FormInvalid
from qnet_mailman.settings import Settings
from tests.expected import require_expected
from tests.provisioning.samples import EXAMPLES

SETTINGS = Settings(domain='lists.example.gov', support_address='help@example.gov')


def mistakes(name: str) -> list[FormError]:
    with pytest.raises(FormInvalid) as invalid:
        loading.load(EXAMPLES / name, SETTINGS)
    return invalid.value.errors


def test_all_mistakes_of_a_form() -> None:
    lines = [
        f'{each.line}: {plain.in_words(each)}'
        for each in mistakes('with-mistakes.yaml')
    ]
    require_expected('\n'.join(lines), __file__, 'in-plain-words')


def test_what_is_kept_is_told_in_the_same_words() -> None:
    errors = mistakes('with-mistakes.yaml')
    again = kept.from_text(kept.as_text(FormInvalid(errors)))
    assert isinstance(again, FormInvalid)
    assert again.errors == errors
    # Kept before places were.
    old = kept.from_text('{"errors": [{"field": "a", "line": 1, "message": "b"}]}')
    assert isinstance(old, FormInvalid)
    assert plain.in_words(old.errors[0]) == 'A: b'


@pytest.mark.parametrize(
    ('path', 'message', 'words'),
    [
        ((), 'cannot be read', 'cannot be read'),
        (('requester',), 'is missing; expected x', 'Enter your name and your e-mail'),
        (('bounces',), 'found an empty section; expected x', 'Enter a new threshold'),
        (('administrators',), 'found an empty list; expected x', 'Name at least one'),
        (('may_post',), 'is missing; expected true or false', 'Choose Yes or No.'),
        (
            ('reason',),
            'found "a; expected b"; expected c',
            'Enter c. You wrote "a; exp',
        ),
    ],
)
def test_a_remedy(path: tuple[str], message: str, words: str) -> None:
    assert words in plain.in_words(FormError('', None, message, path=path))


@given(st.text(), st.text(), st.lists(st.text() | st.integers(0, 9)))
def test_whatever_the_mistake(field: str, message: str, path: list[str | int]) -> None:
    error = FormError(field, None, message, path=tuple(path))
    assert plain.as_dict(error)['words'] == plain.in_words(error)


@given(st.from_regex(values._DOT_ATOMS, fullmatch=True))
def test_what_needs_no_parser_is_what_the_parser_takes(address: str) -> None:
    assert values.parseaddr(address) == ('', address)


@pytest.mark.parametrize('kind', KINDS)
def test_everything_is_asked(kind: str) -> None:
    asked = questions.questions(kind, 200)
    paths = {tuple(each['path'].split('.')) for each in asked['fields']}
    assert paths == {field.path for field in fields_of(kind)} - questions.KEPT
    assert set(asked['people']) == set(rosters_of(kind))
    required = {each['path'] for each in asked['fields'] if each['required']}
    assert {'requester.name', 'requester.email'} <= required
    assert not {'approver.name', 'reason', 'person.harp_id'} & required
    assert all(each['label'] for each in asked['fields'])


@given(st.from_regex(values._PLAIN, fullmatch=True))
def test_the_plain_pattern_takes_no_address_that_mailman_refuses(address: str) -> None:
    assert values._address.is_valid(address)
    assert values.parseaddr(address) == ('', address)
