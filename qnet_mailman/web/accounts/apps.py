# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts our rule of who owns an address in the place of django-mailman3's."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Web accounts and Mailman's users."""

    name = 'qnet_mailman.web.accounts'
    label = 'qnet_accounts'

    def ready(self) -> None:
        """Exchange what happens when somebody signs in.

        django-mailman3's own receiver gives an account every address that it
        merely *claims*, with the Mailman user that had it: anybody could take
        over anybody.
        """
        from allauth.account.signals import user_logged_in
        from django_mailman3 import signals

        from qnet_mailman.web.accounts.flows import on_sign_in

        user_logged_in.disconnect(signals.on_user_logged_in)
        user_logged_in.connect(on_sign_in, dispatch_uid='qnet-sign-in')
