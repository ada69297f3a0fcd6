# SPDX-License-Identifier: GPL-3.0-or-later
"""Which page answers which address."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

handler400 = 'qnet_mailman.web.frame.views.bad_request'
handler500 = 'qnet_mailman.web.frame.views.server_error'

urlpatterns = [
    path('', include('qnet_mailman.web.frame.urls')),
    path('', include('qnet_mailman.web.home.urls')),
    path('', include('qnet_mailman.web.harp.urls')),
    path('help/', include('qnet_mailman.web.help.urls')),
    path('signup/', include('qnet_mailman.web.signup.urls')),
    path('forms/', include('qnet_mailman.web.request_forms.urls')),
    path('requests/', include('qnet_mailman.web.review.urls')),
    path('metrics/', include('qnet_mailman.web.metrics.urls')),
    path('operators/', include('qnet_mailman.web.operators.urls')),
    path('adopting/', include('qnet_mailman.web.adoption.urls')),
    path('', include('qnet_mailman.web.leaving.urls')),
    path('decide/', include('qnet_mailman.web.deciding.urls')),
    path('posts/', include('qnet_mailman.web.posts.urls')),
    # Before Postorius's, some of whose pages it replaces.
    path('mailman3/', include('qnet_mailman.web.lists.urls')),
    path('mailman3/', include('postorius.urls')),
    # Before HyperKitty's, some of whose pages it replaces.
    path('archives/', include('qnet_mailman.web.archive.urls')),
    path('archives/', include('hyperkitty.urls')),
    path('', include('django_mailman3.urls')),
    path('accounts/', include('allauth.urls')),
    path('admin/', admin.site.urls),
]
