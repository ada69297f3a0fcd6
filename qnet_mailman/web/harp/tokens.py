# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a signed token of the provider is good: pure, no network.

* ID tokens: OpenID Connect Core 1.0, section 3.1.3.7.
* Logout tokens: OpenID Connect Back-Channel Logout 1.0, section 2.6.

The signature is checked always.  Core, section 3.1.3.7 (6), would let a client
trust TLS alone on the code flow; one check costs little and does not depend on
which way the token came.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

import jwt

#: Asymmetric algorithms only.  "none" has no signature, and HS256 would take a
#: published key for a shared secret.
ALGORITHMS = (
    'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512',
    'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'Ed448',
)  # fmt: skip
#: RFC 9864, section 2.2: EdDSA, with the curve in the name.
_CURVES = ('Ed25519', 'Ed448')
#: The kind of key that an algorithm takes (RFC 7518, section 6.1; RFC 8037).
_KEY_TYPES = {'RS': 'RSA', 'PS': 'RSA', 'ES': 'EC', 'Ed': 'OKP'}
#: RFC 7518, section 3.3.
_MIN_RSA_BITS = 2048
#: A longer token is no token; in characters.
MAX_LENGTH = 100_000
#: The event that makes a token a logout token.
LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'

for _curve in _CURVES:
    try:
        jwt.get_algorithm_by_name(_curve)
    except NotImplementedError:
        # This PyJWT knows the algorithm by its older name alone.
        jwt.register_algorithm(_curve, jwt.get_algorithm_by_name('EdDSA'))

# What PyJWT and json raise for odd input beside their own errors: an infinite
# number as the time, a thousand brackets.
_ODD = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)


class TokenRefused(Exception):
    """The token is not good; the text is for operators and has no token in it."""


class KeyUnknown(TokenRefused):
    """No key that we know made the signature: the provider may have new keys."""


def nonce_for(code_verifier: str) -> str:
    """The nonce of a sign-in (Core, section 15.5.2).

    It is made from the secret that PKCE keeps in the session, so that the ID
    token is bound to the very sign-in that this browser began, without a second
    value to keep.  The verifier cannot be found from it.

    :param code_verifier: RFC 7636's ``code_verifier``.
    """
    digest = hmac.new(code_verifier.encode(), b'nonce', hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b'=').decode()


def unverified_issuer(token: str) -> str:
    """Who a token claims to come from; for choosing the keys to check it with.

    :param token: Any text.
    :raises TokenRefused: where it is no token.
    """
    if len(token) > MAX_LENGTH:
        raise TokenRefused('too long')
    try:
        claims = jwt.decode(token, options={'verify_signature': False})
    except _ODD as error:
        raise TokenRefused('not a token') from error
    issuer = claims.get('iss')
    if not isinstance(issuer, str):
        raise TokenRefused('no issuer')
    return issuer


def check_signed(
    token: str,
    keys: Sequence[Any],
    *,
    issuer: str,
    client_id: str,
    skew: int,
    algorithms: Sequence[str],
    required: Sequence[str],
) -> dict[str, Any]:
    """Check what all tokens have in common.

    :param token: The token.
    :param keys: The provider's keys (RFC 7517).
    :param issuer: Who must have issued it.
    :param client_id: Whom it must be for.
    :param skew: By how many seconds the clocks may differ.
    :param algorithms: The algorithms to accept.
    :param required: The claims that must be there.
    :return: Its claims.
    :raises KeyUnknown: where none of the keys made the signature.
    :raises TokenRefused: where anything else is wrong.
    """
    claims = _decode(
        token,
        keys,
        algorithms,
        issuer=issuer,
        audience=client_id,
        leeway=skew,
        options={'require': list(required)},
    )
    audience = claims.get('aud')
    party = claims.get('azp')
    # Core, section 3.1.3.7 (4, 5): among several recipients, the one it was
    # issued to must be us.
    if (party is not None or (isinstance(audience, list) and len(audience) > 1)) and (
        party != client_id
    ):
        raise TokenRefused('issued to another client')
    return claims


def _decode(
    token: str, keys: Sequence[Any], algorithms: Sequence[str], **how: Any
) -> dict[str, Any]:
    """Check the signature, and what PyJWT is told to check.

    :param how: PyJWT's arguments.
    :raises KeyUnknown: where none of the keys made the signature.
    :raises TokenRefused: where anything else is wrong.
    """
    if not isinstance(token, str) or len(token) > MAX_LENGTH:
        raise TokenRefused('not a token')
    try:
        header = jwt.get_unverified_header(token)
    except _ODD as error:
        raise TokenRefused('not a token') from error
    algorithm = header.get('alg')
    if algorithm not in algorithms or algorithm not in ALGORITHMS:
        raise TokenRefused(f'algorithm {str(algorithm)[:20]!r} is not accepted')
    key = _find_key(keys, algorithm, header.get('kid'))
    try:
        claims: dict[str, Any] = jwt.decode(
            token, key=key, algorithms=[algorithm], **how
        )
    except jwt.InvalidSignatureError as error:
        raise KeyUnknown('the signature is wrong') from error
    except _ODD as error:
        raise TokenRefused(f'{type(error).__name__}: {error}'[:200]) from error
    return claims


