# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of the request forms that wait; a number is as people are told it."""

from __future__ import annotations

from django.urls import path, re_path

from qnet_mailman.web.review import views

urlpatterns = [
    path('', views.requests, name='qnet_requests'),
    re_path(
        r'^(?P<number>(?:QM-)?[0-9]{1,10})/$', views.one_request, name='qnet_request'
    ),
]
