# SPDX-License-Identifier: GPL-3.0-or-later
"""A stranger takes the name of somebody who is to be an operator (R24, R27)."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings

from tests.web.harp.conftest import RolesCore
from tests.web.harp.hostile import PERSON, HostileProvider, new_browser
from tests.web.harp.test_whose_account import account, sign_in_with_password, who

PASSWORD = 'correct horse battery staple'
#: The HARP ID of somebody who is to be an operator, and has not signed in yet.
VICTIM = 'pexample'


def users() -> Any:
    return get_user_model().objects


def sign_up(email: str, **more: str) -> Any:
    fields = {'email': email, 'password1': PASSWORD, 'password2': PASSWORD, **more}
    return new_browser().post('/accounts/signup/', fields)


def operator(*arguments: str) -> str:
    """What `django-admin operator` says."""
    said = StringIO()
    call_command('operator', *arguments, stdout=said)
    return said.getvalue()


def arrives(provider: HostileProvider, user_id: str, browser: Any = None) -> Any:
    """Somebody signs in through the provider; their browser."""
    provider.claims = {
        **PERSON,
        'sub': user_id,
        'email': f'{user_id}@agency.test',
        'roles': [],
    }
    browser = browser or new_browser()
    assert provider.sign_in(browser).status_code == 302
    return browser


def opens_everything(browser: Any) -> bool:
    return bool(browser.get('/admin/').status_code == 200)


@pytest.fixture
def open_sign_up(hostile: HostileProvider) -> Any:
    """A site that lets anybody make an account beside HARP."""
    with override_settings(LOCAL_SIGN_UP=True):
        yield


def test_beside_a_provider_nobody_makes_an_account(hostile: HostileProvider) -> None:
    page = new_browser().get('/accounts/signup/')
    assert 'You do not need an account here' in page.content.decode()
    sign_up('mallory@elsewhere.test', username=VICTIM)
    assert not users().exists()
    for path in ('/', '/accounts/login/'):
        assert '/accounts/signup/' not in new_browser().get(path).content.decode()


@pytest.mark.usefixtures('open_sign_up')
@pytest.mark.parametrize(
    ('email', 'fields'),
    [
        ('mallory@elsewhere.test', {'username': VICTIM}),
        # Stock makes the name of the address where none is given.
        (f'{VICTIM}@elsewhere.test', {}),
        (f'harp-{VICTIM}@elsewhere.test', {'username': f'harp:{VICTIM}'}),
        (
            'mallory@elsewhere.test',
            {'first_name': VICTIM, 'last_name': VICTIM, 'login': VICTIM},
        ),
    ],
)
def test_an_account_does_not_get_the_name(
    hostile: HostileProvider, email: str, fields: dict[str, str]
) -> None:
    sign_up(email, **fields)
    (user,) = users().all()
    assert user.email == email
    assert user.username.startswith('account-')
    assert VICTIM not in user.username


@pytest.mark.usefixtures('open_sign_up')
def test_the_name_is_not_to_be_had_on_the_profile_page(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    through_harp = arrives(hostile, 'mallory')
    local = new_browser()
    account('account-eve', 'eve@elsewhere.test', verified=True)
    sign_in_with_password(local, 'eve@elsewhere.test')
    for browser in (through_harp, local):
        page = browser.get('/user-profile/').content.decode()
        assert 'It cannot be changed' in page
        answer = browser.post(
            '/user-profile/',
            {
                'username': VICTIM,
                'first_name': 'Mallory',
                'last_name': 'M',
                'timezone': 'UTC',
            },
        )
        assert answer.status_code == 302
    assert {user.username for user in users().filter(first_name='Mallory')} == {
        'harp:mallory',
        'account-eve',
    }


@pytest.mark.usefixtures('open_sign_up')
def test_sign_up_does_not_tell_who_has_an_account(hostile: HostileProvider) -> None:
    account('account-eve', 'eve@agency.test', verified=True)
    known = sign_up('eve@agency.test')
    unknown = sign_up('nobody@agency.test')
    assert (known.status_code, known['Location']) == (
        unknown.status_code,
        unknown['Location'],
    )
    assert known.content == unknown.content
    # Nor does anything else of the form.
    refused = sign_up('other@agency.test', username='account-eve')
    assert (refused.status_code, refused['Location']) == (302, known['Location'])


@pytest.mark.usefixtures('open_sign_up')
def test_the_whole_way_of_the_stranger(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    """A local account with the name, their own identity connected to it; then the
    operator comes."""
    mallory = account(VICTIM, 'mallory@elsewhere.test', verified=True)
    browser = new_browser()
    sign_in_with_password(browser, 'mallory@elsewhere.test')
    hostile.claims = {
        **PERSON,
        'sub': 'mallory',
        'email': 'mallory@elsewhere.test',
    }
    hostile.sign_in(browser, process='connect')
    assert mallory.socialaccount_set.count() == 1
    # Whoever only has the name has not signed in.
    with pytest.raises(CommandError, match='nobody with this ID has signed in'):
        operator('add', VICTIM)
    assert roles_core.operators == []
    victim = arrives(hostile, VICTIM)
    assert operator('add', VICTIM) == f'harp:{VICTIM}: an operator now\n'
    assert opens_everything(victim)
    stranger = new_browser()
    hostile.claims = {**PERSON, 'sub': 'mallory', 'email': 'mallory@elsewhere.test'}
    hostile.sign_in(stranger)
    assert who(stranger) == mallory.pk
    assert not opens_everything(stranger)
    # The line of older guides makes nobody an operator.
    users().filter(username=VICTIM).update(is_superuser=True, is_staff=True)
    answer = stranger.get('/admin/')
    assert answer.status_code == 403
    assert 'nobody has made the' in answer.content.decode()
    assert who(stranger) is None


def test_who_is_an_operator_is_in_the_audit_log(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    browser = arrives(hostile, VICTIM)
    assert not opens_everything(browser)
    operator('add', VICTIM.upper())
    assert operator('add', f'harp:{VICTIM}') == (
        f'harp:{VICTIM}: an operator already\n'
    )
    assert operator('list') == f'harp:{VICTIM}  Ann Example <{VICTIM}@agency.test>\n'
    assert opens_everything(browser)
    operator('remove', VICTIM)
    assert not opens_everything(browser)
    assert operator('list') == ''
    assert [
        (told['change'], told['provider'], told['user_id'])
        for told in roles_core.operators
    ] == [(['add'], ['harp'], [VICTIM]), (['remove'], ['harp'], [VICTIM])]
    assert all(told['actor'][0].startswith('operator') for told in roles_core.operators)


def test_without_the_audit_log_nobody_becomes_an_operator(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    browser = arrives(hostile, VICTIM)
    roles_core.down = True
    with pytest.raises(CommandError, match='not changed'):
        operator('add', VICTIM)
    assert not opens_everything(browser)
    roles_core.down = False
    operator('add', VICTIM)
    roles_core.down = True
    # Taking away does not wait for anything.
    with pytest.raises(CommandError, match='not in the audit log'):
        operator('remove', VICTIM)
    assert not opens_everything(browser)


@pytest.mark.parametrize('text', ['', 'nobody', 'eua:nobody', 'harp:', ':', 'harp:x:y'])
def test_people_who_are_not_known(
    hostile: HostileProvider, roles_core: RolesCore, text: str
) -> None:
    with pytest.raises(CommandError):
        operator('add', text)
    with pytest.raises(CommandError):
        operator('add')


def test_another_identity_of_the_account_is_no_operator(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    """Two providers' accounts connected to one: each is a person of its own."""
    browser = arrives(hostile, VICTIM)
    with HostileProvider() as eua, eua.known_as('eua'):
        eua.claims = {**PERSON, 'sub': 'ab12', 'email': f'{VICTIM}@agency.test'}
        eua.sign_in(browser, 'eua', process='connect')
        operator('add', VICTIM)
        other = new_browser()
        eua.sign_in(other, 'eua')
        assert who(other) == who(browser) is not None
        assert other.get('/admin/').status_code == 403
        assert opens_everything(arrives(hostile, VICTIM))
