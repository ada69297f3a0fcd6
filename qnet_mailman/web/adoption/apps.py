# SPDX-License-Identifier: GPL-3.0-or-later
"""The app of the lists that operators adopt or hand back."""

from __future__ import annotations

from django.apps import AppConfig


class AdoptionConfig(AppConfig):
    """Adopting lists and handing them back."""

    name = 'qnet_mailman.web.adoption'
    label = 'qnet_adoption'
