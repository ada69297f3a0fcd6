# SPDX-License-Identifier: GPL-3.0-or-later
"""Which page answers which address."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path('', include('qnet_mailman.web.home.urls')),
    path('', include('qnet_mailman.web.harp.urls')),
    path('posts/', include('qnet_mailman.web.posts.urls')),
    path('mailman3/', include('postorius.urls')),
    path('archives/', include('hyperkitty.urls')),
    path('', include('django_mailman3.urls')),
    path('accounts/', include('allauth.urls')),
    path('admin/', admin.site.urls),
]
