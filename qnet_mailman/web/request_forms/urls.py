# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of the request forms."""

from __future__ import annotations

from django.urls import path

from qnet_mailman.web.request_forms import asking_views, views

urlpatterns = [
    path('', views.forms, name='qnet_forms'),
    path('<slug:kind>.<slug:file_format>', views.empty, name='qnet_empty_form'),
    path('sent/', asking_views.sent, name='qnet_ask_sent'),
    path('confirm/<str:token>/', asking_views.confirm, name='qnet_ask_confirm'),
    path('<slug:kind>/', asking_views.start, name='qnet_ask'),
    path('<slug:kind>/check/', asking_views.check, name='qnet_ask_check'),
    path('<slug:kind>/discard/', asking_views.discard, name='qnet_ask_discard'),
    path('<slug:kind>/<slug:key>/', asking_views.step, name='qnet_ask_step'),
]
