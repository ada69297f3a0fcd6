# SPDX-License-Identifier: GPL-3.0-or-later
"""The app of the page on which a moderator decides."""

from __future__ import annotations

from django.apps import AppConfig


class DecidingConfig(AppConfig):
    """The page on which a moderator decides."""

    name = 'qnet_mailman.web.deciding'
    label = 'qnet_deciding'
