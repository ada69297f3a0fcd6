# SPDX-License-Identifier: GPL-3.0-or-later
"""One OpenID provider, as a client sees it: its documents, keys and endpoints.

* Discovery: OpenID Connect Discovery 1.0, section 4.
* Token endpoint: RFC 6749, sections 4.1.3 and 6; userinfo: OpenID Connect Core
  1.0, section 5.3; introspection: RFC 7662.

Discovery and keys are kept in Django's cache, for all web processes.  A token
with a signature that none of the kept keys made has the keys fetched again,
once, and not more often than :data:`KEYS_PAUSE`: nobody can make us fetch them
in a loop by sending rubbish.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from typing import Any, cast
from urllib.parse import quote

from django.core.cache import cache
from requests.auth import AuthBase, HTTPBasicAuth

from qnet_mailman.web.harp.config import ProviderConfig, is_safe
from qnet_mailman.web.harp.fetch import (
    Bearer,
    ProviderRefused,
    ProviderUnavailable,
    fetch,
    fetch_claims,
)
from qnet_mailman.web.harp.tokens import KeyUnknown, TokenRefused, check_userinfo

log = logging.getLogger('qnet.web')

#: Seconds to keep the discovery document, and the keys.
DISCOVERY_LIFE = 600
KEYS_LIFE = 3600
#: Seconds between two extra fetches of the keys.
KEYS_PAUSE = 5
#: Seconds for which a provider that did not answer is left alone.
DOWN_PAUSE = 5


class OpenIDProvider:
    """A provider of the site."""

    def __init__(self, config: ProviderConfig) -> None:
        self.config = config
        # What is kept is forgotten when the settings change.
        digest = hashlib.sha256(f'{config.provider} {config.issuer}'.encode())
        self._key = f'qnet-openid-{digest.hexdigest()[:32]}'

    def discovery(self) -> dict[str, Any]:
        """What the provider says about itself.

        :raises ProviderUnavailable: where it cannot be read or is of another
            issuer.
        """
        found = cache.get(f'{self._key}-discovery')
        if found is None:
            issuer = self.config.issuer
            url = f'{issuer.rstrip("/")}/.well-known/openid-configuration'
            found = self._document(url)
            # Discovery, section 4.3.
            if found.get('issuer') != issuer:
                raise ProviderUnavailable(
                    f'{url} is of another issuer: {str(found.get("issuer"))[:200]!r}'
                )
            cache.set(f'{self._key}-discovery', found, DISCOVERY_LIFE)
        return cast(dict[str, Any], found)

    def forget(self) -> None:
        """Ask the provider itself the next time."""
        cache.delete_many(
            [f'{self._key}-{what}' for what in ('discovery', 'keys', 'down')]
        )

    def endpoint(self, name: str) -> str | None:
        """The address of an endpoint; None where the provider has none.

        :param name: Its name in the discovery document.
        :raises ProviderUnavailable: where its address is not safe to use.
        """
        url = self.discovery().get(name)
        if url is None:
            return None
        if not isinstance(url, str) or not is_safe(url):
            raise ProviderUnavailable(f'{name} is not an https address')
        return url

    def needed(self, name: str) -> str:
        """The address of an endpoint that every provider has.

        :raises ProviderUnavailable: where this one does not.
        """
        url = self.endpoint(name)
        if url is None:
            raise ProviderUnavailable(f'the provider names no {name}')
        return url

    def check(
        self, checks: Callable[[Sequence[Any]], dict[str, Any]]
    ) -> dict[str, Any]:
        """Check a token with the provider's keys.

        :param checks: Checks it with the keys that it is given.
        :return: The token's claims.
        :raises TokenRefused: where it is not good.
        :raises ProviderUnavailable: where the keys cannot be had.
        """
        kept = cache.get(f'{self._key}-keys')
        if kept is None:
            return checks(self.fetch_keys())
        try:
            return checks(kept)
        except KeyUnknown:
            if not cache.add(f'{self._key}-pause', True, KEYS_PAUSE):
                raise
        log.info('%s: fetching the keys again', self.config.provider)
        return checks(self.fetch_keys())

    @property
    def expected(self) -> dict[str, Any]:
        """What each of its tokens is checked for."""
        return {
            'issuer': self.config.issuer,
            'client_id': self.config.client_id,
            'skew': self.config.clock_skew,
            'algorithms': self.config.algorithms,
        }

    def redeem(self, **fields: str) -> dict[str, Any]:
        """Ask the token endpoint.

        :param fields: The grant.
        :return: The answer, with a text in ``access_token``.
        :raises ProviderRefused: where the grant is refused.
        """
        answer = self._ask('token_endpoint', fields)
        token = answer.get('access_token')
        kind = answer.get('token_type')
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise ProviderUnavailable('the token endpoint gave no access token')
        # Core, section 3.1.3.3.
        if not isinstance(kind, str) or kind.lower() != 'bearer':
            raise ProviderUnavailable('the access token is not a bearer token')
        return answer

    def userinfo(self, access_token: str, subject: str) -> dict[str, Any]:
        """What the provider says about a person now.

        :param access_token: The person's access token.
        :param subject: Who the ID token is about.
        :raises ProviderUnavailable: where the answer is about somebody else
            (Core, section 5.3.2).
        :raises TokenRefused: where it is a signed token, and not good.
        """
        url = self.needed('userinfo_endpoint')
        try:
            answer = fetch_claims(url, Bearer(access_token))
        except ProviderRefused as error:
            raise ProviderUnavailable(f'GET {url}: {error}') from error
        if isinstance(answer, str):
            token = answer
            try:
                answer = self.check(
                    lambda keys: check_userinfo(token, keys, **self.expected)
                )
            except TokenRefused as error:
                raise TokenRefused(f'userinfo: {error}') from error
        if answer.get('sub') != subject:
            raise ProviderUnavailable('userinfo is about another subject')
        return answer

    def introspect(self, token: str) -> dict[str, Any]:
        """Whether a refresh token is still good (RFC 7662, section 2).

        :return: The answer, with a boolean in ``active``.
        """
        answer = self._ask(
            'introspection_endpoint',
            {'token': token, 'token_type_hint': 'refresh_token'},
        )
        if not isinstance(answer.get('active'), bool):
            raise ProviderUnavailable('introspection says neither yes nor no')
        return answer

    def _ask(self, endpoint: str, fields: dict[str, str]) -> dict[str, Any]:
        """POST to an endpoint that wants to know which client asks."""
        config = self.config
        secret = config.client_secret.get_secret_value()
        auth: AuthBase | None = None
        if config.token_auth_method == 'client_secret_basic':
            # RFC 6749, section 2.3.1: both parts are form-encoded first.
            auth = HTTPBasicAuth(quote(config.client_id, ''), quote(secret, ''))
        else:
            fields = {
                **fields,
                'client_id': config.client_id,
                'client_secret': secret,
            }
        try:
            return fetch('POST', self.needed(endpoint), data=fields, auth=auth)
        except ProviderRefused as refusal:
            if refusal.code in ('invalid_client', 'unauthorized_client'):
                # Ours is the mistake, and nobody can sign in until it is mended.
                raise ProviderUnavailable(
                    f'{endpoint}: {refusal.code}; check client_id, client_secret '
                    'and token_auth_method'
                ) from refusal
            raise

    def fetch_keys(self) -> list[Any]:
        """The provider's keys as they are now.

        :raises ProviderUnavailable: where they cannot be had.
        """
        answer = self._document(self.needed('jwks_uri'))
        keys = answer.get('keys')
        if not isinstance(keys, list):
            raise ProviderUnavailable('jwks_uri gives no keys')
        cache.set(f'{self._key}-keys', keys, KEYS_LIFE)
        return keys

    def _document(self, url: str) -> dict[str, Any]:
        """Read a document, unless the provider did not answer a moment ago.

        Each request would wait for it otherwise, and anybody can make one.
        """
        if cache.get(f'{self._key}-down'):
            raise ProviderUnavailable('it did not answer a moment ago')
        try:
            return self._get(url)
        except ProviderUnavailable:
            cache.set(f'{self._key}-down', True, DOWN_PAUSE)
            raise

    @staticmethod
    def _get(url: str) -> dict[str, Any]:
        """Read a document; one that is refused is one that cannot be had."""
        try:
            return fetch('GET', url)
        except ProviderRefused as error:
            raise ProviderUnavailable(f'GET {url}: {error}') from error
