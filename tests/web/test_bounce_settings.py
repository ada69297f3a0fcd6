# SPDX-License-Identifier: GPL-3.0-or-later
"""The bounce settings in Postorius: two are for operators only (R21)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from tests.web.conftest import serving

LIST_ID = 'hqr-updates.lists.example.gov'
ADDRESS = 'hqr-updates@lists.example.gov'
PATH = f'/mailman3/lists/{LIST_ID}/settings/bounce_processing'
READ_ONLY = ('bounce_score_threshold', 'bounce_info_stale_after')
SETTINGS = {
    'process_bounces': True,
    'bounce_score_threshold': 5,
    'bounce_info_stale_after': '7d',
    'bounce_notify_owner_on_bounce_increment': False,
    'bounce_notify_owner_on_disable': True,
    'bounce_notify_owner_on_removal': True,
    'forward_unrecognized_bounces_to': 'administrators',
    'bounce_you_are_disabled_warnings_interval': '7d',
    'bounce_you_are_disabled_warnings': 3,
}
#: What a browser sends, with the operators' settings changed by hand.
FORGED = {
    'process_bounces': 'True',
    'bounce_score_threshold': '99',
    'bounce_info_stale_after': '99d',
    'bounce_notify_owner_on_bounce_increment': 'False',
    'bounce_notify_owner_on_disable': 'True',
    'bounce_notify_owner_on_removal': 'True',
    'forward_unrecognized_bounces_to': 'discard',
    'bounce_you_are_disabled_warnings_interval': '7d',
    'bounce_you_are_disabled_warnings': '4',
}


@dataclass
class StubLists:
    """A core with one list, whose settings can be read and changed."""

    url: str = ''
    patches: list[dict[str, list[str]]] = field(default_factory=list)


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubLists]:
    """A stand-in for core's REST server, known to Postorius."""
    from postorius.views.list import mailinglist_modified

    # The archive would ask for much more of a list.
    monkeypatch.setattr(mailinglist_modified, 'send', lambda **_kwargs: None)
    stub = StubLists()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            itself = f'{stub.url}/3.1/lists/{LIST_ID}'
            answers: dict[str, Any] = {
                f'/3.1/lists/{LIST_ID}': {
                    'list_id': LIST_ID,
                    'fqdn_listname': ADDRESS,
                    'list_name': 'hqr-updates',
                    'mail_host': 'lists.example.gov',
                    'display_name': 'HQR Updates',
                    'self_link': itself,
                },
                f'/3.1/lists/{LIST_ID}/config': SETTINGS,
            }
            answer = answers.get(self.asked())
            body = json.dumps(answer or {'start': 0, 'total_size': 0, 'count': 0})
            self.answer(200, body.encode())

        def do_PATCH(self) -> None:
            body = self.rfile.read(int(self.headers['Content-Length'])).decode()
            stub.patches.append(parse_qs(body))
            self.answer(204, b'')

        def asked(self) -> str:
            path = unquote(self.path.partition('?')[0])
            return path.replace(ADDRESS, LIST_ID)

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header('Content-Type', 'application/json')
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    with serving(Handler) as stub.url:
        yield stub


@pytest.fixture
def operator(web: Path) -> Iterator[Client]:
    """A browser of somebody with all rights in Postorius."""
    from django.contrib.auth import get_user_model

    user = get_user_model().objects.create_superuser('boss', 'boss@example.org')
    browser = Client(headers={'host': 'lists.example.gov'})
    browser.force_login(user, 'django.contrib.auth.backends.ModelBackend')
    yield browser
    user.delete()


def test_what_a_post_says_of_them_is_not_looked_at(
    lists: StubLists, operator: Client
) -> None:
    answer = operator.post(PATH, FORGED, secure=True)
    assert answer.status_code == 302
    assert lists.patches == [
        {
            'forward_unrecognized_bounces_to': ['discard'],
            'bounce_you_are_disabled_warnings': ['4'],
        }
    ]


@pytest.mark.parametrize('value', ['', 'many', '-1', '5\x00'])
def test_nonsense_in_them_is_no_mistake_either(
    lists: StubLists, operator: Client, value: str
) -> None:
    forged = {**FORGED, **dict.fromkeys(READ_ONLY, value)}
    assert operator.post(PATH, forged, secure=True).status_code == 302
    assert not set(READ_ONLY) & set(lists.patches[0])


def test_a_post_to_another_section_does_not_reach_them(
    lists: StubLists, operator: Client
) -> None:
    from postorius.views.list import SETTINGS_FORMS

    for section, form_class in SETTINGS_FORMS.items():
        if section == 'bounce_processing':
            continue
        assert not set(READ_ONLY) & set(form_class.base_fields)
        path = PATH.replace('bounce_processing', section)
        operator.post(path, FORGED, secure=True)
    assert not any(set(READ_ONLY) & set(patch) for patch in lists.patches)


def test_the_page_shows_them_and_says_how_to_ask(
    lists: StubLists, operator: Client
) -> None:
    from django.test import override_settings

    with override_settings(SUPPORT_ADDRESS='help@example.gov'):
        page = operator.get(PATH, secure=True).content.decode()
    for name, value in zip(READ_ONLY, ('5', '7d'), strict=True):
        (tag,) = re.findall(rf'<input[^>]* name="{name}"[^>]*>', page)
        attributes = dict(re.findall(r' ([\w-]+)(?:="([^"]*)")?', tag))
        assert attributes['value'] == value
        assert 'readonly' in attributes
        assert 'disabled' not in attributes
        # Someone who does not see the page hears its name and how to ask.
        assert re.search(rf'<label[^>]* for="{attributes["id"]}"', page)
        described_by = attributes['aria-describedby']
        (text,) = re.findall(rf'<p id="{described_by}"[^>]*>(.*?)</p>', page, re.DOTALL)
        assert 'threshold-change form' in text
        assert '<a href="mailto:help@example.gov">help@example.gov</a>' in text
    assert page.count(' readonly') == 2


def test_the_page_without_a_support_address(lists: StubLists, operator: Client) -> None:
    page = operator.get(PATH, secure=True).content.decode()
    assert 'send them a threshold-change form' in page
    assert 'mailto:' not in page


def test_a_support_address_is_not_markup(lists: StubLists, operator: Client) -> None:
    from django.test import override_settings

    with override_settings(SUPPORT_ADDRESS='"<b>"@example.gov'):
        page = operator.get(PATH, secure=True).content.decode()
    assert '<b>' not in page


def test_a_postorius_without_the_section_is_refused(
    web: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from postorius.views import list as list_views

    from qnet_mailman.web.lists.settings_forms import BounceSettingsForm, install

    install()
    assert list_views.SETTINGS_FORMS['bounce_processing'] is BounceSettingsForm
    monkeypatch.setattr(list_views, 'SETTINGS_FORMS', {})
    with pytest.raises(ImproperlyConfigured, match="no settings section 'bounce"):
        install()
