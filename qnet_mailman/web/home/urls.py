# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of the site's front page and of the page after signing in."""

from __future__ import annotations

from django.urls import path
from django.views.generic import TemplateView

from qnet_mailman.web.home.views import start

urlpatterns = [
    path('', TemplateView.as_view(template_name='home/index.html'), name='qnet_home'),
    path('start/', start, name='qnet_start'),
]
