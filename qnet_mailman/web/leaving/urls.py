# SPDX-License-Identifier: GPL-3.0-or-later
"""The address of the page with which one leaves a list."""

from __future__ import annotations

from django.urls import re_path

from qnet_mailman.web.leaving.views import unsubscribe

urlpatterns = [
    # Without the slash too: a mail provider's POST must not be redirected
    # (RFC 8058 section 3.1).
    re_path(r'^(?P<token>[^/]+)/?$', unsubscribe, name='qnet_unsubscribe'),
]
