# SPDX-License-Identifier: GPL-3.0-or-later
"""Behind a proxy on the same host, everybody in the world comes from 127.0.0.1."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from django.core.management import call_command
from django.test import override_settings
from mailman.utilities import protocols
from postorius.models import EmailTemplate

from qnet_mailman.core_credential import USER, password_from
from qnet_mailman.web.gate.core_only import check_password
from tests.web.gate.conftest import GatedSite
from tests.web.gate.stub_mailman import NEWS
from tests.web.harp.certified import free_port
from tests.web.harp.walking import live_site

REST_PASSWORD = 'test password'
PATHS = (
    '/harp/connections/',
    f'/mailman3/api/templates/list/{NEWS}/list:member:regular:footer',
)


@pytest.fixture
def served(forgotten: GatedSite) -> Iterator[str]:
    """The site on a real port, with a text that somebody has set."""
    text = EmailTemplate.objects.create(
        name='list:member:regular:footer',
        context='list',
        identifier=NEWS,
        data='The footer.',
    )
    with live_site(free_port()) as url:
        yield url
    text.delete()


def basic(user: str, password: str) -> str:
    return 'Basic ' + base64.b64encode(f'{user}:{password}'.encode()).decode()


@pytest.mark.parametrize('path', PATHS)
@pytest.mark.parametrize(
    'headers',
    [
        {},
        {'X-Real-IP': '127.0.0.1', 'X-Forwarded-For': '127.0.0.1'},
        {'Authorization': basic(USER, '')},
        {'Authorization': basic(USER, REST_PASSWORD)},
        {'Authorization': basic('restadmin', REST_PASSWORD)},
        {'Authorization': basic(USER, password_from('restpass'))},
        {'Authorization': f'Token {password_from(REST_PASSWORD)}'},
        {'Authorization': 'Token test key'},
        {'Authorization': 'Basic ' + 'A' * 5000},
    ],
    ids=str,
)
def test_an_address_opens_nothing(
    served: str, path: str, headers: dict[str, str]
) -> None:
    answer = requests.get(
        served + path, headers=headers, timeout=30, allow_redirects=False
    )
    # No redirection either: core would take the page at its end for a text.
    assert answer.status_code == 403
    assert 'The footer.' not in answer.text
    assert 'providers' not in answer.text


def test_core_gets_what_it_asks_for(served: str) -> None:
    """As Mailman fetches a text, and as `mailman qnet check` asks."""
    shown: Any = (USER, password_from(REST_PASSWORD))
    text = protocols.get(served + PATHS[1], auth=shown)
    assert text == 'The footer.'
    answer = requests.get(served + PATHS[0], auth=shown, timeout=60)
    assert [each['provider'] for each in answer.json()['providers']] == ['harp']


def test_core_is_told_what_to_show(served: str, forgotten: GatedSite) -> None:
    """By Postorius itself, and again after the password has changed."""
    text = EmailTemplate.objects.get()
    forgotten.core.changes.clear()
    forgotten.browser('administrator').post(
        f'/mailman3/lists/{NEWS}/templates/{text.pk}/update',
        {'data': 'Better'},
        secure=True,
    )
    with override_settings(MAILMAN_REST_API_PASS='another password'):
        call_command('register_texts', verbosity=0)
    told = [fields for _m, path, fields in forgotten.core.changes if 'uris' in path]
    assert [fields['username'] for fields in told] == [[USER]] * 2
    assert [fields['password'][0] for fields in told] == [
        password_from(REST_PASSWORD),
        password_from('another password'),
    ]
    [uri] = told[0]['list:member:regular:footer']
    assert uri.endswith(PATHS[1])
    # With the text, so that it need not ask.
    handed = [each for each in forgotten.core.changes if 'texts' in each[1]]
    fields = {'uri': [uri], 'text': ['Better']}
    assert handed == [('POST', 'plugins/qnet/texts', fields)] * 2


def test_a_password_that_everybody_knows_is_told() -> None:
    assert check_password() == []
    with override_settings(MAILMAN_REST_API_PASS='restpass'):
        assert [each.id for each in check_password()] == ['qnet_gate.W002']
