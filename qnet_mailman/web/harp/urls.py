# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of signing out, of being without a role and of the providers' health.

Those of signing in are in :mod:`qnet_mailman.web.harp.openid.urls`.
"""

from __future__ import annotations

from django.urls import path

from qnet_mailman.web.harp import views

urlpatterns = [
    # In the place of allauth's.
    path('accounts/logout/', views.SignOutView.as_view(), name='account_logout'),
    path(
        'harp/backchannel-logout/',
        views.backchannel_logout,
        name='qnet_backchannel_logout',
    ),
    path('harp/connections/', views.connections, name='qnet_connections'),
    path('harp/no-role/', views.no_role, name='qnet_no_role'),
]
