# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of Postorius that ours stand in for."""

from __future__ import annotations

from django.urls import path

from qnet_mailman.web.lists.views import sign_up_instead

urlpatterns = [
    path('lists/<str:list_id>/anonymous_subscribe', sign_up_instead),
]
