# SPDX-License-Identifier: GPL-3.0-or-later
"""The app of the archive's pages."""

from __future__ import annotations

from django.apps import AppConfig


class ArchiveConfig(AppConfig):
    """What HyperKitty has archived, as pages."""

    name = 'qnet_mailman.web.archive'
    label = 'qnet_archive'
