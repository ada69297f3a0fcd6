# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody sits down at a computer where a person with a role went home."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import override_settings

from tests.web.harp.conftest import RolesCore
from tests.web.harp.hostile import HostileProvider, new_browser
from tests.web.harp.test_whose_account import (
    PASSWORD,
    account,
    sign_in_with_password,
    who,
)

HOUR = 3600


class Clock:
    """The time, which the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.time()
        monkeypatch.setattr(time, 'time', lambda: self.now)

    def later(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def browser(clock: Clock, hostile: HostileProvider, roles_core: RolesCore) -> Any:
    """An administrator's."""
    found = new_browser()
    assert hostile.sign_in(found).status_code == 302
    return found


def is_in(browser: Any) -> bool:
    """Whether somebody is signed in; asking is using."""
    return bool(browser.get('/harp/no-role/').status_code == 200)


def test_a_person_with_a_role(browser: Any, clock: Clock) -> None:
    clock.later(8 * HOUR - 60)
    assert is_in(browser)
    # It begins anew with each use.
    for _ in range(5):
        clock.later(7 * HOUR)
        assert is_in(browser)
    clock.later(8 * HOUR)
    assert not is_in(browser)
    assert who(browser) is None
    page = browser.get('/accounts/login/').content.decode()
    assert 'had not been used for a while' in page


def test_what_is_sent_too_late_is_not_done(browser: Any, clock: Clock) -> None:
    clock.later(8 * HOUR)
    browser.post('/user-profile/', {'first_name': 'Mallory', 'timezone': 'UTC'})
    assert not get_user_model().objects.filter(first_name='Mallory').exists()


def test_an_operator(browser: Any, clock: Clock) -> None:
    call_command('operator', 'add', 'subject-1', verbosity=0)
    clock.later(HOUR / 2 - 60)
    assert browser.get('/admin/').status_code == 200
    clock.later(HOUR / 2)
    assert browser.get('/admin/').status_code == 302
    assert who(browser) is None


def test_an_operator_with_a_local_password(clock: Clock) -> None:
    """Without a provider, or in an emergency."""
    boss = get_user_model().objects.create_superuser(
        'boss', 'boss@agency.test', PASSWORD
    )
    EmailAddress.objects.create(user=boss, email=boss.email, verified=True)
    browser = new_browser()
    sign_in_with_password(browser, 'boss')
    assert browser.get('/admin/').status_code == 200
    clock.later(HOUR / 2)
    assert browser.get('/admin/').status_code == 302


def test_the_site_chooses_the_time(browser: Any, clock: Clock) -> None:
    with override_settings(ROLE_IDLE_SECONDS=120):
        clock.later(119)
        assert is_in(browser)
        clock.later(120)
        assert not is_in(browser)


def test_pages_without_a_session_do_not_keep_it_alive(
    browser: Any, clock: Clock
) -> None:
    for _ in range(2):
        clock.later(4 * HOUR)
        browser.get(f'/unsubscribe/{"a" * 40}')
    assert not is_in(browser)


def test_a_member_with_a_password_stays(clock: Clock) -> None:
    """A local password carries no right (R27)."""
    account('account-eve', 'eve@agency.test', verified=True)
    browser = new_browser()
    sign_in_with_password(browser, 'eve@agency.test')
    clock.later(100 * HOUR)
    assert is_in(browser)


def test_signing_in_again_begins_anew(
    browser: Any, clock: Clock, hostile: HostileProvider
) -> None:
    clock.later(9 * HOUR)
    # What checks the token looks at another clock.
    now = int(datetime.now(UTC).timestamp())
    hostile.id_claims = {'iat': now, 'exp': now + 300}
    assert hostile.sign_in(browser).status_code == 302
    assert is_in(browser)
