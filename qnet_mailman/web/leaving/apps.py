# SPDX-License-Identifier: GPL-3.0-or-later
"""The app of the pages with which one leaves a list, or has its mail again."""

from __future__ import annotations

from django.apps import AppConfig


class LeavingConfig(AppConfig):
    """Leaving a list."""

    name = 'qnet_mailman.web.leaving'
    label = 'qnet_leaving'
