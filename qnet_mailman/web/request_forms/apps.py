# SPDX-License-Identifier: GPL-3.0-or-later
"""The app of the request forms."""

from __future__ import annotations

from django.apps import AppConfig


class RequestFormsConfig(AppConfig):
    """Request forms."""

    name = 'qnet_mailman.web.request_forms'
    label = 'qnet_request_forms'
