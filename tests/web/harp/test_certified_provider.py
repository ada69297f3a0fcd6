# SPDX-License-Identifier: GPL-3.0-or-later
"""Through the certified provider, over real connections, both ways."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from django.test import override_settings
from requests.auth import HTTPBasicAuth

from qnet_mailman.core_credential import USER, password_from
from qnet_mailman.demo.processes import wait_until
from qnet_mailman.web.harp.config import for_allauth, read_providers
from qnet_mailman.web.harp.models import ProviderPerson
from qnet_mailman.web.harp.provider import QNetOpenIDProvider
from qnet_mailman.web.harp.refresh import Outcome, refresh
from qnet_mailman.web.harp.sealing import unseal
from tests.web.harp.certified import SECRET, CertifiedProvider, free_port
from tests.web.harp.conftest import RolesCore
from tests.web.harp.walking import Walker, live_site

ACCOUNTS = {
    'ann': {
        'name': 'Ann Example',
        'email': 'ann@example.gov',
        'email_verified': True,
        'harp_id': 'aexample',
        'roles': [
            {
                'program': 'QualityNet Workspace',
                'organization': 'QualityNet Mailer',
                'role': 'List Administrator',
            }
        ],
    },
    'bob': {
        'name': 'Bob Example',
        'email': 'bob@example.gov',
        'email_verified': True,
        'harp_id': 'bexample',
    },
    'carol': {
        'name': 'Carol Example',
        'email': 'carol@example.gov',
        'email_verified': False,
        'harp_id': 'cexample',
    },
}


@pytest.fixture(scope='module')
def running(
    web: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[CertifiedProvider, str]]:
    port = free_port()
    folder = tmp_path_factory.mktemp('oidc')
    provider = CertifiedProvider(folder, f'http://127.0.0.1:{port}')
    with live_site(port) as site:
        provider.start()
        yield provider, site
        provider.stop()


@pytest.fixture
def provider(running: tuple[CertifiedProvider, str]) -> CertifiedProvider:
    running[0].set_accounts(ACCOUNTS)
    return running[0]


@pytest.fixture
def site(running: tuple[CertifiedProvider, str]) -> str:
    return running[1]


@contextmanager
def known(provider: CertifiedProvider, **fields: Any) -> Iterator[None]:
    providers = read_providers(
        {
            'harp': {
                'name': 'HARP',
                'issuer': provider.issuer,
                'client_id': 'mailer',
                'client_secret': SECRET,
                'scope': ('openid', 'profile', 'email', 'harp', 'offline_access'),
                'claims': {'user_id': 'harp_id'},
                **fields,
            }
        }
    )
    with override_settings(
        OPENID_PROVIDERS=providers,
        SOCIALACCOUNT_PROVIDERS=for_allauth(providers),
        LOCAL_SUPERUSERS=False,
    ):
        yield


@pytest.fixture
def connected(provider: CertifiedProvider) -> Iterator[None]:
    with known(provider):
        yield


def eventually(happened: Any) -> bool:
    wait_until(happened, 30, 'what the provider tells the site')
    return True


@pytest.mark.usefixtures('connected')
def test_signing_in_with_a_role(site: str, roles_core: RolesCore) -> None:
    walker = Walker()
    walker.sign_in(site, 'ann')
    assert walker.page.url == f'{site}/', walker.page.text
    assert walker.is_signed_in(site)
    assert roles_core.granted == {('harp', 'aexample'): ['administrator']}


@pytest.mark.usefixtures('connected')
def test_signing_in_without_a_role(site: str, roles_core: RolesCore) -> None:
    walker = Walker()
    walker.sign_in(site, 'bob')
    assert walker.is_at('/harp/no-role/')
    assert 'bexample' in walker.page.text
    assert walker.is_signed_in(site)


@pytest.mark.usefixtures('connected')
def test_an_address_that_is_not_verified(site: str, roles_core: RolesCore) -> None:
    walker = Walker()
    page = walker.sign_in(site, 'carol')
    assert page.status_code == 403
    assert 'not confirmed' in page.text
    assert not walker.is_signed_in(site)


@pytest.mark.usefixtures('connected')
def test_leaving_the_provider_without_signing_in(
    site: str, roles_core: RolesCore
) -> None:
    walker = Walker()
    walker.open(f'{site}/accounts/login/')
    walker.press('/oidc/')
    walker.open(f'{walker.page.url}/abort')
    assert walker.is_at('/accounts/oidc/harp/login/callback/')
    assert 'without signing in' in walker.page.text


def test_the_wrong_secret(
    provider: CertifiedProvider, site: str, roles_core: RolesCore
) -> None:
    with known(provider, client_secret='another secret'):
        walker = Walker()
        assert walker.sign_in(site, 'ann').status_code == 503
        assert not walker.is_signed_in(site)


@pytest.mark.parametrize(
    ('fields', 'problem'),
    [
        ({}, ''),
        ({'token_auth_method': 'client_secret_post'}, ''),
        ({'client_secret': 'another secret'}, 'check client_id, client_secret'),
        ({'client_id': 'another'}, 'check client_id, client_secret'),
        ({'issuer': 'http://127.0.0.1:1'}, 'GET http://127.0.0.1:1/'),
    ],
)
def test_the_connection(
    provider: CertifiedProvider, site: str, fields: dict[str, str], problem: str
) -> None:
    """As `mailman qnet check` and `django-admin check_providers` see it."""
    with known(provider, **fields):
        (seen,) = requests.get(
            f'{site}/harp/connections/',
            auth=(USER, password_from('test password')),
            timeout=300,
        ).json()['providers']
    assert seen['provider'] == 'harp'
    assert seen['issuer'] == fields.get('issuer', provider.issuer)
    assert problem in seen['problem']
    assert bool(problem) == bool(seen['problem'])
    assert 'another secret' not in seen['problem']


def test_without_pkce_the_provider_refuses(
    provider: CertifiedProvider,
    site: str,
    roles_core: RolesCore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So that the tests above show that ours is there."""
    monkeypatch.setattr(QNetOpenIDProvider, 'get_pkce_params', lambda _self: {})
    with known(provider):
        walker = Walker()
        walker.open(f'{site}/accounts/login/')
        walker.press('/oidc/')
        assert not walker.is_at('/interaction/')
        assert 'error=invalid_request' in walker.page.url


