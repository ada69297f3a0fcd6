# SPDX-License-Identifier: GPL-3.0-or-later
"""The page after signing in: my lists, what waits, what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from tests.web.caretakers import LIST_ID, as_person
from tests.web.conftest import StubCore

__all__ = ['as_person']

OTHER = 'talk.lists.example.gov'
QUIET = 'quiet.lists.example.gov'


def one(list_id: str, **more: Any) -> dict[str, Any]:
    return {
        'list_id': list_id,
        'list': list_id.replace('.', '@', 1),
        'display_name': list_id.partition('.')[0].title(),
        'type': 'notification',
        'visibility': 'public',
        'requests': 0,
        'held': 0,
        'suspended': 0,
        'posters': 1,
        'administrators': 1,
        **more,
    }


def page(browser: Client, status: int = 200) -> str:
    answer = browser.get('/start/', secure=True)
    assert answer.status_code == status, answer.content
    return re.sub(r'\s+', ' ', answer.content.decode())


def rows(text: str, section: str) -> dict[str, list[str]]:
    """The rows of a table, by the name of the list."""
    table = text.partition(f'<h2 id="{section}">')[2].partition('</table>')[0]
    body = table.partition('<tbody>')[2]
    found = {}
    for row in re.findall(r'<tr>(.*?)</tr>', body):
        cells = re.findall(r'<t[hd].*?>(.*?)</t[hd]>', row)
        shown = [re.sub(r'<span class="vis.*?</span>|<[^>]+>', '', x) for x in cells]
        name = re.findall(r'>([^<]+)</a>', cells[0])[0]
        found[name] = shown[1:]
    return found


def test_signing_in_leads_here(web: object) -> None:
    assert reverse(settings.LOGIN_REDIRECT_URL) == '/start/'


def test_nobody_is_led_to_signing_in(core: StubCore) -> None:
    answer = Client(headers={'host': 'lists.example.gov'}).get('/start/', secure=True)
    assert answer.status_code == 302
    assert answer['Location'].startswith('/accounts/login/')
    assert core.requests == []


def test_my_lists_with_what_waits_and_what_is_wrong(
    core: StubCore, as_person: Callable[..., Client]
) -> None:
    core.answers['lists/overview'] = (
        200,
        {
            'lists': [
                one(LIST_ID, requests=3, held=2, suspended=1, posters=0),
                one(QUIET, type='discussion', posters=0),
                one(OTHER, administrators=0),
            ],
            'roles': [
                {
                    'role': 'administrator',
                    'status': 'active',
                    'expires_at': '2026-03-05T12:00:00Z',
                    'ends_soon': True,
                },
                {
                    'role': 'moderator',
                    'status': 'revoked',
                    'expires_at': None,
                    'ends_soon': False,
                },
            ],
        },
    )
    browser = as_person(
        roles={'administrator'}, administers={LIST_ID, QUIET}, moderates={OTHER}
    )
    text = page(browser)
    [(path, fields, _authorization)] = core.requests
    assert (core.asked, path) == ([], '/3.1/plugins/qnet/lists/overview')
    assert fields == {
        'list': [LIST_ID, QUIET, OTHER],
        'provider': ['harp'],
        'user_id': ['pexample'],
    }
    assert rows(text, 'waiting') == {
        'Hqr-Updates': [
            *('Administrator', '3', '2', '1'),
            'Nobody has posting privileges',
        ],
        'Talk': ['Moderator', '0', '0', '0', 'Nobody can administer it'],
    }
    assert rows(text, 'quiet') == {'Quiet': ['Administrator', '0', '0', '0', '–']}
    assert 'role “List Administrator” ends on March 5, 2026' in text
    assert 'List Moderator' not in text
    for link in (
        f'/mailman3/lists/{LIST_ID}/qualitynet/',
        f'/mailman3/lists/{LIST_ID}/subscription_requests',
        f'/mailman3/lists/{LIST_ID}/held_messages',
        f'/mailman3/lists/{LIST_ID}/bounces/?suspended=yes',
    ):
        assert f'href="{link}"' in text, link


def test_somebody_without_a_role(
    core: StubCore, as_person: Callable[..., Client]
) -> None:
    text = page(as_person())
    assert (core.asked, core.requests) == ([], [])
    for name in ('user_subscription_preferences', 'qnet_signup', 'qnet_no_role'):
        assert f'<li><a href="{reverse(name)}">' in text
    assert reverse('qnet_operators') not in text
    assert reverse('qnet_requests') not in text
    assert reverse('qnet_adoptable') not in text
    assert '<h1>Welcome</h1>' in text


def test_a_role_without_a_list(
    core: StubCore, as_person: Callable[..., Client]
) -> None:
    text = page(as_person(roles={'moderator'}))
    assert 'no list is assigned to you yet' in text
    assert 'href="/forms/#administrator-request"' in text
    assert 'How to get a role' not in text
    assert core.requests == []


def test_a_member_with_a_local_password(core: StubCore, web: object) -> None:
    user = get_user_model().objects.create_user('reader', 'reader@example.org')
    browser = Client(headers={'host': 'lists.example.gov'})
    browser.force_login(user, 'django.contrib.auth.backends.ModelBackend')
    try:
        text = page(browser)
    finally:
        user.delete()
    assert 'Your subscriptions' in text
    assert reverse('qnet_no_role') not in text
    assert core.requests == []


def test_an_operator(core: StubCore, operator: Client) -> None:
    core.requests.clear()
    text = page(operator)
    for name in ('qnet_operators', 'qnet_requests', 'system_information'):
        assert f'<li><a href="{reverse(name)}">' in text
    assert core.requests == []


def test_no_answer_of_core(core: StubCore, as_person: Callable[..., Client]) -> None:
    core.status = 500
    text = page(as_person(roles={'moderator'}, moderates={LIST_ID}), status=503)
    assert 'cannot show what waits for you' in text
    assert 'Your subscriptions' in text
