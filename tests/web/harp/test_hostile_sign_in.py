# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back from a provider is believed only after every check."""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import override_settings

from qnet_mailman.web.harp import fetch
from tests.web.harp.conftest import RolesCore
from tests.web.harp.hostile import (
    OTHER_KEY,
    PERSON,
    HostileProvider,
    listening,
    new_browser,
)

OTHER_ISSUER = 'https://elsewhere.example.org'
PATIENCE = 120
"""Seconds after which a slow provider answers after all, and a test fails."""


def is_signed_in(browser: Any) -> bool:
    return '_auth_user_id' in browser.session


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


def unsigned(provider: HostileProvider) -> None:
    provider.key, provider.algorithm = None, 'none'


def signed_with_the_public_key(provider: HostileProvider) -> None:
    """Key confusion: the published key as a shared secret."""
    provider.key, provider.algorithm = b'x' * 64, 'HS256'


def signed_with_another_key(provider: HostileProvider) -> None:
    provider.key = OTHER_KEY


def tampered(provider: HostileProvider) -> None:
    token = provider.usual('/token')
    head, body, signature = token['id_token'].split('.')
    claims = json.loads(base64.urlsafe_b64decode(body + '=='))
    claims['sub'] = 'somebody-else'
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')
    token['id_token'] = f'{head}.{body}.{signature}'
    provider.claims['sub'] = 'somebody-else'
    provider.answers['/token'] = (200, token)


def without_id_token(provider: HostileProvider) -> None:
    provider.answers['/token'] = (200, {'access_token': 'a', 'token_type': 'Bearer'})


def rubbish_id_token(provider: HostileProvider) -> None:
    provider.answers['/token'] = (
        200,
        {'access_token': 'a', 'token_type': 'Bearer', 'id_token': [1, {'x': None}]},
    )


@pytest.mark.parametrize(
    'attack',
    [
        unsigned,
        signed_with_the_public_key,
        signed_with_another_key,
        tampered,
        without_id_token,
        rubbish_id_token,
    ],
)
def test_a_token_that_is_not_signed_right(
    hostile: HostileProvider, roles_core: RolesCore, attack: Any
) -> None:
    browser = new_browser()
    response = hostile.sign_in(browser, between=lambda: attack(hostile))
    assert response.status_code == 403
    assert 'could not sign you in' in response.content.decode()
    assert not is_signed_in(browser)
    assert roles_core.sign_ins == []


@pytest.mark.parametrize(
    'changes',
    [
        {'iss': OTHER_ISSUER},
        {'aud': 'another-client'},
        {'aud': ['mailer', 'another-client']},
        {'aud': ['mailer', 'another-client'], 'azp': 'another-client'},
        {'azp': 'another-client'},
        {'nonce': 'another nonce'},
        {'nonce': None},
        {'nonce': ['a', 'list']},
        {'exp': 1_000_000_000},
        {'exp': None},
        {'exp': 'never'},
        {'iat': 4_000_000_000},
        {'sub': None},
        {'sub': ''},
        {'sub': 'x' * 256},
        {'aud': None},
        {'iss': None},
        {'at_hash': 'of another access token'},
    ],
    ids=repr,
)
def test_a_token_that_is_not_for_this_sign_in(
    hostile: HostileProvider, roles_core: RolesCore, changes: dict[str, Any]
) -> None:
    hostile.id_claims = changes
    browser = new_browser()
    assert hostile.sign_in(browser).status_code == 403
    assert not is_signed_in(browser)
    assert roles_core.sign_ins == []


