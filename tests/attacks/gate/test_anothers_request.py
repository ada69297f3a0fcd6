# SPDX-License-Identifier: GPL-3.0-or-later
"""An administrator decides about another list's request, under their own list's URL."""

from __future__ import annotations

import pytest
from django.test import modify_settings

from tests.web.gate.asking import GATE, paths_changed
from tests.web.gate.conftest import GatedSite
from tests.web.gate.stub_mailman import NEWS, NEWS_ADDRESS, OTHERS_TOKEN, TOKEN

ACTIONS = ['accept', 'reject', 'discard', 'defer']


def decide(
    site: GatedSite, name: str, token: str, action: str, mlist: str = NEWS
) -> int:
    path = f'/mailman3/lists/{mlist}/handle_subscription_request/{token}/'
    return int(site.browser(name).post(path, {action: ''}, secure=True).status_code)


@pytest.mark.parametrize('action', ACTIONS)
def test_stock_lets_them(forgotten: GatedSite, action: str) -> None:
    with modify_settings(MIDDLEWARE={'remove': [GATE]}):
        decide(forgotten, 'owner_without_role', OTHERS_TOKEN, action)
    assert paths_changed(forgotten) == [f'POST lists/{NEWS}/requests/{OTHERS_TOKEN}']


@pytest.mark.parametrize('name', ['administrator', 'moderator', 'operator'])
@pytest.mark.parametrize('action', ACTIONS)
def test_it_is_not_there(forgotten: GatedSite, name: str, action: str) -> None:
    for mlist in (NEWS, NEWS_ADDRESS):
        assert decide(forgotten, name, OTHERS_TOKEN, action, mlist) == 404
    assert paths_changed(forgotten) == []


@pytest.mark.parametrize('name', ['administrator', 'moderator', 'operator'])
def test_their_own_requests(forgotten: GatedSite, name: str) -> None:
    for mlist in (NEWS, NEWS_ADDRESS):
        assert decide(forgotten, name, TOKEN, 'reject', mlist) == 302
    assert paths_changed(forgotten) == [f'POST lists/{NEWS}/requests/{TOKEN}'] * 2


@pytest.mark.parametrize(
    'kind', ['data', 'held message', 'verification', 'qnet sign-up', '']
)
def test_tokens_for_something_else(
    forgotten: GatedSite, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Core throws away whatever the token stands for."""
    answer = forgotten.core.answer

    def other(method: str, path: str, query: dict[str, list[str]]) -> object:
        status, found = answer(method, path, query)
        return status, {**found, 'type': kind} if '/requests/' in path else found

    monkeypatch.setattr(forgotten.core, 'answer', other)
    assert decide(forgotten, 'administrator', TOKEN, 'discard') == 404
    assert paths_changed(forgotten) == []


def test_while_core_is_down_nothing_is_decided(
    forgotten: GatedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = forgotten.browser('administrator')
    browser.get(f'/mailman3/lists/{NEWS}/held_messages', secure=True)
    monkeypatch.setattr(forgotten.core, 'down', True)
    assert decide(forgotten, 'administrator', TOKEN, 'reject') == 503
