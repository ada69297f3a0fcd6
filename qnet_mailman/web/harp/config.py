# SPDX-License-Identifier: GPL-3.0-or-later
"""The site's OpenID providers: ``OPENID_PROVIDERS`` of the site file, checked.

``etc/settings_local.py`` shows what can be set.  The site file is read through
:func:`read_providers`, so that Django does not start with a wrong one, and
``settings.OPENID_PROVIDERS`` holds what that returns.
"""

from __future__ import annotations

import re
from typing import Any, Literal
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from qnet_mailman.web.harp.mapping import Claims
from qnet_mailman.web.harp.tokens import ALGORITHMS

#: The name of allauth's protocol; the site's providers are its "apps".
OPENID_CONNECT = 'openid_connect'


def is_safe(url: str) -> bool:
    """Whether what goes to this address cannot be read or changed on the way.

    :param url: An address; that is so with https, and on this machine.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if parts.scheme == 'https':
        return bool(host)
    return parts.scheme == 'http' and host in ('localhost', '127.0.0.1', '::1')


class ProviderConfig(BaseModel):
    """One provider.

    :ivar name: As people know it: "Sign in with ...".
    :ivar issuer: The issuer's address, letter by letter as the provider gives it.
    :ivar scope: What to ask for.  ``offline_access`` is usually needed for
        ``refresh``.
    :ivar token_auth_method: How the client shows its secret.
    :ivar clock_skew: By how much the clocks may differ, in seconds.
    :ivar refresh: How ``refresh_roles`` asks about people who do not sign in.
    :ivar help_text: Shown to a person without a role: how to ask for it there.
    """

    model_config = ConfigDict(extra='forbid', frozen=True)

    provider: str = Field(pattern=r'^[a-z][a-z0-9-]{0,30}$')
    name: str = Field(min_length=1, max_length=40)
    issuer: str = Field(max_length=150)
    client_id: str = Field(min_length=1)
    client_secret: SecretStr
    scope: tuple[str, ...] = ('openid', 'profile', 'email')
    token_auth_method: Literal['client_secret_basic', 'client_secret_post'] = (
        'client_secret_basic'
    )
    claims: Claims = Claims()
    algorithms: tuple[str, ...] = ALGORITHMS
    clock_skew: int = Field(default=60, ge=0, le=600)
    refresh: Literal['none', 'userinfo', 'introspection'] = 'none'
    help_text: str = ''

    @field_validator('issuer')
    @classmethod
    def _safe_issuer(cls, value: str) -> str:
        # Discovery, section 3: https, and neither query nor fragment.
        if not is_safe(value) or re.search(r'[?#|\s]', value):
            raise ValueError('expected an https address without "?" and "#"')
        return value

    @field_validator('client_secret')
    @classmethod
    def _some_secret(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value():
            raise ValueError('not set')
        return value

    @field_validator('scope')
    @classmethod
    def _openid(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        # Core, section 3.1.2.1: without it, it is no OpenID request.
        if 'openid' not in value:
            raise ValueError('"openid" is missing')
        return value

    @model_validator(mode='after')
    def _known_algorithms(self) -> ProviderConfig:
        if not self.algorithms or not set(self.algorithms) <= set(ALGORITHMS):
            raise ValueError('algorithms: expected some of ' + ', '.join(ALGORITHMS))
        return self


def read_providers(value: Any) -> dict[str, ProviderConfig]:
    """Check the setting.

    :param value: ``OPENID_PROVIDERS``: a dictionary for each provider.
    :raises ImproperlyConfigured: with everything that is wrong; no secret is in
        the message.
    """
    if not isinstance(value, dict):
        raise ImproperlyConfigured('OPENID_PROVIDERS is not a dictionary')
    providers: dict[str, ProviderConfig] = {}
    for key, fields in value.items():
        if not isinstance(fields, dict):
            raise ImproperlyConfigured(f'OPENID_PROVIDERS[{key!r}]: not a dictionary')
        try:
            providers[key] = ProviderConfig(**{'name': key, **fields, 'provider': key})
        except ValidationError as error:
            wrong = '; '.join(
                '.'.join(str(step) for step in found['loc']) + f': {found["msg"]}'
                for found in error.errors(include_input=False)
            )
            raise ImproperlyConfigured(f'OPENID_PROVIDERS[{key!r}]: {wrong}') from None
    issuers = [provider.issuer for provider in providers.values()]
    if len(set(issuers)) < len(issuers):
        # A sign-out from the provider names the issuer alone.
        raise ImproperlyConfigured('OPENID_PROVIDERS: two have the same issuer')
    return providers


def for_allauth(providers: dict[str, ProviderConfig]) -> dict[str, Any]:
    """The same in the words of allauth: ``SOCIALACCOUNT_PROVIDERS``.

    The secret stays out: only our own code shows it to the provider.

    :param providers: The checked providers.
    """
    apps = [
        {
            'provider_id': key,
            'name': provider.name,
            'client_id': provider.client_id,
            'secret': '',
            'settings': {
                'server_url': provider.issuer,
                'scope': list(provider.scope),
                'oauth_pkce_enabled': True,
            },
        }
        for key, provider in providers.items()
    ]
    return {OPENID_CONNECT: {'APPS': apps}}


def providers() -> dict[str, ProviderConfig]:
    """The site's providers by key."""
    from django.conf import settings

    found: dict[str, ProviderConfig] = settings.OPENID_PROVIDERS
    return found
