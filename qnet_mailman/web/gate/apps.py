# SPDX-License-Identifier: GPL-3.0-or-later
"""The app of the gate."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.core.exceptions import ImproperlyConfigured


class GateConfig(AppConfig):
    """Which page opens for whom."""

    name = 'qnet_mailman.web.gate'
    label = 'qnet_gate'

    def ready(self) -> None:
        """Let HyperKitty ask us, and check the table against the site's pages.

        And let Postorius tell core how to fetch texts, and who acts.

        :raises ImproperlyConfigured: where this HyperKitty does not ask, or this
            Postorius tells it in another way.
        """
        from postorius.models import EmailTemplate

        from qnet_mailman.web import mailman_client
        from qnet_mailman.web.gate import archives
        from qnet_mailman.web.gate.checks import check_pages
        from qnet_mailman.web.gate.core_only import tell_core

        if not hasattr(EmailTemplate, '_update_core'):
            raise ImproperlyConfigured(
                'This Postorius has no EmailTemplate._update_core: core could not '
                'fetch the texts of messages.'
            )
        EmailTemplate._update_core = tell_core
        mailman_client.install()
        archives.install()
        register(check_pages, Tags.security)
