# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of metrics."""

from __future__ import annotations

from django.urls import path

from qnet_mailman.web.metrics import views

urlpatterns = [
    path('', views.web, name='qnet_metrics'),
    path('core/', views.core, name='qnet_core_metrics'),
]
