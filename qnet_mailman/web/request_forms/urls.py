# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of the request forms."""

from __future__ import annotations

from django.urls import path

from qnet_mailman.web.request_forms import views

urlpatterns = [
    path('', views.forms, name='qnet_forms'),
    path('<slug:kind>.<slug:file_format>', views.empty, name='qnet_empty_form'),
]
