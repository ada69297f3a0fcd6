# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing out here signs out there, and the other way round."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.utils import timezone

from qnet_mailman.web.harp.models import ProviderSession
from tests.web.harp.conftest import RolesCore
from tests.web.harp.hostile import (
    OTHER_KEY,
    PERSON,
    HostileProvider,
    new_browser,
)
from tests.web.harp.test_whose_account import account, sign_in_with_password, who

EVENT = 'http://schemas.openid.net/event/backchannel-logout'


@pytest.fixture
def browser(hostile: HostileProvider, roles_core: RolesCore) -> Any:
    """Ann's, signed in through the provider."""
    found = new_browser()
    hostile.sign_in(found)
    assert who(found) is not None
    return found


def sent(token: str) -> Any:
    return new_browser().post('/harp/backchannel-logout/', {'logout_token': token})


def test_a_sign_out_there_ends_the_session_here(
    browser: Any, hostile: HostileProvider
) -> None:
    key = browser.session.session_key
    assert Session.objects.filter(pk=key).exists()
    response = sent(hostile.logout_token())
    assert (response.status_code, response['Cache-Control']) == (200, 'no-store')
    assert not Session.objects.filter(pk=key).exists()
    assert who(browser) is None


def test_all_sessions_of_the_person_or_the_one_that_is_named(
    browser: Any, hostile: HostileProvider
) -> None:
    hostile.id_claims = {'sid': 'session-2'}
    second = new_browser()
    hostile.sign_in(second)
    hostile.claims = {**PERSON, 'sub': 'subject-2', 'email': 'bob@example.gov'}
    hostile.id_claims = {'sid': 'session-3'}
    bob = new_browser()
    hostile.sign_in(bob)
    assert sent(hostile.logout_token(sub=None, sid='session-2')).status_code == 200
    assert [who(one) is None for one in (browser, second, bob)] == [False, True, False]
    assert sent(hostile.logout_token(sub='subject-1')).status_code == 200
    assert [who(one) is None for one in (browser, bob)] == [True, False]


def test_a_session_whose_own_record_was_missed_ends_too(
    browser: Any, hostile: HostileProvider
) -> None:
    session = browser.session
    session.cycle_key()
    session.save()
    browser.cookies['sessionid'] = session.session_key
    sent(hostile.logout_token())
    assert who(browser) is not None
    browser.get('/')
    assert who(browser) is None


def test_a_logout_token_is_good_once(browser: Any, hostile: HostileProvider) -> None:
    token = hostile.logout_token()
    assert sent(token).status_code == 200
    again = new_browser()
    hostile.sign_in(again)
    assert sent(token).status_code == 400
    assert who(again) is not None


@pytest.mark.parametrize(
    'changes',
    [
        {'iss': 'https://elsewhere.example.org'},
        {'iss': None},
        {'aud': 'another-client'},
        {'aud': None},
        {'exp': 1_000_000_000},
        {'exp': None},
        {'iat': None},
        {'jti': None},
        {'jti': 7},
        {'nonce': 'an ID token'},
        {'events': None},
        {'events': {}},
        {'events': {EVENT: True}},
        {'events': [EVENT]},
        {'events': EVENT},
        {'sub': None},
        {'sub': ''},
        {'sub': None, 'sid': ['session-1']},
    ],
    ids=repr,
)
def test_a_logout_token_that_is_none(
    browser: Any, hostile: HostileProvider, changes: dict[str, Any]
) -> None:
    response = sent(hostile.logout_token(**changes))
    assert response.status_code == 400
    assert response.json() == {'error': 'invalid_request'}
    assert who(browser) is not None


def test_a_logout_token_that_is_not_signed_right(
    browser: Any, hostile: HostileProvider
) -> None:
    hostile.key = OTHER_KEY
    assert sent(hostile.logout_token()).status_code == 400
    hostile.key, hostile.algorithm = None, 'none'
    assert sent(hostile.logout_token()).status_code == 400
    hostile.key, hostile.algorithm = b'x' * 64, 'HS256'
    assert sent(hostile.logout_token()).status_code == 400
    assert who(browser) is not None


def test_an_id_token_does_not_sign_out(browser: Any, hostile: HostileProvider) -> None:
    assert sent(hostile.id_token()).status_code == 400
    assert who(browser) is not None


@pytest.mark.parametrize('token', ['', 'x', 'a.b.c', 'é', '\x00', '.' * 200_000])
def test_rubbish_is_no_logout_token(hostile: HostileProvider, token: str) -> None:
    assert sent(token).status_code == 400


def test_a_provider_whose_keys_cannot_be_had(
    browser: Any, hostile: HostileProvider
) -> None:
    token = hostile.logout_token()
    hostile.stop()
    cache.clear()
    assert sent(token).status_code == 503


def test_only_a_post(hostile: HostileProvider) -> None:
    assert new_browser().get('/harp/backchannel-logout/').status_code == 405


def test_signing_out_here_goes_on_there(browser: Any, hostile: HostileProvider) -> None:
    # As Postorius's own link asks for it.
    response = browser.post('/accounts/logout/?next=/mailman3/lists/')
    url = urlsplit(response['Location'])
    assert f'{url.scheme}://{url.netloc}{url.path}' == f'{hostile.issuer}/logout'
    query = parse_qs(url.query)
    assert query['client_id'] == ['mailer']
    assert query['post_logout_redirect_uri'] == ['https://lists.example.gov/']
    assert query['id_token_hint'][0].count('.') == 2
    assert who(browser) is None
    assert not ProviderSession.objects.exists()


def test_signing_out_works_while_the_provider_is_down(
    browser: Any, hostile: HostileProvider
) -> None:
    hostile.stop()
    cache.clear()
    response = browser.post('/accounts/logout/')
    assert response['Location'] == '/'
    assert who(browser) is None


def test_signing_out_where_the_provider_offers_nothing(
    browser: Any, hostile: HostileProvider
) -> None:
    hostile.discovery = {'end_session_endpoint': None}
    cache.clear()
    assert browser.post('/accounts/logout/')['Location'] == '/'


def test_a_password_session_stays_here(hostile: HostileProvider) -> None:
    account('eve', 'eve@example.org', verified=True)
    browser = new_browser()
    sign_in_with_password(browser, 'eve')
    response = browser.post('/accounts/logout/?next=/archives/')
    assert response['Location'] == '/archives/'
    response = browser.post('/accounts/logout/?next=https://evil.example/')
    assert response['Location'] == '/'


def test_rows_of_sessions_that_ran_out_go(
    browser: Any, hostile: HostileProvider
) -> None:
    old = timezone.now() - timedelta(seconds=3600 * 24 * 15)
    ProviderSession.objects.update(created=old)
    hostile.sign_in(new_browser())
    assert ProviderSession.objects.count() == 1


def test_the_time_that_a_token_is_remembered(
    browser: Any, hostile: HostileProvider
) -> None:
    """As long as it would be taken, the clocks' difference included."""
    token = hostile.logout_token(exp=int(time.time()) - 30)
    assert sent(token).status_code == 200
    assert sent(token).status_code == 400
