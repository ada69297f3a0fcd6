# SPDX-License-Identifier: GPL-3.0-or-later
"""The app of the operators' own pages."""

from __future__ import annotations

from django.apps import AppConfig


class OperatorsConfig(AppConfig):
    """The operators' own pages."""

    name = 'qnet_mailman.web.operators'
    label = 'qnet_operators'
