# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens and claims that are not what they should be."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from tests.web.harp.conftest import RolesCore
from tests.web.harp.hostile import (
    OTHER_KEY,
    PERSON,
    HostileProvider,
    new_browser,
)
from tests.web.harp.signing_in import OTHER_ISSUER, is_signed_in


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
