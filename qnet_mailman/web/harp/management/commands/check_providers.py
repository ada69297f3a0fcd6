# SPDX-License-Identifier: GPL-3.0-or-later
"""``django-admin check_providers``: whether the OpenID providers can be used.

It says what to register at each, too.  Exit status 1 says that a provider cannot be
used.
"""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.urls import reverse

from qnet_mailman.web.harp.config import ProviderConfig, providers
from qnet_mailman.web.harp.connection import callback_of, examine


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
        say = self.stdout.write
        say(f'{config.provider}: {config.issuer}')
        say(f'  redirect URI: {callback_of(config)}')
        say(f'  post-logout redirect URI: {settings.WEB_URL}/')
        say(
            f'  back-channel logout URI: {settings.WEB_URL}'
            f'{reverse("qnet_backchannel_logout")}'
        )
        seen = examine(config)
        if seen.keys:
            say(f'  keys: {seen.keys}')
        for what, is_there in seen.offers.items():
            say(f'  {what}: {"yes" if is_there else "no"}')
        if seen.problem:
            say(f'  PROBLEM: {seen.problem}')
            return False
        say('  client: known')
        for note in seen.notes:
            say(f'  note: {note}')
        return True
