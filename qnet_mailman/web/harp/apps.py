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
        """Listen for people who sign in and out, and for superusers."""
        from allauth.account import signals as account_signals
        from allauth.socialaccount.signals import social_account_added
        from django.contrib.auth import get_user_model
        from django.contrib.auth import signals as auth_signals
        from django.db.models import signals as model_signals

        from qnet_mailman.web.harp import checks, flows, logout, operators

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
        for signal, receiver in (
            (model_signals.pre_save, operators.before_account_is_saved),
            (model_signals.post_save, operators.on_account_saved),
            (model_signals.post_delete, operators.on_account_deleted),
        ):
            signal.connect(
                receiver, sender=get_user_model(), dispatch_uid='qnet-superuser'
            )
