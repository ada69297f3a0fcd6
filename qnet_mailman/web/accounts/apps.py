# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts our rule of who owns an address in the place of django-mailman3's."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured


class AccountsConfig(AppConfig):
    """Web accounts and Mailman's users."""

    name = 'qnet_mailman.web.accounts'
    label = 'qnet_accounts'

    def ready(self) -> None:
        """Exchange what happens when somebody signs in.

        django-mailman3's own receiver gives an account every address that it
        merely *claims*, with the Mailman user that had it: anybody could take
        over anybody.  And the profile page must not change the user name.

        :raises ImproperlyConfigured: where this django-mailman3 has another page.
        """
        from allauth.account.signals import user_logged_in
        from django_mailman3 import signals
        from django_mailman3.views import profile

        from qnet_mailman.web.accounts.flows import on_sign_in
        from qnet_mailman.web.accounts.forms import ProfileForm

        if not hasattr(profile, 'UserProfileForm'):
            raise ImproperlyConfigured(
                'This django-mailman3 has no UserProfileForm in views.profile: '
                'people could take the user names of others.'
            )
        profile.UserProfileForm = ProfileForm
        user_logged_in.disconnect(signals.on_user_logged_in)
        user_logged_in.connect(on_sign_in, dispatch_uid='qnet-sign-in')
