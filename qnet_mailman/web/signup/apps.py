# SPDX-License-Identifier: GPL-3.0-or-later
"""The app of the sign-up page."""

from __future__ import annotations

from django.apps import AppConfig


class SignupConfig(AppConfig):
    """Joining lists."""

    name = 'qnet_mailman.web.signup'
    label = 'qnet_signup'

    def ready(self) -> None:
        """Register what ``django-admin check --deploy`` says about the page."""
        from django.core.checks import Tags, register

        from qnet_mailman.web.signup.client import check_client_address

        register(check_client_address, Tags.security, deploy=True)
