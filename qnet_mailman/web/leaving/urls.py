# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of the pages with which one leaves a list, or has its mail again."""

from __future__ import annotations

from django.urls import path, re_path

from qnet_mailman.web.leaving.views import send_again, unsubscribe

urlpatterns = [
    # Without the slash too: a mail provider's POST must not be redirected
    # (RFC 8058 section 3.1).
    re_path(r'^unsubscribe/(?P<token>[^/]+)/?$', unsubscribe, name='qnet_unsubscribe'),
    path('send-again/<str:token>/', send_again, name='qnet_send_again'),
]
