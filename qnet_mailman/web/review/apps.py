# SPDX-License-Identifier: GPL-3.0-or-later
"""The app of the request forms that wait for an operator."""

from __future__ import annotations

from django.apps import AppConfig


class ReviewConfig(AppConfig):
    """Request forms that wait for an operator."""

    name = 'qnet_mailman.web.review'
    label = 'qnet_review'
