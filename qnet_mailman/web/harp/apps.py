# SPDX-License-Identifier: GPL-3.0-or-later
"""The app of signing in through a provider."""

from __future__ import annotations

from django.apps import AppConfig


class HarpConfig(AppConfig):
    """Signing in through HARP."""

    name = 'qnet_mailman.web.harp'
    label = 'qnet_harp'
    default_auto_field = 'django.db.models.BigAutoField'

    def ready(self) -> None:
        """Listen for people who sign in and out."""
        from allauth.account import signals as account_signals
        from allauth.socialaccount.signals import social_account_added
        from django.contrib.auth import signals as auth_signals

        from qnet_mailman.web.harp import checks, flows, logout

        del checks  # Importing it registers them.
        auth_signals.user_logged_in.connect(
            flows.on_any_sign_in, dispatch_uid='qnet-any-sign-in'
        )
        auth_signals.user_logged_out.connect(
            logout.on_signed_out, dispatch_uid='qnet-signed-out'
        )
        account_signals.user_logged_in.connect(
            flows.on_signed_in, dispatch_uid='qnet-provider-sign-in'
        )
        social_account_added.connect(
            flows.on_connected, dispatch_uid='qnet-provider-connected'
        )
