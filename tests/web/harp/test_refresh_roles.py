# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles of people who do not sign in: what the provider says, and only that."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import timezone

from qnet_mailman.web.harp.models import ProviderPerson
from qnet_mailman.web.harp.sealing import unseal
from tests.web.harp.conftest import RolesCore
from tests.web.harp.hostile import HostileProvider, new_browser

OFFLINE = {'scope': ('openid', 'offline_access')}


@pytest.fixture
def asked(roles_core: RolesCore) -> Iterator[HostileProvider]:
    """A provider that is asked with refresh tokens, and knows Ann."""
    with (
        HostileProvider() as provider,
        provider.known_as('harp', refresh='userinfo', **OFFLINE),
    ):
        provider.refresh_token = 'refresh-1'
        assert provider.sign_in(new_browser()).status_code == 302
        yield provider


def run(*, fails: bool = False) -> str:
    out = io.StringIO()
    if fails:
        with pytest.raises(SystemExit) as caught:
            call_command('refresh_roles', stdout=out)
        assert caught.value.code == 1
    else:
        call_command('refresh_roles', stdout=out)
    return out.getvalue().strip()


def stored() -> str:
    sealed = ProviderPerson.objects.get().refresh_token
    return unseal(sealed) or '' if sealed else ''


def roles_now(core: RolesCore) -> list[str]:
    return core.granted['harp', 'subject-1']


def test_the_token_is_not_readable_in_the_database(asked: HostileProvider) -> None:
    assert 'refresh-1' not in ProviderPerson.objects.get().refresh_token
    assert stored() == 'refresh-1'


def test_offline_access_is_asked_for_with_consent(asked: HostileProvider) -> None:
    assert asked.begin(new_browser())['prompt'] == 'consent'


