# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an OpenID provider can be used, and what it offers.

Its discovery document and keys are read anew.  Whether it knows our client shows at
its token endpoint: a code that it never gave is refused as such only to a client with
the right secret (RFC 6749, section 5.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from django.conf import settings
from django.urls import reverse

from qnet_mailman.web.harp.config import ProviderConfig
from qnet_mailman.web.harp.fetch import ProviderRefused, ProviderUnavailable
from qnet_mailman.web.harp.oidc import OpenIDProvider


@dataclass
class Connection:
    """What was seen of a provider.

    :ivar keys: How many keys sign its tokens.
    :ivar offers: Whether it has what not every provider has, by its name for people.
    :ivar problem: Why it cannot be used; empty if it can.
    :ivar notes: What somebody should know, though nothing is wrong.
    """

    keys: int = 0
    offers: Mapping[str, bool] = field(default_factory=dict)
    problem: str = ''
    notes: list[str] = field(default_factory=list)


def examine(config: ProviderConfig) -> Connection:
    """Look at a provider.

    :param config: Which.
    """
    seen = Connection()
    openid = OpenIDProvider(config)
    try:
        openid.forget()
        for name in ('authorization_endpoint', 'token_endpoint'):
            openid.needed(name)
        seen.keys = len(openid.fetch_keys())
        seen.offers = {
            what: openid.endpoint(name) is not None
            for name, what in (
                ('userinfo_endpoint', 'userinfo'),
                ('end_session_endpoint', 'sign-out there'),
                ('introspection_endpoint', 'introspection'),
            )
        }
        if config.refresh != 'none':
            openid.needed(f'{config.refresh}_endpoint')
        _show_client(openid)
    except ProviderUnavailable as error:
        seen.problem = str(error)
        return seen
    methods = openid.discovery().get('code_challenge_methods_supported')
    if not isinstance(methods, list) or 'S256' not in methods:
        seen.notes.append('the provider does not say that it knows PKCE')
    return seen


def callback_of(config: ProviderConfig) -> str:
    """Where the provider sends people back to: the redirect URI to register there."""
    path = reverse('openid_connect_callback', kwargs={'provider_id': config.provider})
    return f'{settings.WEB_URL}{path}'


def _show_client(openid: OpenIDProvider) -> None:
    """Redeem a code that the provider never gave.

    :raises ProviderUnavailable: where it does not know the client.
    """
    with suppress(ProviderRefused):
        openid.redeem(
            grant_type='authorization_code',
            code='connection-check',
            code_verifier='connection-check-' + 'x' * 43,
            redirect_uri=callback_of(openid.config),
        )
