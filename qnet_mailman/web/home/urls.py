# SPDX-License-Identifier: GPL-3.0-or-later
"""The address of the start page."""

from __future__ import annotations

from django.urls import path
from django.views.generic import TemplateView

urlpatterns = [
    path('', TemplateView.as_view(template_name='home/index.html'), name='qnet_home'),
]
