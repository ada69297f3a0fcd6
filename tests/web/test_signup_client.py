# SPDX-License-Identifier: GPL-3.0-or-later
"""The address for which core counts the requests of a client (R13)."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.checks import Tags, run_checks
from django.test import RequestFactory, override_settings

from qnet_mailman.web.signup.client import client_address


@pytest.mark.parametrize(
    ('setting', 'headers', 'client'),
    [
        ('', {}, '127.0.0.1'),
        # Where the site file names no field, a browser's own is not believed.
        ('', {'X-Real-IP': '192.0.2.1', 'X-Forwarded-For': '192.0.2.1'}, '127.0.0.1'),
        ('HTTP_X_REAL_IP', {'X-Real-IP': '192.0.2.1'}, '192.0.2.1'),
        ('HTTP_X_REAL_IP', {'X-Real-IP': '2001:DB8::1'}, '2001:db8::1'),
        (
            'HTTP_X_FORWARDED_FOR',
            {'X-Forwarded-For': '6.6.6.6, 192.0.2.9'},
            '192.0.2.9',
        ),
        ('HTTP_X_REAL_IP', {'X-Forwarded-For': '192.0.2.1'}, '127.0.0.1'),
        ('HTTP_X_REAL_IP', {'X-Real-IP': 'unknown'}, '127.0.0.1'),
        ('HTTP_X_REAL_IP', {'X-Real-IP': '192.0.2.1\r\nx'}, '127.0.0.1'),
    ],
)
def test_the_address(
    web: Path, setting: str, headers: dict[str, str], client: str
) -> None:
    request = RequestFactory().get('/signup/', headers=headers)
    with override_settings(CLIENT_ADDRESS_HEADER=setting):
        assert client_address(request) == client


@pytest.mark.parametrize(
    ('proxy', 'field', 'warnings'),
    [
        (None, '', 0),
        (('HTTP_X_FORWARDED_PROTO', 'https'), '', 1),
        (('HTTP_X_FORWARDED_PROTO', 'https'), 'HTTP_X_REAL_IP', 0),
    ],
)
def test_a_proxy_that_hides_everybody_is_warned_of(
    web: Path, proxy: tuple[str, str] | None, field: str, warnings: int
) -> None:
    with override_settings(SECURE_PROXY_SSL_HEADER=proxy, CLIENT_ADDRESS_HEADER=field):
        found = run_checks(tags=[Tags.security], include_deployment_checks=True)
    assert [each.id for each in found].count('qnet_signup.W001') == warnings
