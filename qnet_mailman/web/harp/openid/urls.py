# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of a sign-in, below ``accounts/``.

Providers know the callback's address.  It is written here, so that an upgrade of
allauth does not change it.
"""

from __future__ import annotations

from django.urls import path

from qnet_mailman.web.harp.openid import views

urlpatterns = [
    path('oidc/<slug:provider_id>/login/', views.login, name='openid_connect_login'),
    path(
        'oidc/<slug:provider_id>/login/callback/',
        views.callback,
        name='openid_connect_callback',
    ),
]
