# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in gives an account only the addresses that it has proved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.account.signals import user_logged_in
from django.contrib.auth import get_user_model
from django_mailman3 import signals

from qnet_mailman.web.accounts import flows


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that core is told to give to the person."""
    found: list[str] = []
    monkeypatch.setattr(
        flows, 'add_address_to_mailman_user', lambda _user, email: found.append(email)
    )
    return found


@pytest.fixture
def user() -> Iterator[Any]:
    """An account, gone after the test."""
    user = get_user_model().objects.create_user('ann', 'ann@example.org')
    yield user
    user.delete()


def claim(user: Any, email: str, *, verified: bool) -> None:
    EmailAddress.objects.create(user=user, email=email, verified=verified)


def sign_in(user: Any) -> None:
    user_logged_in.send(sender=type(user), user=user, request=None)


def test_an_address_that_is_only_claimed_is_not_taken(
    user: Any, given: list[str]
) -> None:
    claim(user, 'ann@example.org', verified=True)
    claim(user, 'victim@example.net', verified=False)
    sign_in(user)
    assert given == ['ann@example.org']


def test_nothing_happens_while_the_own_address_is_not_proved(
    user: Any, given: list[str]
) -> None:
    claim(user, 'ann@example.org', verified=False)
    claim(user, 'ann@example.net', verified=True)
    sign_in(user)
    assert given == []


def test_the_stock_receiver_is_gone() -> None:
    # It was not connected any more: disconnecting finds nothing.
    assert not user_logged_in.disconnect(signals.on_user_logged_in)
