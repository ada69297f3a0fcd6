# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back from a provider is believed only after every check."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import override_settings

from tests.web.harp.conftest import RolesCore
from tests.web.harp.hostile import (
    PERSON,
    HostileProvider,
    new_browser,
)
from tests.web.harp.signing_in import OTHER_ISSUER, is_signed_in


def test_a_correct_sign_in(hostile: HostileProvider, roles_core: RolesCore) -> None:
    browser = new_browser()
    response = hostile.sign_in(browser)
    assert (response.status_code, response['Location']) == (302, '/start/')
    assert is_signed_in(browser)
    assert roles_core.sign_ins == [
        {
            'provider': ['harp'],
            'user_id': ['subject-1'],
            'name': ['Ann Example'],
            'email': ['ann@example.gov'],
            'roles': ['administrator'],
        }
    ]


def test_what_the_browser_takes_along(hostile: HostileProvider) -> None:
    sent = hostile.begin(new_browser())
    assert sent['response_type'] == 'code'
    assert sent['code_challenge_method'] == 'S256'
    assert len(sent['code_challenge']) == 43
    assert len(sent['nonce']) == 43
    assert sent['redirect_uri'] == (
        'https://lists.example.gov/accounts/oidc/harp/login/callback/'
    )
    assert set(sent['scope'].split()) == {'openid', 'profile', 'email'}


def test_each_sign_in_has_its_own_secrets(hostile: HostileProvider) -> None:
    browser = new_browser()
    one, two = hostile.begin(browser), hostile.begin(browser)
    for name in ('state', 'nonce', 'code_challenge'):
        assert one[name] != two[name]


def test_a_link_cannot_choose_what_is_asked_for(hostile: HostileProvider) -> None:
    sent = hostile.begin(
        new_browser(),
        scope='admin,everything',
        auth_params='redirect_uri=https://evil.example&prompt=none&nonce=x',
    )
    assert 'admin' not in sent['scope']
    assert 'evil' not in sent['redirect_uri']
    assert 'prompt' not in sent
    assert sent['nonce'] != 'x'


def test_a_link_alone_does_not_begin_a_sign_in(hostile: HostileProvider) -> None:
    response = new_browser().get('/accounts/oidc/harp/login/')
    assert response.status_code == 200
    assert 'method="post"' in response.content.decode()


def test_a_callback_is_good_once(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    browser = new_browser()
    state = hostile.begin(browser)['state']
    assert hostile.finish(browser, state).status_code == 302
    again = hostile.finish(browser, state)
    assert again.status_code == 400
    assert 'sign in again' in again.content.decode()
    assert len(roles_core.sign_ins) == 1


def test_a_callback_is_good_in_its_own_browser_only(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    """Else a stranger could sign somebody in to the stranger's account."""
    state = hostile.begin(new_browser())['state']
    browser = new_browser()
    assert hostile.finish(browser, state).status_code == 400
    assert not is_signed_in(browser)


def test_a_callback_that_took_too_long(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    browser = new_browser()
    state = hostile.begin(browser)['state']
    session = browser.session
    states = session['socialaccount_states']
    states[state] = (states[state][0], time.time() - 601, states[state][2])
    session['socialaccount_states'] = states
    session.save()
    assert hostile.finish(browser, state).status_code == 400


def test_an_answer_of_another_issuer(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    browser = new_browser()
    state = hostile.begin(browser)['state']
    assert hostile.finish(browser, state, iss=OTHER_ISSUER).status_code == 403
    assert hostile.forms == []


def test_the_state_of_one_provider_is_nothing_to_another(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    with HostileProvider() as other, other.known_as('eua'):
        browser = new_browser()
        state = hostile.begin(browser)['state']
        other.nonce = hostile.nonce
        assert other.finish(browser, state, key='eua').status_code == 400


@pytest.mark.parametrize(
    ('error', 'status', 'words'),
    [
        ('access_denied', 200, 'without signing in'),
        ('server_error', 503, 'does not answer'),
        ('temporarily_unavailable', 503, 'does not answer'),
        ('login_required', 403, 'could not sign you in'),
        ('<blink>', 403, 'could not sign you in'),
    ],
)
def test_an_error_instead_of_a_code(
    hostile: HostileProvider, error: str, status: int, words: str
) -> None:
    browser = new_browser()
    state = hostile.begin(browser)['state']
    response = browser.get(
        '/accounts/oidc/harp/login/callback/', {'error': error, 'state': state}
    )
    assert response.status_code == status
    assert words in response.content.decode()
    assert '<blink>' not in response.content.decode()


def test_a_code_that_the_provider_does_not_know(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    hostile.answers['/token'] = (400, {'error': 'invalid_grant'})
    assert hostile.sign_in(new_browser()).status_code == 400


@pytest.mark.parametrize(
    'target',
    [
        'https://evil.example/',
        '//evil.example/',
        '///evil.example',
        '/\\evil.example',
        'https:evil.example',
        'javascript:alert(1)',
        'https://lists.example.gov@evil.example/',
    ],
)
@pytest.mark.parametrize('roles', [[], PERSON['roles']], ids=['no role', 'role'])
def test_next_leads_nowhere_else(
    hostile: HostileProvider, roles_core: RolesCore, target: str, roles: Any
) -> None:
    hostile.claims['roles'] = roles
    browser = new_browser()
    response = hostile.sign_in(browser, next=target)
    assert response.status_code == 302
    assert 'evil' not in response['Location']
    assert 'javascript' not in response['Location']
    page = browser.get('/harp/no-role/', {'next': target}).content.decode()
    assert 'evil' not in page
    assert 'javascript:alert' not in page


def test_next_leads_to_our_own_pages(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    response = hostile.sign_in(new_browser(), next='/archives/')
    assert response['Location'] == '/archives/'


def test_without_a_role_a_page_says_how_to_get_one(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    hostile.claims['roles'] = []
    browser = new_browser()
    response = hostile.sign_in(browser, next='/archives/')
    assert response['Location'] == '/harp/no-role/?next=%2Farchives%2F'
    with override_settings(SUPPORT_ADDRESS='help@example.gov'):
        page = browser.get(response['Location']).content.decode()
    assert 'without a role' in page
    assert 'QualityNet Workspace' in page
    assert 'subject-1' in page
    assert 'help@example.gov' in page
    assert 'href="/archives/"' in page


def test_core_is_down(hostile: HostileProvider, roles_core: RolesCore) -> None:
    """Core would go on with the roles of the last sign-in."""
    roles_core.down = True
    browser = new_browser()
    response = hostile.sign_in(browser)
    assert response.status_code == 503
    assert 'could not look up your role' in response.content.decode()
    assert not is_signed_in(browser)
    assert not get_user_model().objects.exists()


def test_a_provider_that_is_not_ours(hostile: HostileProvider) -> None:
    assert new_browser().post('/accounts/oidc/other/login/').status_code == 404
    assert new_browser().get('/accounts/oidc/other/login/callback/').status_code == 404
