# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of the operators' own pages."""

from __future__ import annotations

from django.urls import path

from qnet_mailman.web.operators import views

urlpatterns = [
    path('', views.overview, name='qnet_operators'),
    path('unattended/', views.unattended, name='qnet_unattended'),
    path('audit/', views.audit, name='qnet_audit'),
    path('audit/export.<slug:kind>', views.audit_file, name='qnet_audit_file'),
]
