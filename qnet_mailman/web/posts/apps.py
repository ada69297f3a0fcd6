# SPDX-License-Identifier: GPL-3.0-or-later
"""The app of the pages about one post."""

from __future__ import annotations

from django.apps import AppConfig


class PostsConfig(AppConfig):
    """Pages about one post."""

    name = 'qnet_mailman.web.posts'
    label = 'qnet_posts'
