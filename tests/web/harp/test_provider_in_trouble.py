# SPDX-License-Identifier: GPL-3.0-or-later
"""A provider that is down, slow, or talks nonsense."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from qnet_mailman.web.harp import fetch
from tests.web.harp.conftest import RolesCore
from tests.web.harp.hostile import (
    OTHER_KEY,
    HostileProvider,
    listening,
    new_browser,
)
from tests.web.harp.signing_in import OTHER_ISSUER, is_signed_in

PATIENCE = 120
"""Seconds after which a slow provider answers after all, and a test fails."""


def test_our_own_wrong_secret_is_said_to_operators(
    hostile: HostileProvider, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger('qnet').propagate = True
    hostile.answers['/token'] = (401, {'error': 'invalid_client'})
    response = hostile.sign_in(new_browser())
    assert response.status_code == 503
    assert 'check client_id, client_secret' in caplog.text
    assert 'a secret' not in caplog.text
    assert 'a code' not in caplog.text


NONSENSE = [
    (500, b'oops'),
    (200, b''),
    (200, b'<html>maintenance</html>'),
    (200, b'[1, 2]'),
    (200, b'null'),
    (200, b'[' * 100_000),
    (200, b'x' * 2_000_000),
    (200, b'\xff\xfe'),
    (302, b''),
    (200, {'error': 'nothing else'}),
]


@pytest.mark.parametrize('answer', NONSENSE, ids=lambda answer: repr(answer)[:30])
@pytest.mark.parametrize(
    'path', ['/.well-known/openid-configuration', '/token', '/keys', '/userinfo']
)
def test_nonsense_is_a_page_that_says_so(
    hostile: HostileProvider, roles_core: RolesCore, path: str, answer: Any
) -> None:
    browser = new_browser()
    hostile.answers[path] = answer
    if path.startswith('/.well'):
        response = browser.post('/accounts/oidc/harp/login/')
    else:
        response = hostile.sign_in(browser)
    assert response.status_code == 503
    assert 'HARP does not answer' in response.content.decode()
    assert response['Retry-After'] == '60'
    # The secret is not taken elsewhere.
    assert '/elsewhere' not in hostile.asked
    assert not is_signed_in(browser)
    assert roles_core.sign_ins == []


def test_a_provider_that_is_down(hostile: HostileProvider) -> None:
    hostile.stop()
    response = new_browser().post('/accounts/oidc/harp/login/')
    assert response.status_code == 503


def test_a_provider_that_is_down_is_left_alone_for_a_moment(
    hostile: HostileProvider,
) -> None:
    document = '/.well-known/openid-configuration'
    hostile.answers[document] = (500, b'')
    for _ in range(3):
        assert new_browser().post('/accounts/oidc/harp/login/').status_code == 503
    assert hostile.asked.count(document) == 1


def test_a_provider_that_is_slow(
    hostile: HostileProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, 'TIMEOUT', (0.2, 0.2))

    enough = threading.Event()
    given_up: list[bool] = []

    def say_nothing() -> tuple[int, bytes]:
        given_up.append(enough.wait(PATIENCE))
        return 200, b'{}'

    hostile.answers['/.well-known/openid-configuration'] = say_nothing
    response = new_browser().post('/accounts/oidc/harp/login/')
    assert response.status_code == 503
    # The provider is still at it.
    assert given_up == []
    enough.set()


def test_a_provider_that_drips(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole answer has its time, not only each piece."""
    enough = threading.Event()
    dripped_out: list[bool] = []

    class Drip(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            # In all, far less than an answer may have.
            with suppress(OSError):
                for _ in range(PATIENCE * 50):
                    self.wfile.write(b' ' * 64)
                    if enough.wait(0.02):
                        return
                dripped_out.append(True)

        def log_message(self, *_args: object) -> None:
            pass

    monkeypatch.setattr(fetch, 'DEADLINE', 0.2)
    with listening(Drip) as url:
        with pytest.raises(fetch.ProviderUnavailable):
            fetch.fetch('GET', url)
        assert dripped_out == []
        enough.set()


@pytest.mark.parametrize(
    'changes',
    [
        {'issuer': OTHER_ISSUER},
        {'authorization_endpoint': 'http://elsewhere.example.org/authorize'},
        {'authorization_endpoint': 'javascript:alert(1)'},
        {'authorization_endpoint': None},
        {'token_endpoint': 17},
    ],
    ids=repr,
)
def test_a_discovery_document_that_is_not_safe(
    hostile: HostileProvider, changes: dict[str, Any]
) -> None:
    hostile.discovery = changes
    assert new_browser().post('/accounts/oidc/harp/login/').status_code == 503


def test_new_keys_are_fetched_once(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    assert hostile.sign_in(new_browser()).status_code == 302
    assert hostile.sign_in(new_browser()).status_code == 302
    assert hostile.asked.count('/keys') == 1
    hostile.key, hostile.kid = OTHER_KEY, 'two'
    hostile.published = {'two': OTHER_KEY}
    assert hostile.sign_in(new_browser()).status_code == 302
    assert hostile.asked.count('/keys') == 2


def test_rubbish_does_not_make_us_fetch_keys_in_a_loop(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    hostile.sign_in(new_browser())
    hostile.kid = 'unknown'
    for _ in range(5):
        assert hostile.sign_in(new_browser()).status_code == 403
    assert hostile.asked.count('/keys') == 2
