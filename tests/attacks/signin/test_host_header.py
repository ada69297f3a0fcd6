# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody chooses where the link in another person's mail leads, by ``Host:``."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client, override_settings

from tests.web.harp.test_whose_account import account

PASSWORD = 'correct horse battery staple'
#: What the site answers to: itself with any port, and its names for core.
HOSTS = [
    'lists.example.gov:6666',
    'LISTS.EXAMPLE.GOV:80',
    'lists.example.gov.:6666',
    'localhost',
    'localhost:6666',
    '127.0.0.1:8000',
]


def ask(host: str, path: str, fields: dict[str, str], **headers: str) -> int:
    answer = Client().post(path, fields, headers={'host': host, **headers})
    return int(answer.status_code)


def links() -> list[str]:
    """The links of all mails that were sent."""
    found = [
        link for sent in mail.outbox for link in re.findall(r'https?://\S+', sent.body)
    ]
    assert found
    return found


@pytest.fixture(autouse=True)
def outbox() -> Any:
    mail.outbox = []
    yield
    mail.outbox = []


@pytest.mark.parametrize('forwarded', [False, True])
@pytest.mark.parametrize('host', HOSTS)
def test_no_mail_leads_where_the_request_says(
    roles_core: Any, host: str, forwarded: bool
) -> None:
    account('account-eve', 'eve@agency.test', verified=True)
    headers = {
        'x-forwarded-host': host if forwarded else 'evil.test',
        'x-forwarded-port': '6666',
    }
    signing_up = {
        'email': 'new@agency.test',
        'password1': PASSWORD,
        'password2': PASSWORD,
    }
    with override_settings(USE_X_FORWARDED_HOST=forwarded, LOCAL_SIGN_UP=True):
        for path, fields in (
            # For an account that is there, and for an address without one.
            ('/accounts/password/reset/', {'email': 'eve@agency.test'}),
            ('/accounts/password/reset/', {'email': 'nobody@agency.test'}),
            ('/accounts/signup/', signing_up),
            ('/accounts/signup/', {**signing_up, 'email': 'eve@agency.test'}),
        ):
            assert ask(host, path, fields, **headers) == 302
    assert all(link.startswith('https://lists.example.gov/') for link in links())


def test_the_links_of_somebody_who_is_signed_in(roles_core: Any) -> None:
    account('account-eve', 'eve@agency.test', verified=True)
    browser = Client(headers={'host': 'lists.example.gov:6666'})
    fields = {'login': 'eve@agency.test', 'password': PASSWORD}
    assert browser.post('/accounts/login/', fields).status_code == 302
    answer = browser.post(
        '/accounts/email/', {'email': 'more@agency.test', 'action_add': ''}
    )
    assert answer.status_code == 302
    assert ['more@agency.test'] in [sent.to for sent in mail.outbox]
    assert all(link.startswith('https://lists.example.gov/') for link in links())


@pytest.mark.parametrize('host', ['evil.test', 'lists.example.gov.evil.test', 'a b'])
def test_another_host_is_not_answered(host: str) -> None:
    fields = {'email': 'eve@agency.test'}
    assert ask(host, '/accounts/password/reset/', fields) == 400


def test_pages_do_not_name_it_either() -> None:
    for path in ('/', '/signup/', '/accounts/login/', '/forms/'):
        answer = Client(headers={'host': 'lists.example.gov:6666'}).get(path)
        assert b'6666' not in answer.content
        assert '6666' not in str(answer.headers)
