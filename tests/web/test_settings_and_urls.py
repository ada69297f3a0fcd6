# SPDX-License-Identifier: GPL-3.0-or-later
"""The site file, the settings made from it, and the addresses of pages."""

from __future__ import annotations

import io
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.sites.models import Site
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.test import Client
from django.urls import resolve, reverse

from qnet_mailman.web.sitefile import (
    DEFAULT_PATH,
    REQUIRED,
    read_site_file,
    site_path,
)

ROOT = Path(__file__).resolve().parents[2]


def altered(site_file: Path, folder: Path, **changes: object) -> Path:
    """A copy of the site file with other values."""
    copy = folder / 'altered.py'
    lines = [f'{name} = {value!r}' for name, value in changes.items()]
    copy.write_text('\n'.join([site_file.read_text(), *lines]))
    return copy


def test_where_the_site_file_is() -> None:
    assert site_path({}) == Path(DEFAULT_PATH)
    assert site_path({'QNET_WEB_SETTINGS': '/x/y.py'}) == Path('/x/y.py')


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match=r'none\.py: no such file'):
        read_site_file(tmp_path / 'none.py')


@pytest.mark.parametrize('name', REQUIRED)
def test_a_missing_setting_is_named_with_its_purpose(
    web: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        read_site_file(altered(web, tmp_path, **{name: ''}))
    assert f'not set: {name} ({REQUIRED[name]})' in str(caught.value)


@pytest.mark.parametrize(
    ('name', 'value', 'words'),
    [
        ('SECRET_KEY', 'short', 'too short'),
        ('WEB_URL', 'lists.example.gov', 'expected'),
        ('WEB_URL', 'https://example.gov/lists/', 'without a path'),
        ('VAR_DIR', 'var', 'absolute'),
        ('SUPPORT_ADDRESS', 'the help desk', 'an e-mail address'),
        ('FORMS_ADDRESS', 'requests@', 'an e-mail address'),
        ('AGENCY_LINKS', {'Privacy': 'agency.example.gov'}, 'web addresses'),
        ('AGENCY', 'Two\nlines', 'one line of text'),
        ('SIGNUP_DOMAINS', 'example.gov', 'expected domains'),
        ('SIGNUP_DOMAINS', ['@example.gov'], 'expected domains'),
        ('SUPPORT_PHONE', 18005550100, 'one line of text'),
        ('SUPPORT_LINKS', {'Portal': 'support.example.gov'}, 'web addresses'),
        ('CLIENT_ADDRESS_HEADER', 'X-Real-IP', 'HTTP_X_REAL_IP'),
        ('OTHER_LISTS_NEED_ROLE', 'no', 'True or False'),
        ('LOCAL_SUPERUSERS', 'no', 'True or False'),
        ('LOG_JSON', 'no', 'True or False'),
        ('OFFICIAL_BANNER', 'yes', 'True or False'),
        ('BRAND_COLORS', {'primary': '#ffffff'}, 'all of primary, primary-dark'),
        ('BRAND_LOGO', '/no/such/logo.svg', 'No such file'),
        ('SECURITY_CONTACT', 'security@example.gov', 'mailto:'),
        ('SECURITY_POLICY', 'http://agency.example.gov', 'https://'),
        ('ROLE_IDLE_SECONDS', '8h', 'a number of seconds'),
        ('OPERATOR_IDLE_SECONDS', 0, 'a number of seconds'),
        ('OPERATOR_IDLE_SECONDS', True, 'a number of seconds'),
    ],
)
def test_a_value_that_cannot_work_is_named(
    web: Path, tmp_path: Path, name: str, value: object, words: str
) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        read_site_file(altered(web, tmp_path, **{name: value}))
    assert name in str(caught.value)
    assert words in str(caught.value)


def test_a_file_that_does_not_run_is_named(tmp_path: Path) -> None:
    broken = tmp_path / 'broken.py'
    broken.write_text('WEB_URL = \n')
    with pytest.raises(ImproperlyConfigured, match=r'broken\.py: SyntaxError'):
        read_site_file(broken)


def test_the_example_has_every_required_setting_and_no_secret() -> None:
    example = runpy.run_path(str(ROOT / 'etc/settings_local.py'))
    assert set(REQUIRED) <= set(example)
    secret = {'SECRET_KEY', 'MAILMAN_REST_API_PASS', 'MAILMAN_ARCHIVER_KEY'}
    assert {name for name in REQUIRED if not example[name]} == secret
    with pytest.raises(ImproperlyConfigured):
        read_site_file(ROOT / 'etc/settings_local.py')


def test_what_the_settings_make_of_the_site_file() -> None:
    assert settings.DEBUG is False
    assert settings.ALLOWED_HOSTS[0] == 'lists.example.gov'
    assert settings.SESSION_COOKIE_SECURE
    assert settings.CSRF_COOKIE_SECURE
    assert settings.CSRF_TRUSTED_ORIGINS == ['https://lists.example.gov']


def test_the_site_has_its_name_after_migrate() -> None:
    site = Site.objects.get()
    assert (site.domain, site.name) == ('lists.example.gov', 'QualityNet Mailer')


def test_django_finds_nothing_wrong() -> None:
    call_command('check', fail_level='WARNING')
    out = io.StringIO()
    call_command('makemigrations', '--check', '--dry-run', stdout=out)


def test_every_address_leads_somewhere() -> None:
    for name in (
        'qnet_home',
        'qnet_signup',
        'qnet_signup_done',
        'list_index',
        'list_new',
        'hk_root',
        'mm_user_profile',
        'account_login',
        'account_logout',
    ):
        assert resolve(reverse(name)).url_name == name


def test_the_start_page_leads_to_lists_and_archives() -> None:
    page = Client(headers={'host': 'lists.example.gov'}).get('/').content.decode()
    assert '<h1>QualityNet Mailer</h1>' in page
    assert 'href="/mailman3/lists/"' in page
    assert 'href="/archives/"' in page


def test_without_a_site_file_django_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, '-m', 'django', 'check'],
        env={
            'DJANGO_SETTINGS_MODULE': 'qnet_mailman.web.settings',
            'QNET_WEB_SETTINGS': str(tmp_path / 'none.py'),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert 'etc/settings_local.py' in done.stderr.splitlines()[-1]
