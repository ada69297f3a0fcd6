# SPDX-License-Identifier: GPL-3.0-or-later
"""One clock: times in the reader's zone, else in the site's, and which that is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client, override_settings
from django.utils import timezone

from qnet_mailman.web.accounts.forms import ProfileForm
from qnet_mailman.web.frame import clock
from qnet_mailman.web.frame.templatetags.frame import when

NEW_YORK = 'America/New_York'


@pytest.mark.parametrize(
    ('value', 'words'),
    [
        ('2026-11-01T05:59:00Z', 'November 1, 2026, 01:59 EDT'),
        # The same on their clocks, an hour later: daylight saving has ended.
        ('2026-11-01T06:59:00Z', 'November 1, 2026, 01:59 EST'),
        ('2026-11-01T06:59:00', 'November 1, 2026, 01:59 EST'),
        (datetime(2026, 7, 1, 3, 30, tzinfo=UTC), 'June 30, 2026, 23:30 EDT'),
        (datetime(2026, 7, 1, 3, 30), 'June 30, 2026, 23:30 EDT'),
        ('soon', ''),
        ('', ''),
        (None, ''),
    ],
)
def test_a_time_in_words(value: Any, words: str) -> None:
    with timezone.override(NEW_YORK):
        assert clock.in_words(value) == words
        assert when(value) == words


def test_a_zone_without_a_name() -> None:
    with timezone.override('Asia/Dubai'):
        assert clock.in_words('2026-12-01T14:05:09Z') == (
            'December 1, 2026, 18:05 UTC+04'
        )


def test_to_the_second() -> None:
    assert when('2026-12-01T14:05:09Z', 'seconds') == 'December 1, 2026, 14:05:09 UTC'


@pytest.fixture
def reader(browser: Client) -> Iterator[Any]:
    """Somebody with an account, who is signed in."""
    user = get_user_model().objects.create_user('kim', 'kim@example.org')
    # Of two ways to sign in, one has to be named.
    browser.force_login(user, 'django.contrib.auth.backends.ModelBackend')
    yield user
    user.delete()


def account_page(browser: Client) -> str:
    answer = browser.get('/user-profile/', secure=True)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    ('chosen', 'of_site', 'local'),
    [
        ('', 'UTC', '12:00 UTC'),
        ('', NEW_YORK, '07:00 EST'),
        ('Asia/Tokyo', NEW_YORK, '21:00 JST'),
        # Of a database that no longer knows it, and of somebody's making.
        ('Mars/Olympus', NEW_YORK, '07:00 EST'),
        ('../../etc/passwd', NEW_YORK, '07:00 EST'),
    ],
)
def test_the_reader_s_zone_else_the_site_s(
    reader: Any, browser: Client, chosen: str, of_site: str, local: str
) -> None:
    reader.date_joined = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
    reader.save()
    reader.mailman_profile.timezone = chosen
    reader.mailman_profile.save()
    with override_settings(TIME_ZONE=of_site):
        assert f'December 1, 2026, {local}' in account_page(browser)


def test_nobody_s_zone_stays_for_whoever_comes_next(
    reader: Any, browser: Client
) -> None:
    reader.mailman_profile.timezone = 'Asia/Tokyo'
    reader.mailman_profile.save()
    account_page(browser)
    assert timezone.get_current_timezone_name() == 'UTC'


def test_the_first_choice_is_none() -> None:
    field = ProfileForm(initial={'username': 'kim', 'timezone': ''}).fields['timezone']
    assert field.choices[0] == ('', 'That of the service (UTC)')
    assert not field.required