@pytest.mark.usefixtures('connected')
def test_signing_out_here_signs_out_there(site: str, roles_core: RolesCore) -> None:
    walker = Walker()
    walker.sign_in(site, 'ann')
    walker.open(f'{site}/accounts/logout/')
    walker.press('/accounts/logout/')
    # The provider asks once more, then leads back.
    walker.press('/session/end/confirm', logout='yes')
    assert walker.page.url == f'{site}/'
    assert not walker.is_signed_in(site)
    # And one click does not sign in again.
    walker.open(f'{site}/accounts/login/')
    walker.press('/oidc/')
    assert 'name="login"' in walker.page.text


def test_signing_out_there_signs_out_here(
    provider: CertifiedProvider, site: str, roles_core: RolesCore
) -> None:
    with known(provider):
        walker, elsewhere = Walker(), Walker()
        walker.sign_in(site, 'ann')
        elsewhere.sign_in(site, 'ann')
        walker.open(f'{provider.issuer}/session/end')
        walker.press('/session/end/confirm', logout='yes')
        assert eventually(lambda: not walker.is_signed_in(site)), provider.log
        assert 'backchannel.success' in provider.log
        # The token names the one session that ended.
        assert elsewhere.is_signed_in(site)


def test_new_keys(
    provider: CertifiedProvider, site: str, roles_core: RolesCore
) -> None:
    with known(provider):
        assert Walker().sign_in(site, 'ann').status_code == 200
        provider.stop()
        provider.start()
        walker = Walker()
        walker.sign_in(site, 'ann')
        assert walker.is_signed_in(site)


def test_the_provider_is_down(
    provider: CertifiedProvider, site: str, roles_core: RolesCore
) -> None:
    with known(provider):
        provider.stop()
        try:
            walker = Walker()
            walker.open(f'{site}/accounts/login/')
            assert walker.press('/oidc/').status_code == 503
        finally:
            provider.start()


@pytest.mark.parametrize('how', ['userinfo', 'introspection'])
def test_refreshing_and_revoking(
    provider: CertifiedProvider, site: str, roles_core: RolesCore, how: str
) -> None:
    from qnet_mailman.web.harp.config import providers

    with known(provider, refresh=how):
        Walker().sign_in(site, 'ann')
        person = ProviderPerson.objects.get()
        config = providers()['harp']
        assert refresh(person, config) is Outcome.CONFIRMED
        assert roles_core.granted['harp', 'aexample'] == ['administrator']
        if how == 'userinfo':
            provider.set_accounts({'ann': {**ACCOUNTS['ann'], 'roles': []}})
            assert refresh(person, config) is Outcome.CONFIRMED
            assert roles_core.granted['harp', 'aexample'] == []
            roles_core.granted['harp', 'aexample'] = ['administrator']
        person.refresh_from_db()
        done = requests.post(
            f'{provider.issuer}/token/revocation',
            data={'token': unseal(person.refresh_token)},
            auth=HTTPBasicAuth('mailer', quote(SECRET, '')),
            timeout=300,
        )
        assert done.status_code == 200
        assert refresh(person, config) is Outcome.WITHDRAWN
        assert roles_core.granted['harp', 'aexample'] == []
