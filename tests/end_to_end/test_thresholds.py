# SPDX-License-Identifier: GPL-3.0-or-later
"""Threshold and window on a running site: who may change them, and how (R21)."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from qnet_mailman.demo import story
from qnet_mailman.demo.configuration import ROOT
from qnet_mailman.demo.narrator import Narrator
from qnet_mailman.demo.roles import Visitor
from qnet_mailman.demo.site import Site
from tests.end_to_end.conftest import LIST

OWNER = 'sam@agency.example.gov'
CHANGE = ROOT / 'provisioning' / 'examples' / 'threshold-change.yaml'

#: A local account with an address that it has proved.
MAKE_ACCOUNT = """
import sys
import django
django.setup()
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
name, email, password = sys.argv[1:]
user = get_user_model().objects.create_user(name, email, password)
EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
"""

pytestmark = pytest.mark.site(web=True, provider=True)


@pytest.fixture(scope='module', autouse=True)
def sam(site: Site) -> None:
    """An account with a local password."""
    subprocess.run(
        [sys.executable, '-c', MAKE_ACCOUNT, 'sam', OWNER, 'owner password'],
        env=site.environment(),
        check=True,
        timeout=300,
    )


def token_in(page: str) -> str:
    match = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert match is not None, page[:2000]
    return match[1]


@contextmanager
def signed_in(site: Site, name: str, password: str) -> Iterator[requests.Session]:
    """A browser's session of a local account."""
    with requests.Session() as session:
        session.trust_env = False
        url = f'{site.web_url}/accounts/login/'
        page = session.get(url, timeout=300).text
        answer = session.post(
            url,
            data={
                'login': name,
                'password': password,
                'csrfmiddlewaretoken': token_in(page),
            },
            headers={'Referer': url},
            timeout=300,
        )
        assert answer.status_code == 200 and 'logout' in answer.text
        yield session


def administrator(site: Site) -> requests.Session:
    """The browser of an administrator of the list, signed in through the provider."""
    tale = story.from_form(site, Narrator(io.StringIO()))
    return Visitor(tale, site.accounts.administrator).web


def forge(site: Site, session: requests.Session, warnings: int) -> str:
    """Send the form with values that the page does not let anybody type.

    :return: The page before it.
    """
    list_id = LIST.replace('@', '.')
    url = f'{site.postorius_url}{list_id}/settings/bounce_processing'
    page = session.get(url, timeout=300)
    assert page.status_code == 200
    answer = session.post(
        url,
        data={
            'csrfmiddlewaretoken': token_in(page.text),
            'process_bounces': 'True',
            'bounce_score_threshold': '99',
            'bounce_info_stale_after': '99d',
            'bounce_notify_owner_on_bounce_increment': 'True',
            'bounce_notify_owner_on_disable': 'True',
            'bounce_notify_owner_on_removal': 'True',
            'forward_unrecognized_bounces_to': 'site_owner',
            'bounce_you_are_disabled_warnings_interval': '7d',
            'bounce_you_are_disabled_warnings': str(warnings),
        },
        headers={'Referer': url},
        timeout=300,
    )
    assert answer.status_code == 200
    assert 'The settings have been updated' in answer.text
    return page.text


def shown(site: Site) -> tuple[int, int]:
    done = site.mailman('qnet', 'show', LIST, '--json', check=True)
    found = json.loads(done.stdout)
    return found['threshold'], found['window_days']


def config(site: Site) -> dict[str, Any]:
    answer = site.rest('GET', f'lists/{LIST.replace("@", ".")}/config')
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.long
def test_a_local_password_opens_no_settings(site: Site) -> None:
    """On the owners' roster, and not signed in through a provider (R27)."""
    list_id = LIST.replace('@', '.')
    url = f'{site.postorius_url}{list_id}/settings/bounce_processing'
    with signed_in(site, 'sam', 'owner password') as session:
        assert session.get(url, timeout=300).status_code == 403
        assert (
            session.post(url, headers={'Referer': url}, timeout=300).status_code == 403
        )


@pytest.mark.long
def test_a_forged_form_changes_everything_but_these_two(site: Site) -> None:
    warnings = 5
    before = config(site)
    threshold = shown(site)
    page = forge(site, administrator(site), warnings)
    assert 'threshold-change form' in page
    assert 'help@example.gov' in page
    assert shown(site) == threshold == (5, 7)
    after = config(site)
    for key in ('bounce_score_threshold', 'bounce_info_stale_after'):
        assert after[key] == before[key]
    assert after['bounce_you_are_disabled_warnings'] == warnings
    assert after['forward_unrecognized_bounces_to'] == 'site_owner'


@pytest.mark.long
def test_the_form_changes_them_and_postorius_leaves_that(site: Site) -> None:
    site.mailman('qnet', 'provision', str(CHANGE), check=True)
    assert shown(site) == (8, 14)
    (note,) = site.delivered(
        lambda mail: OWNER in mail.recipients and 'Bounce settings' in mail.subject
    )
    text = note.text
    assert 'Bounce threshold: 8 points (before: 5 points)' in text
    assert 'A hospital network moves' in text
    page = forge(site, administrator(site), 6)
    assert 'value="14d"' in page
    assert shown(site) == (8, 14)
    audit = site.mailman('qnet', 'audit', '--json', check=True).stdout
    assert 'REQ0002345' in audit
