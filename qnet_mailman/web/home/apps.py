# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the name and address in the database those of the settings."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate


def name_site(*, using: str = 'default', **_kwargs: Any) -> None:
    """Give the one site its name and address.

    Stock pages and account mail take both from the database, where a new
    installation has ``example.com``.

    :param using: The database that was migrated.
    """
    from django.contrib.sites.models import Site

    Site.objects.using(using).update_or_create(
        pk=settings.SITE_ID,
        defaults={
            'domain': urlsplit(settings.WEB_URL).netloc,
            'name': settings.SITE_NAME,
        },
    )


class HomeConfig(AppConfig):
    """The start page."""

    name = 'qnet_mailman.web.home'
    label = 'qnet_home'

    def ready(self) -> None:
        """Name the site after every ``migrate``."""
        from django.contrib.sites.apps import SitesConfig

        def after_sites(sender: Any, **kwargs: Any) -> None:
            if isinstance(sender, SitesConfig):
                name_site(using=kwargs['using'])

        post_migrate.connect(after_sites, weak=False, dispatch_uid='qnet-name-site')