def test_clocks_may_differ_a_little(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    now = int(time.time())
    hostile.id_claims = {'exp': now - 30}
    assert hostile.sign_in(new_browser()).status_code == 302
    hostile.id_claims = {'exp': now - 90}
    assert hostile.sign_in(new_browser()).status_code == 403
    hostile.id_claims = {'iat': now + 30}
    assert hostile.sign_in(new_browser()).status_code == 302


def test_userinfo_about_somebody_else(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    hostile.id_claims = {'sub': 'subject-1'}
    hostile.claims['sub'] = 'subject-2'
    browser = new_browser()
    assert hostile.sign_in(browser).status_code == 503
    assert not is_signed_in(browser)
    assert roles_core.sign_ins == []


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


def test_our_own_wrong_secret_is_said_to_operators(
    hostile: HostileProvider, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger('qnet').propagate = True
    hostile.answers['/token'] = (401, {'error': 'invalid_client'})
    response = hostile.sign_in(new_browser())
    assert response.status_code == 503
    assert 'check client_id, client_secret' in caplog.text
    assert 'a secret' not in caplog.text
    assert 'a code' not in caplog.text


NONSENSE = [
    (500, b'oops'),
    (200, b''),
    (200, b'<html>maintenance</html>'),
    (200, b'[1, 2]'),
    (200, b'null'),
    (200, b'[' * 100_000),
    (200, b'x' * 2_000_000),
    (200, b'\xff\xfe'),
    (302, b''),
    (200, {'error': 'nothing else'}),
]


@pytest.mark.parametrize('answer', NONSENSE, ids=lambda answer: repr(answer)[:30])
@pytest.mark.parametrize(
    'path', ['/.well-known/openid-configuration', '/token', '/keys', '/userinfo']
)
def test_nonsense_is_a_page_that_says_so(
    hostile: HostileProvider, roles_core: RolesCore, path: str, answer: Any
) -> None:
    browser = new_browser()
    hostile.answers[path] = answer
    if path.startswith('/.well'):
        response = browser.post('/accounts/oidc/harp/login/')
    else:
        response = hostile.sign_in(browser)
    assert response.status_code == 503
    assert 'HARP does not answer' in response.content.decode()
    assert response['Retry-After'] == '60'
    # The secret is not taken elsewhere.
    assert '/elsewhere' not in hostile.asked
    assert not is_signed_in(browser)
    assert roles_core.sign_ins == []


def test_a_provider_that_is_down(hostile: HostileProvider) -> None:
    hostile.stop()
    response = new_browser().post('/accounts/oidc/harp/login/')
    assert response.status_code == 503


def test_a_provider_that_is_down_is_left_alone_for_a_moment(
    hostile: HostileProvider,
) -> None:
    document = '/.well-known/openid-configuration'
    hostile.answers[document] = (500, b'')
    for _ in range(3):
        assert new_browser().post('/accounts/oidc/harp/login/').status_code == 503
    assert hostile.asked.count(document) == 1


def test_a_provider_that_is_slow(
    hostile: HostileProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, 'TIMEOUT', (0.2, 0.2))

    enough = threading.Event()
    given_up: list[bool] = []

    def say_nothing() -> tuple[int, bytes]:
        given_up.append(enough.wait(PATIENCE))
        return 200, b'{}'

    hostile.answers['/.well-known/openid-configuration'] = say_nothing
    response = new_browser().post('/accounts/oidc/harp/login/')
    assert response.status_code == 503
    # The provider is still at it.
    assert given_up == []
    enough.set()


def test_a_provider_that_drips(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole answer has its time, not only each piece."""
    enough = threading.Event()
    dripped_out: list[bool] = []

    class Drip(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            # In all, far less than an answer may have.
            with suppress(OSError):
                for _ in range(PATIENCE * 50):
                    self.wfile.write(b' ' * 64)
                    if enough.wait(0.02):
                        return
                dripped_out.append(True)

        def log_message(self, *_args: object) -> None:
            pass

    monkeypatch.setattr(fetch, 'DEADLINE', 0.2)
    with listening(Drip) as url:
        with pytest.raises(fetch.ProviderUnavailable):
            fetch.fetch('GET', url)
        assert dripped_out == []
        enough.set()


@pytest.mark.parametrize(
    'changes',
    [
        {'issuer': OTHER_ISSUER},
        {'authorization_endpoint': 'http://elsewhere.example.org/authorize'},
        {'authorization_endpoint': 'javascript:alert(1)'},
        {'authorization_endpoint': None},
        {'token_endpoint': 17},
    ],
    ids=repr,
)
def test_a_discovery_document_that_is_not_safe(
    hostile: HostileProvider, changes: dict[str, Any]
) -> None:
    hostile.discovery = changes
    assert new_browser().post('/accounts/oidc/harp/login/').status_code == 503


def test_new_keys_are_fetched_once(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    assert hostile.sign_in(new_browser()).status_code == 302
    assert hostile.sign_in(new_browser()).status_code == 302
    assert hostile.asked.count('/keys') == 1
    hostile.key, hostile.kid = OTHER_KEY, 'two'
    hostile.published = {'two': OTHER_KEY}
    assert hostile.sign_in(new_browser()).status_code == 302
    assert hostile.asked.count('/keys') == 2


def test_rubbish_does_not_make_us_fetch_keys_in_a_loop(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    hostile.sign_in(new_browser())
    hostile.kid = 'unknown'
    for _ in range(5):
        assert hostile.sign_in(new_browser()).status_code == 403
    assert hostile.asked.count('/keys') == 2


@pytest.mark.parametrize(
    ('claims', 'words'),
    [
        ({'email_verified': False}, 'not confirmed'),
        ({'email_verified': 'false'}, 'not confirmed'),
        ({'email_verified': 'true'}, 'not confirmed'),
        ({'email_verified': 1}, 'not confirmed'),
        ({'email_verified': None}, 'not confirmed'),
        ({'email': None}, 'did not get your e-mail address'),
        ({'email': 'no address'}, 'did not get your e-mail address'),
        ({'email': ['ann@example.gov']}, 'did not get your e-mail address'),
        (
            {'email': 'ann@example.gov\nbcc: x@example.org'},
            'did not get your e-mail address',
        ),
    ],
    ids=repr,
)
def test_an_address_that_the_provider_does_not_vouch_for(
    hostile: HostileProvider,
    roles_core: RolesCore,
    claims: dict[str, Any],
    words: str,
) -> None:
    hostile.claims.update(claims)
    browser = new_browser()
    response = hostile.sign_in(browser)
    assert response.status_code == 403
    assert words in response.content.decode()
    assert not is_signed_in(browser)
    assert roles_core.sign_ins == []
    assert not get_user_model().objects.exists()


def test_verified_in_one_place_does_not_vouch_for_the_address_of_another(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    hostile.id_claims = {'email': 'ann@example.gov', 'email_verified': True}
    hostile.claims = {'sub': 'subject-1', 'email': 'victim@example.org'}
    assert hostile.sign_in(new_browser()).status_code == 403


def test_roles_in_another_form_change_nothing(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    hostile.claims['roles'] = 'List Administrator'
    response = hostile.sign_in(new_browser())
    assert response.status_code == 403
    assert 'Trying again will not help' in response.content.decode()
    assert roles_core.sign_ins == []


def test_claims_in_the_id_token_alone(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    hostile.discovery = {'userinfo_endpoint': None}
    hostile.id_claims = {**PERSON}
    assert hostile.sign_in(new_browser()).status_code == 302
    assert roles_core.sign_ins[0]['roles'] == ['administrator']


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