def check_userinfo(
    token: str,
    keys: Sequence[Any],
    *,
    issuer: str,
    client_id: str,
    skew: int,
    algorithms: Sequence[str],
) -> dict[str, Any]:
    """Check an answer of userinfo that is a signed token (Core, section 5.3.2).

    Whom it is about is left to the caller, as with an answer that is not signed.

    :return: Its claims.
    :raises TokenRefused: where it is not good.
    """
    claims = _decode(
        token,
        keys,
        algorithms,
        leeway=skew,
        options={'verify_aud': False, 'verify_iss': False},
    )
    # They should be there, and need not be.
    if claims.get('iss', issuer) != issuer:
        raise TokenRefused('of another issuer')
    audience = claims.get('aud', client_id)
    if client_id not in (audience if isinstance(audience, list) else [audience]):
        raise TokenRefused('for another client')
    return claims


def check_id_token(
    token: str,
    keys: Sequence[Any],
    *,
    nonce: str | None,
    access_token: str | None = None,
    **expected: Any,
) -> dict[str, Any]:
    """Check an ID token.

    :param nonce: What it must contain; None for one that came with a refresh
        (Core, section 12.2).
    :param access_token: The access token that came with it.
    :return: Its claims.
    :raises TokenRefused: where it is not good.
    """
    claims = check_signed(
        token, keys, required=['iss', 'sub', 'aud', 'exp', 'iat'], **expected
    )
    if nonce is not None and not _same(claims.get('nonce'), nonce):
        raise TokenRefused('the nonce is not that of this sign-in')
    subject = claims['sub']
    # Core, section 2.
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise TokenRefused('the subject is none')
    if not subject.isprintable():
        raise TokenRefused('the subject has odd characters')
    found = claims.get('at_hash')
    if found is not None and access_token is not None:
        # Core, section 3.1.3.8.  The hash of EdDSA is not fixed by the standard.
        algorithm = str(jwt.get_unverified_header(token)['alg'])
        if algorithm.startswith('Ed'):
            return claims
        if not _same(found, _half(access_token, algorithm)):
            raise TokenRefused('not issued together with the access token')
    return claims


def check_logout_token(
    token: str, keys: Sequence[Any], **expected: Any
) -> dict[str, Any]:
    """Check a logout token; whether it is new (``jti``) is left to the caller.

    :return: Its claims, with a text in ``jti`` and in ``sub`` or ``sid``.
    :raises TokenRefused: where it is not good.
    """
    claims = check_signed(
        token, keys, required=['iss', 'aud', 'iat', 'exp', 'jti', 'events'], **expected
    )
    events = claims['events']
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise TokenRefused('not about signing out')
    # An ID token must not pass for a logout token.
    if 'nonce' in claims:
        raise TokenRefused('it has a nonce')
    for name in ('jti', 'sub', 'sid'):
        value = claims.get(name)
        if value is not None and not (isinstance(value, str) and value):
            raise TokenRefused(f'{name} is no text')
    if 'sub' not in claims and 'sid' not in claims:
        raise TokenRefused('it names nobody')
    return claims


def _find_key(keys: Sequence[Any], algorithm: str, kid: Any) -> Any:
    """The key that should have made the signature.

    :raises KeyUnknown: where it is not among them.
    """
    fitting = [
        key
        for key in keys
        if isinstance(key, dict)
        and key.get('kty') == _KEY_TYPES[algorithm[:2]]
        and key.get('use') in (None, 'sig')
        and key.get('alg') in _names(algorithm, key)
        and (kid is None or key.get('kid') == kid)
    ]
    # Core, section 10.1: a token may do without a key ID where there is but one.
    if len(fitting) != 1:
        raise KeyUnknown('not signed with one of the known keys')
    try:
        known = 'EdDSA' if algorithm in _CURVES else algorithm
        key = jwt.PyJWK(fitting[0], algorithm=known).key
    except _ODD as error:
        raise TokenRefused('the key cannot be read') from error
    if (
        getattr(key, 'key_size', _MIN_RSA_BITS) < _MIN_RSA_BITS
        and 'RSA' in (fitting[0]['kty'])
    ):
        raise TokenRefused('the key is too short')
    return key


def _names(algorithm: str, key: dict[str, Any]) -> tuple[Any, ...]:
    """What a key's ``alg`` may say, for it to be one for an algorithm."""
    if not algorithm.startswith('Ed'):
        return None, algorithm
    curve = key.get('crv')
    # RFC 9864: the old name says no curve, the new one is the curve's.
    return (None, 'EdDSA', curve) if algorithm in ('EdDSA', curve) else ()


def _same(one: Any, other: str) -> bool:
    return isinstance(one, str) and hmac.compare_digest(
        one.encode(errors='replace'), other.encode()
    )


def _half(access_token: str, algorithm: str) -> str:
    """The left half of the access token's hash."""
    digest = hashlib.new(f'sha{algorithm[-3:]}', access_token.encode()).digest()
    half = digest[: len(digest) // 2]
    return base64.urlsafe_b64encode(half).rstrip(b'=').decode()
