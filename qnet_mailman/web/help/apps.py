# SPDX-License-Identifier: GPL-3.0-or-later
"""The app of the help pages."""

from __future__ import annotations

from django.apps import AppConfig


class HelpConfig(AppConfig):
    """Help pages."""

    name = 'qnet_mailman.web.help'
    label = 'qnet_help'
