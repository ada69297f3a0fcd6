# SPDX-License-Identifier: GPL-3.0-or-later
"""``django-admin check_providers``: whether the OpenID providers can be used.

It reads each provider's discovery document and keys, anew, and says what to
register there.  The client's secret shows only at the first sign-in.  Exit
status 1 says that a provider cannot be used.
"""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.urls import reverse

from qnet_mailman.web.harp.config import ProviderConfig, providers
from qnet_mailman.web.harp.fetch import ProviderUnavailable
from qnet_mailman.web.harp.oidc import OpenIDProvider


class Command(BaseCommand):
    """Look at each provider."""

    help = 'Check the connection to the OpenID providers of the site.'

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        if not providers():
            self.stdout.write('OPENID_PROVIDERS is empty.')
            sys.exit(1)
        good = [self._check(config) for config in providers().values()]
        if not all(good):
            sys.exit(1)

    def _check(self, config: ProviderConfig) -> bool:
        openid = OpenIDProvider(config)
        say = self.stdout.write
        path = reverse(
            'openid_connect_callback', kwargs={'provider_id': config.provider}
        )
        say(f'{config.provider}: {config.issuer}')
        say(f'  redirect URI: {settings.WEB_URL}{path}')
        say(f'  post-logout redirect URI: {settings.WEB_URL}/')
        say(
            f'  back-channel logout URI: {settings.WEB_URL}'
            f'{reverse("qnet_backchannel_logout")}'
        )
        try:
            openid.forget()
            for name in ('authorization_endpoint', 'token_endpoint'):
                openid.needed(name)
            say(f'  keys: {len(openid.fetch_keys())}')
            for name, what in (
                ('userinfo_endpoint', 'userinfo'),
                ('end_session_endpoint', 'sign-out there'),
                ('introspection_endpoint', 'introspection'),
            ):
                say(f'  {what}: {"yes" if openid.endpoint(name) else "no"}')
            if config.refresh != 'none':
                openid.needed(f'{config.refresh}_endpoint')
        except ProviderUnavailable as error:
            say(f'  PROBLEM: {error}')
            return False
        methods = openid.discovery().get('code_challenge_methods_supported')
        if not isinstance(methods, list) or 'S256' not in methods:
            say('  note: the provider does not say that it knows PKCE')
        return True
