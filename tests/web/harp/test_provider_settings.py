# SPDX-License-Identifier: GPL-3.0-or-later
"""OPENID_PROVIDERS: what is wrong is said, and no secret with it."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from qnet_mailman.web.harp.checks import check_sign_in
from qnet_mailman.web.harp.config import for_allauth, is_safe, read_providers
from qnet_mailman.web.sitefile import read_site_file

ROOT = Path(__file__).resolve().parents[3]
GOOD = {
    'name': 'HARP',
    'issuer': 'https://harp.example.gov',
    'client_id': 'mailer',
    'client_secret': 'do not tell',
}


def test_a_provider_and_what_allauth_hears_of_it() -> None:
    providers = read_providers({'harp': GOOD})
    assert providers['harp'].clock_skew == 60
    app = for_allauth(providers)['openid_connect']['APPS'][0]
    assert app['provider_id'] == 'harp'
    assert app['settings']['oauth_pkce_enabled'] is True
    assert 'do not tell' not in repr(app) + repr(providers)


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'issuer': 'http://harp.example.gov'}, 'https'),
        ({'issuer': 'https://harp.example.gov?x'}, 'https'),
        ({'issuer': 'harp.example.gov'}, 'https'),
        ({'client_secret': ''}, 'client_secret: '),
        ({'client_id': ''}, 'client_id: '),
        ({'scope': ('profile',)}, '"openid" is missing'),
        ({'algorithms': ('none',)}, 'algorithms'),
        ({'algorithms': ('HS256',)}, 'algorithms'),
        ({'refresh': 'always'}, 'refresh: '),
        ({'clock_skew': 100_000}, 'clock_skew: '),
        ({'typo': 1}, 'typo: '),
        ({'claims': {'typo': 1}}, 'claims.typo: '),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        read_providers({'harp': {**GOOD, **changes}})
    assert "OPENID_PROVIDERS['harp']: " in str(caught.value)
    assert words in str(caught.value)
    assert 'do not tell' not in str(caught.value)


def test_two_providers_have_two_issuers() -> None:
    with pytest.raises(ImproperlyConfigured, match='same issuer'):
        read_providers({'harp': GOOD, 'eua': GOOD})


def test_a_key_that_is_no_part_of_an_address() -> None:
    with pytest.raises(ImproperlyConfigured):
        read_providers({'../harp': GOOD})


def test_the_site_file_names_itself(web: Path, tmp_path: Path) -> None:
    site = tmp_path / 'site.py'
    site.write_text(f'{web.read_text()}\nOPENID_PROVIDERS = {{"harp": 1}}\n')
    with pytest.raises(ImproperlyConfigured, match=r'site\.py: OPENID_PROVIDERS'):
        read_site_file(site)


def test_the_example_shows_what_can_be_set() -> None:
    text = (ROOT / 'etc/settings_local.py').read_text()
    begin = text.index('# OPENID_PROVIDERS = {')
    lines = text[begin : text.index('\n# }\n', begin) + 4].splitlines()
    example: dict[str, Any] = {}
    exec('\n'.join(line.removeprefix('# ') for line in lines), example)
    found = example['OPENID_PROVIDERS']
    assert found['harp'].pop('client_secret') == ''
    providers = read_providers({'harp': {**found['harp'], 'client_secret': 'x'}})
    assert providers['harp'].claims.roles == 'roles'
    # As the file stands, no provider is set.
    assert 'OPENID_PROVIDERS' not in runpy.run_path(str(ROOT / 'etc/settings_local.py'))


@pytest.mark.parametrize(
    ('url', 'safe'),
    [
        ('https://harp.example.gov/x', True),
        ('http://127.0.0.1:9400/x', True),
        ('http://localhost:9400', True),
        ('http://localhost.example.org', False),
        ('http://127.0.0.1@example.org', False),
        ('https:///x', False),
        ('http://[::1', False),
        ('ftp://127.0.0.1/', False),
        ('', False),
    ],
)
def test_addresses_that_nobody_listens_to(url: str, safe: bool) -> None:
    assert is_safe(url) is safe


def test_check_deploy_names_what_is_open() -> None:
    def found() -> list[str]:
        return [str(message.id) for message in check_sign_in()]

    assert found() == ['qnet.W001']
    with override_settings(OPENID_PROVIDERS=read_providers({'harp': GOOD})):
        with override_settings(LOCAL_SUPERUSERS=True):
            assert found() == ['qnet.W002']
        with override_settings(LOCAL_SUPERUSERS=False):
            assert found() == []
