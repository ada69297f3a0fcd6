# SPDX-License-Identifier: GPL-3.0-or-later
"""Guessing passwords behind a proxy: whose attempts count, and who is shut out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client, override_settings

from tests.web.harp.test_whose_account import PASSWORD, account

#: allauth's: failed attempts of one client in a minute.
ATTEMPTS = 10
WRONG = 'wrong password'


@pytest.fixture(autouse=True)
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A proxy on this host, which says in a field of its own whom it speaks for; and
    a minute that does not pass."""
    now = time.time()
    monkeypatch.setattr(time, 'time', lambda: now)
    with override_settings(
        CLIENT_ADDRESS_HEADER='HTTP_X_REAL_IP',
        # Fifty attempts, each as dear as a real one, show no more than these.
        PASSWORD_HASHERS=['django.contrib.auth.hashers.MD5PasswordHasher'],
    ):
        yield


def attempt(client: str, login: str, password: str = WRONG, **headers: str) -> Any:
    """Sign in with a password, from an address, through the proxy."""
    browser = Client(
        REMOTE_ADDR='127.0.0.1',
        headers={'host': 'lists.example.gov', 'x-real-ip': client, **headers},
    )
    answer = browser.post('/accounts/login/', {'login': login, 'password': password})
    return '_auth_user_id' in browser.session, answer.content.decode()


def use_up(client: str, **headers: str) -> None:
    for number in range(ATTEMPTS):
        attempt(client, f'nobody-{number}@agency.test', **headers)


def test_a_client_that_guesses_is_stopped_and_nobody_else() -> None:
    account('account-eve', 'eve@agency.test', verified=True)
    use_up('192.0.2.7')
    came_in, page = attempt('192.0.2.7', 'eve@agency.test', PASSWORD)
    assert not came_in
    assert 'Too many failed login attempts' in page
    came_in, _page = attempt('192.0.2.8', 'eve@agency.test', PASSWORD)
    assert came_in


@pytest.mark.parametrize('field', ['x-forwarded-for', 'forwarded', 'x-client-ip'])
def test_another_field_makes_no_new_client(field: str) -> None:
    for number in range(ATTEMPTS):
        attempt('192.0.2.7', f'x{number}@agency.test', **{field: f'192.0.2.{number}'})
    _came_in, page = attempt('192.0.2.7', 'eve@agency.test', **{field: '192.0.2.99'})
    assert 'Too many failed login attempts' in page


def test_what_a_browser_puts_before_the_proxys_word() -> None:
    """A proxy that adds to the field: its own word is the last."""
    for number in range(ATTEMPTS):
        attempt(f'192.0.2.{number}, 198.51.100.7', f'x{number}@agency.test')
    _came_in, page = attempt('192.0.2.99, 198.51.100.7', 'eve@agency.test')
    assert 'Too many failed login attempts' in page
