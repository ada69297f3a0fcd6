# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of what programs read about the site."""

from __future__ import annotations

from django.urls import path

from qnet_mailman.web.frame.views import robots, security

urlpatterns = [
    path('robots.txt', robots, name='qnet_robots'),
    path('.well-known/security.txt', security, name='qnet_security'),
]
