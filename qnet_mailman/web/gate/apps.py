# SPDX-License-Identifier: GPL-3.0-or-later
"""The app of the gate."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import Tags, register


class GateConfig(AppConfig):
    """Which page opens for whom."""

    name = 'qnet_mailman.web.gate'
    label = 'qnet_gate'

    def ready(self) -> None:
        """Let HyperKitty ask us, and check the table against the site's pages.

        :raises ImproperlyConfigured: where this HyperKitty does not ask.
        """
        from qnet_mailman.web.gate import archives
        from qnet_mailman.web.gate.checks import check_pages

        archives.install()
        register(check_pages, Tags.security)
