# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of the pages about one post."""

from __future__ import annotations

from django.urls import path

from qnet_mailman.web.posts.views import confirm_post

urlpatterns = [
    path('confirm/<str:token>/', confirm_post, name='qnet_confirm_post'),
]
