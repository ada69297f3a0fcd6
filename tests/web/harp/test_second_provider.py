# SPDX-License-Identifier: GPL-3.0-or-later
"""Through LemonLDAP::NG: what another maker's provider says is understood (R24)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from django.test import override_settings

from qnet_mailman.web.harp import oidc
from qnet_mailman.web.harp.config import for_allauth, read_providers
from qnet_mailman.web.harp.connection import examine
from tests.web.harp.certified import free_port
from tests.web.harp.conftest import RolesCore
from tests.web.harp.lemonldap import CLIENT, SECRET, LemonLDAP, needed
from tests.web.harp.walking import Walker, live_site

ROLE = 'QualityNet Workspace/QualityNet Mailer/List'


def person(uid: str, roles: str) -> dict[str, str]:
    """Somebody as the provider knows them; several roles are separated by '; '."""
    email = f'{uid}@agency.test'
    name = f'{uid.title()} Example'
    return {'uid': uid, 'cn': name, 'mail': email, 'verified': '1', 'roles': roles}


ACCOUNTS = {
    'ann': person('ann', f'{ROLE} Administrator'),
    'bob': person('bob', f'{ROLE} Administrator; {ROLE} Moderator'),
    'cal': person('cal', f'{ROLE} Moderator; Other/Other/Other'),
    'dan': person('dan', ''),
    'eve': person('eve', 'Other/Other/Other'),
}


@pytest.fixture(scope='module', params=['', 'RS256'], ids=['json', 'signed'])
def running(
    web: Path, tmp_path_factory: pytest.TempPathFactory, request: Any
) -> Iterator[tuple[LemonLDAP, str]]:
    needed()
    folder = tmp_path_factory.mktemp('lemonldap')
    with (
        live_site(free_port()) as site,
        LemonLDAP(folder, site, ACCOUNTS, request.param) as provider,
    ):
        yield provider, site


@contextmanager
def known(provider: LemonLDAP, **fields: Any) -> Iterator[None]:
    mine = {
        'name': 'HARP',
        'issuer': provider.issuer,
        'client_id': CLIENT,
        'client_secret': SECRET,
        'scope': ('openid', 'profile', 'email', 'roles'),
        'claims': {'roles_form': 'strings'},
        **fields,
    }
    providers = read_providers({'harp': mine})
    with override_settings(
        OPENID_PROVIDERS=providers,
        SOCIALACCOUNT_PROVIDERS=for_allauth(providers),
        LOCAL_SUPERUSERS=False,
        LOCAL_SIGN_UP=False,
    ):
        yield


def sign_in(site: str, uid: str, walker: Walker | None = None) -> Walker:
    """From our sign-in page through the provider's, and back."""
    walker = walker or Walker()
    walker.open(f'{site}/accounts/login/')
    walker.press('/oidc/')
    walker.press('#', user=uid, password=uid)
    return walker


@pytest.mark.parametrize(
    ('uid', 'roles'),
    [
        # One role comes as a string, two as a list, none not at all.
        ('ann', ['administrator']),
        ('bob', ['administrator', 'moderator']),
        ('cal', ['moderator']),
        ('dan', []),
        ('eve', []),
    ],
)
def test_people_with_a_right_get_in(
    running: tuple[LemonLDAP, str], roles_core: RolesCore, uid: str, roles: list[str]
) -> None:
    provider, site = running
    with known(provider):
        walker = sign_in(site, uid)
        assert walker.page.status_code == 200, walker.page.text
        assert walker.is_at('/harp/no-role/') == (not roles)
        assert walker.is_signed_in(site)
    assert roles_core.granted == {('harp', uid): roles}
    assert roles_core.sign_ins[0]['email'] == [f'{uid}@agency.test']


def test_what_it_really_says(
    running: tuple[LemonLDAP, str], roles_core: RolesCore
) -> None:
    """So that the test above shows what it is there for."""
    seen: list[Any] = []
    provider, site = running
    fetch_claims = oidc.fetch_claims

    def watched(*arguments: Any) -> Any:
        seen.append(fetch_claims(*arguments))
        return seen[-1]

    with pytest.MonkeyPatch.context() as patch, known(provider):
        patch.setattr(oidc, 'fetch_claims', watched)
        for uid in ('ann', 'bob'):
            sign_in(site, uid)
    one, two = seen
    if isinstance(one, str):
        one, two = (
            jwt.decode(token, options={'verify_signature': False}) for token in seen
        )
        assert {'iss', 'aud'}.isdisjoint(one)
    assert isinstance(one['roles'], str)
    assert isinstance(two['roles'], list)


def test_claims_in_another_form_are_told_as_that(
    running: tuple[LemonLDAP, str], roles_core: RolesCore
) -> None:
    provider, site = running
    with known(provider, claims={'roles_form': 'objects'}):
        walker = sign_in(site, 'ann')
    assert walker.page.status_code == 403
    assert 'Trying again will not help' in walker.page.text
    assert roles_core.sign_ins == []


def test_the_connection(running: tuple[LemonLDAP, str]) -> None:
    from qnet_mailman.web.harp.config import providers

    provider, _site = running
    for method in ('client_secret_basic', 'client_secret_post'):
        with known(provider, token_auth_method=method):
            seen = examine(providers()['harp'])
        assert (seen.problem, seen.keys, seen.notes) == ('', 1, [])
    with known(provider, client_secret='another secret'):
        assert examine(providers()['harp']).problem


def test_signing_out_here_signs_out_there(
    running: tuple[LemonLDAP, str], roles_core: RolesCore
) -> None:
    provider, site = running
    with known(provider):
        walker = sign_in(site, 'ann')
        walker.open(f'{site}/accounts/logout/')
        walker.press('/accounts/logout/')
        assert walker.page.url == f'{site}/', walker.page.text
        assert not walker.is_signed_in(site)
        # And one click does not sign in again.
        walker.open(f'{site}/accounts/login/')
        walker.press('/oidc/')
        assert 'name="password"' in walker.page.text


def test_a_password_that_is_wrong(running: tuple[LemonLDAP, str]) -> None:
    provider, site = running
    with known(provider):
        walker = Walker()
        walker.open(f'{site}/accounts/login/')
        walker.press('/oidc/')
        page: requests.Response = walker.press('#', user='ann', password='no')
    assert page.url.startswith(provider.issuer)