def test_nothing_is_stored_without_refresh(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    hostile.refresh_token = 'refresh-1'
    hostile.sign_in(new_browser())
    assert stored() == ''


def test_a_role_that_is_gone(asked: HostileProvider, roles_core: RolesCore) -> None:
    assert run() == 'confirmed 1, withdrawn 0, unknown 0, busy 0'
    assert roles_now(roles_core) == ['administrator']
    asked.claims['roles'] = []
    assert run() == 'confirmed 1, withdrawn 0, unknown 0, busy 0'
    assert roles_now(roles_core) == []
    form = asked.forms[-1]
    assert form['grant_type'] == ['refresh_token']
    assert form['refresh_token'] == ['refresh-1']


def test_a_new_token_takes_the_place_of_the_old(asked: HostileProvider) -> None:
    asked.refresh_token = 'refresh-2'
    # Even where what comes after it fails.
    asked.answers['/userinfo'] = (500, b'')
    run(fails=True)
    assert stored() == 'refresh-2'


def test_a_sign_in_without_a_new_token_keeps_the_old(asked: HostileProvider) -> None:
    asked.refresh_token = None
    asked.sign_in(new_browser())
    assert stored() == 'refresh-1'


def test_a_refused_token_takes_the_roles(
    asked: HostileProvider, roles_core: RolesCore
) -> None:
    asked.answers['/token'] = (400, {'error': 'invalid_grant'})
    assert run() == 'confirmed 0, withdrawn 1, unknown 0, busy 0'
    assert roles_now(roles_core) == []
    assert stored() == ''
    # And once is enough.
    assert run() == 'confirmed 0, withdrawn 0, unknown 0, busy 0'


@pytest.mark.parametrize(
    ('path', 'answer'),
    [
        ('/token', (500, b'')),
        ('/token', (200, b'nonsense')),
        ('/token', (401, {'error': 'invalid_client'})),
        ('/token', (400, {'error': 'invalid_scope'})),
        ('/userinfo', (401, {'error': 'invalid_token'})),
        ('/userinfo', (200, {'sub': 'subject-2', 'roles': []})),
        ('/userinfo', (200, {'sub': 'subject-1', 'roles': 'x'})),
    ],
)
def test_a_provider_that_says_nothing_changes_nothing(
    asked: HostileProvider, roles_core: RolesCore, path: str, answer: Any
) -> None:
    asked.answers[path] = answer
    assert run(fails=True) == 'confirmed 0, withdrawn 0, unknown 1, busy 0'
    assert roles_now(roles_core) == ['administrator']
    assert stored() == 'refresh-1'


def test_a_refreshed_token_about_somebody_else(
    asked: HostileProvider, roles_core: RolesCore
) -> None:
    asked.id_claims = {'sub': 'subject-2'}
    run(fails=True)
    assert roles_now(roles_core) == ['administrator']


def test_core_is_down(asked: HostileProvider, roles_core: RolesCore) -> None:
    asked.answers['/token'] = (400, {'error': 'invalid_grant'})
    roles_core.down = True
    with pytest.raises(CommandError, match='core does not answer'):
        call_command('refresh_roles')
    # The next run withdraws.
    roles_core.down = False
    assert run() == 'confirmed 0, withdrawn 1, unknown 0, busy 0'


def test_two_runs_do_not_use_one_token(asked: HostileProvider) -> None:
    people = ProviderPerson.objects.all()
    people.update(busy_until=timezone.now() + timedelta(minutes=1))
    assert run() == 'confirmed 0, withdrawn 0, unknown 0, busy 1'
    people.update(busy_until=timezone.now() - timedelta(minutes=1))
    assert run() == 'confirmed 1, withdrawn 0, unknown 0, busy 0'


def test_a_token_of_another_secret_key(
    asked: HostileProvider, roles_core: RolesCore
) -> None:
    with override_settings(SECRET_KEY='another one, long enough for the tests'):
        run(fails=True)
    assert roles_now(roles_core) == ['administrator']


def test_a_token_of_an_old_secret_key(asked: HostileProvider) -> None:
    old = settings.SECRET_KEY
    with override_settings(SECRET_KEY='x' * 40, SECRET_KEY_FALLBACKS=[old]):
        assert run() == 'confirmed 1, withdrawn 0, unknown 0, busy 0'


def test_turning_it_off_deletes_the_tokens(asked: HostileProvider) -> None:
    with asked.known_as('harp'):
        run()
    assert stored() == ''


@pytest.mark.parametrize(
    ('answer', 'roles', 'result'),
    [
        ({'active': True}, ['administrator'], 'confirmed 1'),
        ({'active': True, 'roles': []}, [], 'confirmed 1'),
        ({'active': False}, [], 'withdrawn 1'),
    ],
)
def test_introspection(
    asked: HostileProvider,
    roles_core: RolesCore,
    answer: Any,
    roles: list[str],
    result: str,
) -> None:
    asked.answers['/introspect'] = (200, answer)
    with asked.known_as('harp', refresh='introspection', **OFFLINE):
        assert result in run()
    assert roles_now(roles_core) == roles


@pytest.mark.parametrize(
    'answer',
    [
        (200, {'active': 'false'}),
        (200, {}),
        (200, {'active': True, 'sub': 'subject-2', 'roles': []}),
        (200, {'active': True, 'roles': 'x'}),
        (503, b''),
    ],
)
def test_introspection_that_says_nothing(
    asked: HostileProvider, roles_core: RolesCore, answer: Any
) -> None:
    asked.answers['/introspect'] = answer
    with asked.known_as('harp', refresh='introspection', **OFFLINE):
        run(fails=True)
    assert roles_now(roles_core) == ['administrator']


def test_checking_the_connection(asked: HostileProvider) -> None:
    out = io.StringIO()
    call_command('check_providers', stdout=out)
    said = out.getvalue()
    assert f'harp: {asked.issuer}' in said
    assert '/accounts/oidc/harp/login/callback/' in said
    assert '/harp/backchannel-logout/' in said
    assert 'keys: 1' in said
    asked.stop()
    with pytest.raises(SystemExit):
        call_command('check_providers', stdout=out)
    assert 'PROBLEM: GET' in out.getvalue()
