# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose rights a session carries (R26, R27)."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import override_settings

from qnet_mailman.web.gate.access import Access
from tests.web.gate.asking import L, text_of
from tests.web.gate.conftest import GatedSite
from tests.web.gate.stub_mailman import NEWS, NEWS_ADDRESS


def test_a_password_carries_no_rights(forgotten: GatedSite) -> None:
    """The administrator, on the roster and with the role, by a local password."""
    browser = forgotten.browser('administrator', password=True)
    for path in (f'{L}/settings/', f'{L}/held_messages'):
        answer = browser.get(path, secure=True)
        assert answer.status_code == 403
        assert 'Sign in through HARP' in text_of(answer)
    assert 'GET plugins/qnet/roles/rights' not in forgotten.core.asked


def test_a_superusers_password_counts_where_it_is_let_in(
    forgotten: GatedSite,
) -> None:
    path = '/mailman3/domains/'
    browser = forgotten.browser('operator', password=True)
    with override_settings(LOCAL_SUPERUSERS=True):
        assert browser.get(path, secure=True).status_code == 200
    answer = browser.get(path, secure=True)
    assert answer.status_code == 403
    assert 'cannot sign in with a password' in text_of(answer)


def test_is_operator_says_no_to_a_password_on_its_own(
    forgotten: GatedSite,
) -> None:
    """Whatever the other middleware does."""
    request = HttpRequest()
    request.user = forgotten.users['operator']
    request.session = {}
    assert not Access(request).is_operator
    with override_settings(LOCAL_SUPERUSERS=True):
        assert Access(request).is_operator


def test_the_archives_api_takes_no_password(forgotten: GatedSite, archive: Any) -> None:
    """It would go round the sign-in page, and what that allows."""
    user = forgotten.users['operator']
    user.set_password('correct horse')
    user.save()
    try:
        secret = base64.b64encode(b'operator:correct horse').decode()
        answer = forgotten.browser('').get(
            f'/archives/api/list/{NEWS_ADDRESS}/emails/',
            secure=True,
            headers={'authorization': f'Basic {secret}'},
        )
        assert answer.status_code == 302
        answer = forgotten.browser('').get(
            '/archives/api/lists/',
            secure=True,
            headers={'authorization': 'Basic bm9ib2R5Om5v'},
        )
        assert answer.status_code == 200
    finally:
        user.set_unusable_password()
        user.save()
        # A new password ends the sessions of before.
        forgotten.cookies.pop(('operator', False), None)
        forgotten.cookies.pop(('operator', True), None)


def test_a_revocation_reaches_an_open_browser_within_a_minute(
    forgotten: GatedSite, archive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = forgotten.browser('administrator')
    paths = (
        f'{L}/settings/digest',
        f'{L}/held_messages',
        f'{L}/members/owner/',
        f'/mailman3/api/list/{NEWS}/held_message/1/',
        f'/archives/list/{NEWS_ADDRESS}/',
        f'/archives/list/{NEWS_ADDRESS}/thread/{"T" * 32}/delete',
        f'/archives/api/list/{NEWS_ADDRESS}/email/{"M" * 32}/',
    )
    begin = time.time()
    monkeypatch.setattr(time, 'time', lambda: begin)
    for path in paths:
        assert browser.get(path, secure=True).status_code == 200
    monkeypatch.setitem(forgotten.core.rights, 'administrator', {})
    # Still on the roster: core's projection is not asked.
    monkeypatch.setattr(time, 'time', lambda: begin + 60)
    for path in paths:
        assert browser.get(path, secure=True).status_code == 403
        assert browser.post(path, secure=True).status_code == 403


def test_a_new_role_opens_the_list_within_a_minute(
    forgotten: GatedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = forgotten.browser('member')
    begin = time.time()
    monkeypatch.setattr(time, 'time', lambda: begin)
    assert browser.get(f'{L}/settings/digest', secure=True).status_code == 403
    rights = {'roles': ['administrator'], 'administers': [NEWS]}
    monkeypatch.setitem(forgotten.core.rights, 'member', rights)
    monkeypatch.setattr(time, 'time', lambda: begin + 60)
    assert browser.get(f'{L}/settings/digest', secure=True).status_code == 200


def test_while_core_is_down_nobody_has_rights(forgotten: GatedSite) -> None:
    forgotten.core.down = True
    try:
        browser = forgotten.browser('administrator')
        # The second time without asking.
        for _ in range(2):
            answer = browser.get(f'{L}/settings/', secure=True)
            assert answer.status_code == 503
            assert b'The mailing list server did not answer.' in answer.content
    finally:
        forgotten.core.down = False


def test_nothing_of_it_is_stored_on_the_account(forgotten: GatedSite) -> None:
    browser = forgotten.browser('administrator')
    assert browser.get(f'{L}/settings/digest', secure=True).status_code == 200
    name = {'username': 'administrator', 'first_name': 'Ad', 'last_name': 'Min'}
    fields = {**name, 'timezone': 'UTC'}
    browser.post('/user-profile/', fields, secure=True)
    user = forgotten.users['administrator']
    user.refresh_from_db()
    assert user.first_name == 'Ad'
    assert not user.is_superuser
    assert not user.is_staff
