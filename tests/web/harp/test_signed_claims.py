# SPDX-License-Identifier: GPL-3.0-or-later
"""Userinfo as a signed token (Core, section 5.3.2), and RFC 9864's algorithms."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from qnet_mailman.web.harp import tokens
from tests.web.harp.conftest import RolesCore
from tests.web.harp.hostile import CLIENT, OTHER_KEY, HostileProvider, new_browser


def is_signed_in(browser: Any) -> bool:
    return '_auth_user_id' in browser.session


def signing(provider: HostileProvider, **more: Any) -> None:
    """Let userinfo be a signed token from now on."""
    token = provider.sign({**provider.claims, **more})
    provider.kinds['/userinfo'] = 'application/jwt; charset=utf-8'
    provider.answers['/userinfo'] = (200, token.encode())


@pytest.mark.parametrize(
    'more',
    [
        {},
        {'aud': CLIENT},
        {'aud': ['another', CLIENT]},
        {'exp': int(time.time()) + 10**8},
    ],
)
def test_signed_userinfo(
    hostile: HostileProvider, roles_core: RolesCore, more: dict[str, Any]
) -> None:
    signing(hostile, iss=hostile.issuer, **more)
    browser = new_browser()
    assert hostile.sign_in(browser).status_code == 302
    assert is_signed_in(browser)
    assert roles_core.sign_ins[0]['roles'] == ['administrator']


def test_without_the_claims_that_should_be_there(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    signing(hostile)
    assert hostile.sign_in(new_browser()).status_code == 302


def by_another_key(provider: HostileProvider) -> None:
    provider.key, right = OTHER_KEY, provider.key
    signing(provider)
    provider.key = right


def unsigned(provider: HostileProvider) -> None:
    token = jwt.encode(provider.claims, None, algorithm='none')
    provider.kinds['/userinfo'] = 'application/jwt'
    provider.answers['/userinfo'] = (200, token.encode())


def of_another_issuer(provider: HostileProvider) -> None:
    signing(provider, iss='https://elsewhere.example.org')


def for_another_client(provider: HostileProvider) -> None:
    signing(provider, aud='another')


def too_old(provider: HostileProvider) -> None:
    signing(provider, exp=1)


def rubbish(provider: HostileProvider) -> None:
    provider.kinds['/userinfo'] = 'application/jwt'
    provider.answers['/userinfo'] = (200, b'\xff.x.y')


def encrypted(provider: HostileProvider) -> None:
    head = jwt.utils.base64url_encode(b'{"alg":"RSA-OAEP","enc":"A128GCM"}')
    provider.kinds['/userinfo'] = 'application/jwt'
    provider.answers['/userinfo'] = (200, head + b'.a.b.c.d')


@pytest.mark.parametrize(
    'attack',
    [
        by_another_key,
        unsigned,
        of_another_issuer,
        for_another_client,
        too_old,
        rubbish,
        encrypted,
    ],
)
def test_userinfo_that_is_not_good(
    hostile: HostileProvider,
    roles_core: RolesCore,
    attack: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    attack(hostile)
    browser = new_browser()
    with caplog.at_level('WARNING', logger='qnet.web'):
        assert hostile.sign_in(browser).status_code == 403
    assert 'token: userinfo: ' in caplog.text
    assert not is_signed_in(browser)
    assert roles_core.sign_ins == []


def test_signed_userinfo_about_somebody_else(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    signing(hostile, sub='subject-2')
    browser = new_browser()
    assert hostile.sign_in(browser).status_code == 503
    assert not is_signed_in(browser)


def test_a_token_that_is_called_json(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    """The media type says what it is (Core, section 5.3.2), and nothing is guessed."""
    signing(hostile)
    del hostile.kinds['/userinfo']
    assert hostile.sign_in(new_browser()).status_code == 503


KEYS = {'Ed25519': Ed25519PrivateKey.generate(), 'Ed448': Ed448PrivateKey.generate()}


@pytest.fixture
def named() -> Any:
    """PyJWT signs under the new names once our module is there."""
    return tokens


def edwards(
    provider: HostileProvider, curve: str, algorithm: str, says: str | None
) -> None:
    """Sign with an Edwards curve.

    :param says: What the published key says of its algorithm.
    """
    key = KEYS[curve]
    provider.key, provider.algorithm = key, algorithm
    public = jwt.algorithms.OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    published = {**public, 'kid': 'one', 'use': 'sig'}
    if says is not None:
        published['alg'] = says
    provider.answers['/keys'] = (200, {'keys': [published]})


@pytest.mark.parametrize(
    ('curve', 'algorithm', 'says'),
    [
        ('Ed25519', 'Ed25519', 'Ed25519'),
        ('Ed25519', 'Ed25519', None),
        ('Ed25519', 'Ed25519', 'EdDSA'),
        ('Ed25519', 'EdDSA', 'EdDSA'),
        ('Ed25519', 'EdDSA', None),
        ('Ed25519', 'EdDSA', 'Ed25519'),
        ('Ed448', 'Ed448', 'Ed448'),
        ('Ed448', 'EdDSA', None),
    ],
)
def test_the_names_of_edwards_curves(
    hostile: HostileProvider,
    roles_core: RolesCore,
    named: Any,
    curve: str,
    algorithm: str,
    says: str | None,
) -> None:
    edwards(hostile, curve, algorithm, says)
    hostile.id_claims = {'at_hash': 'whatever the standard does not fix'}
    browser = new_browser()
    assert hostile.sign_in(browser).status_code == 302
    assert is_signed_in(browser)


@pytest.mark.parametrize(
    ('curve', 'algorithm', 'says'),
    [
        # The name says the curve, and the key is of another.
        ('Ed448', 'Ed25519', None),
        ('Ed448', 'Ed25519', 'EdDSA'),
        ('Ed25519', 'Ed448', None),
        ('Ed25519', 'Ed25519', 'Ed448'),
        ('Ed25519', 'Ed25519', 'ES256'),
    ],
)
def test_another_curve_than_the_name_says(
    hostile: HostileProvider,
    roles_core: RolesCore,
    named: Any,
    curve: str,
    algorithm: str,
    says: str | None,
) -> None:
    edwards(hostile, curve, algorithm, says)
    browser = new_browser()
    assert hostile.sign_in(browser).status_code == 403
    assert not is_signed_in(browser)


def test_a_site_may_take_one_algorithm_alone(
    hostile: HostileProvider, roles_core: RolesCore, named: Any
) -> None:
    with hostile.known_as('harp', algorithms=('Ed25519',)):
        assert hostile.sign_in(new_browser()).status_code == 403
        edwards(hostile, 'Ed25519', 'Ed25519', None)
        assert hostile.sign_in(new_browser()).status_code == 302
