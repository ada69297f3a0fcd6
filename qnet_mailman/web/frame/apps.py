# SPDX-License-Identifier: GPL-3.0-or-later
"""The app that stands before all others, so that its templates win."""

from __future__ import annotations

from django.apps import AppConfig


class FrameConfig(AppConfig):
    """What every page has around it."""

    name = 'qnet_mailman.web.frame'
    label = 'qnet_frame'
