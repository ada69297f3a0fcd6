# SPDX-License-Identifier: GPL-3.0-or-later
"""What a list request may hold, and the words for what it may not (R30)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qnet_mailman.forms import loading, schema
from qnet_mailman.forms.mistakes import MAX_ERRORS, Document, FormInvalid
from qnet_mailman.forms.schema import validate
from qnet_mailman.settings import Settings
from qnet_mailman.values import Replies
from tests.expected import require_expected
from tests.provisioning.samples import ADDRESS, DOMAIN, EXAMPLES, REMOVE, data, form

SETTINGS = Settings(domain=DOMAIN, support_address='help@example.gov')

EMAIL = 'expected an e-mail address such as pat@agency.example.gov'
LINE_255 = (
    'expected one line of text, at most 255 characters, without control characters'
)
NAME = (
    'expected the name of a list: letters, digits, and single or several of ".", "_", '
    '"-" between them, at most 50 characters; or its whole address'
)
KIND_WORDS = (
    'expected list-request, administrator-request, threshold-change or list-closure'
)
WHOLE_100 = 'expected a whole number from 1 to 100'
TICKET = (
    'expected a ticket number: letters, digits, ".", "_", "/" and "-", beginning with '
    'a letter or digit, at most 100 characters'
)


def mistakes(form_data: Any, **options: Any) -> list[str]:
    with pytest.raises(FormInvalid) as invalid:
        validate(Document(form_data), default_domain=DOMAIN, **options)
    return [str(error) for error in invalid.value.errors]


@pytest.mark.parametrize(
    ('changes', 'expected'),
    [
        (
            {'form': 'closure'},
            f'form: found "closure"; {KIND_WORDS}',
        ),
        ({'form': 3}, f'form: found 3; {KIND_WORDS}'),
        (
            {'form': REMOVE},
            f'form: is missing; {KIND_WORDS}',
        ),
        ({'ticket': 'REQ 1'}, f'ticket: found "REQ 1"; {TICKET}'),
        ({'ticket': '-1'}, f'ticket: found "-1"; {TICKET}'),
        ({'ticket': 'R' * 101}, f'ticket: found "{"R" * 57}..."; {TICKET}'),
        ({'ticket': True}, f'ticket: found true; {TICKET}'),
        (
            {'tiket': 'x'},
            'tiket: is not a key of this form; did you mean "ticket"? known are form, '
            'ticket, requester, approver, list, administrators, moderators, '
            'subscribers, attestations',
        ),
        (
            {'administrators__1__e-mail': 'x'},
            'administrators, 2nd person, e-mail: is not a key of this form; did you '
            'mean "email"? known are name, email, harp_id, may_post',
        ),
        (
            {'requester': 'Pat'},
            'requester: found "Pat"; expected who asks: name, email, organization',
        ),
        (
            {'requester': REMOVE},
            'requester: is missing; expected who asks: name, email, organization',
        ),
        (
            {'requester__name': ''},
            f'requester, name: found ""; {LINE_255}, not empty',
        ),
        (
            {'requester__name': None},
            "requester, name: is missing; expected the requester's name",
        ),
        (
            {'requester__name': 'Pat\nBcc: x@example.org'},
            'requester, name: found "Pat\N{REPLACEMENT CHARACTER}Bcc: x@example.org"; '
            + LINE_255,
        ),
        (
            {'requester__name': 'a\u2028b'},
            f'requester, name: found "a\N{REPLACEMENT CHARACTER}b"; {LINE_255}',
        ),
        (
            {'requester__name': 'a\u202eb'},
            f'requester, name: found "a\N{REPLACEMENT CHARACTER}b"; {LINE_255}',
        ),
        (
            {'requester__name': 'a\ud800b'},
            f'requester, name: found "a\N{REPLACEMENT CHARACTER}b"; {LINE_255}',
        ),
        (
            {'moderators__0__name': 'x' * 256},
            f'moderators, 1st person, name: found "{"x" * 57}..."; {LINE_255}; '
            'this has 256',
        ),
        ({'list__name': 'a b'}, f'list, name: found "a b"; {NAME}'),
        ({'list__name': 'a..b'}, f'list, name: found "a..b"; {NAME}'),
        ({'list__name': '.a'}, f'list, name: found ".a"; {NAME}'),
        ({'list__name': 'a+b'}, f'list, name: found "a+b"; {NAME}'),
        ({'list__name': '../etc'}, f'list, name: found "../etc"; {NAME}'),
        ({'list__name': 'ä'}, f'list, name: found "ä"; {NAME}'),
        ({'list__name': 'x' * 51}, f'list, name: found "{"x" * 51}"; {NAME}'),
        (
            {'list__name': 'a@nowhere'},
            'list, name: found "a@nowhere"; expected a mail domain such as '
            'lists.example.gov',
        ),
        *(
            (
                {'list__name': f'hqr-{suffix}'},
                f'list, name: found "hqr-{suffix}"; expected a name that does not end '
                f'in "-{suffix}": Mailman uses that ending for another address of a '
                "list's own",
            )
            for suffix in ('owner', 'bounces', 'request', 'join', 'leave', 'confirm')
        ),
        (
            {'list__name': 'Postmaster'},
            'list, name: found "Postmaster"; expected another name: "postmaster" is an '
            'address of the mail host itself',
        ),
        (
            {'list__display_name': 'x' * 111},
            f'list, display_name: found "{"x" * 57}..."; expected one line of text, at '
            'most 110 characters, without control characters; this has 111',
        ),
        (
            {'list__display_name': REMOVE},
            'list, display_name: is missing; expected the name people see, at most 110 '
            'characters',
        ),
        (
            {'list__description': 'two\nlines'},
            'list, description: found "two\N{REPLACEMENT CHARACTER}lines"; expected '
            'one line of text, at most 500 characters, without control characters',
        ),
        (
            {'list__type': 'newsletter'},
            'list, type: found "newsletter"; expected notification or discussion',
        ),
        (
            {'list__visibility': 'secret'},
            'list, visibility: found "secret"; expected public or private',
        ),
        (
            {'list__mask': 'on'},
            'list, mask: found "on"; expected administrators, everyone or off',
        ),
        (
            {'list__mask': False},
            'list, mask: found false; expected administrators, everyone or off',
        ),
        (
            {'list__replies': 'accept'},
            'list, replies: found "accept"; expected reject: on a notification list '
            'only people with posting privileges write, and messages of all others '
            'are rejected',
        ),
        (
            {'list__type': 'Notification', 'list__replies': 'HOLD '},
            'list, replies: found "hold"; expected reject: on a notification list '
            'only people with posting privileges write, and messages of all others '
            'are rejected',
        ),
        (
            {'list__visibility': 'PUBLIC', 'attestations__security_policies': 'no'},
            'attestations, security_policies: found "no"; expected true: the list is '
            "in line with the organization's security policies (both are needed for a "
            'public list)',
        ),
        (
            {'list__type': 'discussion', 'list__replies': 'defer'},
            'list, replies: found "defer"; expected accept, hold or reject',
        ),
        ({'list__reply_to': 'nobody'}, f'list, reply_to: found "nobody"; {EMAIL}'),
        *(
            (
                {'list__bounces__threshold': value},
                f'list, bounces, threshold: found {shown}; {WHOLE_100}',
            )
            for value, shown in (
                (0, '0'),
                (101, '101'),
                (-1, '-1'),
                (2.5, '2.5'),
                ('five', '"five"'),
                ('٥', '"٥"'),
                (True, 'true'),
            )
        ),
        (
            {'list__bounces__window_days': 366},
            'list, bounces, window_days: found 366; expected a whole number from 1 to '
            '365',
        ),
        ({'list__bounces': 5}, 'list, bounces: found 5; expected bounce settings'),
        (
            {'administrators': []},
            'administrators: found an empty list; expected a list of at least one '
            'person (name, email, harp_id, may_post)',
        ),
        (
            {'administrators': REMOVE},
            'administrators: is missing; expected a list of at least one person (name, '
            'email, harp_id, may_post)',
        ),
        (
            {'administrators': {'name': 'Pat'}},
            'administrators: found a section with keys; expected a list of at least '
            'one person (name, email, harp_id, may_post)',
        ),
        (
            {'administrators__1': 'sam'},
            'administrators, 2nd person: found "sam"; expected a section with the keys '
            'name, email, harp_id, may_post',
        ),
        *(
            (
                {'administrators__1__email': value},
                f'administrators, 2nd person, email: found "{value}"; {EMAIL}',
            )
            for value in (
                'pat',
                'pat@',
                'pat@host',
                'a b@example.org',
                'a@b@example.org',
            )
        ),
        (
            {'administrators__1__email': 'pat@exämple.org'},
            f'administrators, 2nd person, email: found "pat@exämple.org"; {EMAIL}, in '
            'plain ASCII (the domain of an international address in its xn-- form)',
        ),
        (
            {'administrators__1__email': ADDRESS.upper()},
            "administrators, 2nd person, email: found the list's own address "
            f'{ADDRESS}; expected the address of a person',
        ),
        (
            {'administrators__1__email': 'PAT@agency.example.gov'},
            'administrators, 2nd person, email: found "PAT@agency.example.gov" again; '
            'expected each address once',
        ),
        (
            {'administrators__1__may_post': 'maybe'},
            'administrators, 2nd person, may_post: found "maybe"; expected true or '
            'false',
        ),
        (
            {'subscribers__1__email': 'reader@EXAMPLE.org'},
            'subscribers, 2nd subscriber, email: found "reader@EXAMPLE.org" again; '
            'expected each address once',
        ),
        (
            {'attestations__security_policies': False},
            'attestations, security_policies: found false; expected true: the list is '
            "in line with the organization's security policies (both are needed for a "
            'public list)',
        ),
        (
            {'attestations__no_sensitive_information': REMOVE},
            'attestations, no_sensitive_information: is missing; expected true: the '
            'list carries no sensitive information (both are needed for a public list)',
        ),
    ],
)
def test_one_mistake_is_one_sentence(changes: dict[str, Any], expected: str) -> None:
    assert mistakes(data(**changes)) == [expected]


def test_all_mistakes_are_told_at_once() -> None:
    found = mistakes({'list': {'type': 'notification', 'replies': 'hold'}, 'x': 1})
    assert len(found) == 9
    assert any(line.startswith('list, replies: found "hold"') for line in found)


def test_a_form_with_thousands_of_mistakes_is_cut_short() -> None:
    people = [{'email': 'x'}] * 2000
    found = mistakes(data(subscribers=people))
    assert len(found) == MAX_ERRORS + 1
    assert found[-1].startswith('and ')


@pytest.mark.parametrize('form_data', [{}, {'list': None}, {'administrators': [None]}])
def test_an_empty_form_is_all_missing(form_data: Any) -> None:
    missing = 'requester: is missing; expected who asks: name, email, organization'
    assert missing in mistakes(form_data)


def test_the_defaults_are_those_of_the_rules() -> None:
    found = form()
    assert found.list.name == ADDRESS
    assert found.list.mask == 'administrators'
    assert found.list.replies is Replies.reject
    assert (found.list.bounces.threshold, found.list.bounces.window_days) == (5, 7)
    assert form(list__type='discussion').list.replies is Replies.accept
    assert not found.administrators[1].may_post


def test_numbers_and_words_stand_for_what_they_look_like() -> None:
    found = form(
        ticket=1234,
        administrators__0__harp_id=7,
        administrators__0__may_post='yes',
        list__mask='Everyone',
        list__bounces__threshold='9',
        list__name='News@Other.Example.ORG',
    )
    assert (found.ticket, found.administrators[0].harp_id) == ('1234', '7')
    assert found.administrators[0].may_post
    assert found.list.mask == 'everyone'
    assert found.list.bounces.threshold == 9
    assert found.list.name == 'news@other.example.org'


def test_a_private_list_needs_no_attestations() -> None:
    found = form(list__visibility='private', attestations=REMOVE)
    assert not found.attestations.security_policies


def test_a_site_may_want_an_approver() -> None:
    assert mistakes(data(), approver_required=True) == [
        'approver: is missing; expected who approved the request (name, email): this '
        'site requires it'
    ]
    approver = {'name': 'Chris Chief', 'email': 'chris@example.gov'}
    document = Document(data(approver=approver))
    found = validate(document, default_domain=DOMAIN, approver_required=True)
    assert found.approver is not None


def test_the_order_of_people_is_no_difference() -> None:
    people = data()['administrators']
    assert form().digest() == form(administrators=people[::-1]).digest()
    assert form().digest() != form(list__mask='off').digest()


def test_content_is_read_back_as_the_same_form() -> None:
    read = schema.ListRequest.model_validate_json(form().content())
    assert read.digest() == form().digest()


def test_the_published_json_schema_is_current() -> None:
    path = Path(schema.__file__).with_name('list-request.schema.json')
    assert path.read_text(encoding='utf-8') == schema.json_schema_text(), (
        f'run: python -m qnet_mailman.forms.schema > {path}'
    )
    assert json.loads(path.read_text(encoding='utf-8'))['additionalProperties'] is False


@pytest.mark.parametrize('name', ['list-request.yaml', 'discussion-private.json'])
def test_the_examples_are_valid(name: str) -> None:
    assert len(loading.load(EXAMPLES / name, SETTINGS).form.subscribers) == 3


def test_the_example_with_mistakes() -> None:
    with pytest.raises(FormInvalid) as invalid:
        loading.load(EXAMPLES / 'with-mistakes.yaml', SETTINGS)
    found = [f'{error.line}: {error}' for error in invalid.value.errors]
    require_expected('\n'.join(found), __file__, 'with-mistakes')
