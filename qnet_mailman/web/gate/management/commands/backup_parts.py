# SPDX-License-Identifier: GPL-3.0-or-later
"""``django-admin backup_parts``: what a backup has to take of the web side.

Core's `mailman qnet backup` asks.  The answer holds the password of the database.
"""

from __future__ import annotations

import json
import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db.migrations.loader import MigrationLoader

from qnet_mailman.web.sitefile import site_path

PARTS = ('ENGINE', 'NAME', 'USER', 'PASSWORD', 'HOST', 'PORT', 'OPTIONS')


class Command(BaseCommand):
    """Say it."""

    help = (
        'Print, for a program, where the database and folders of the web side are.  '
        'The password of the database is among it.'
    )
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Print JSON."""
        database = settings.DATABASES['default']
        known = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
        folders = {
            'media': settings.MEDIA_ROOT,
            'attachments': getattr(settings, 'HYPERKITTY_ATTACHMENT_FOLDER', None),
        }
        told = {
            'database': {name: database[name] for name in PARTS},
            'migrations': sorted('.'.join(each) for each in known),
            'folders': {
                name: os.path.abspath(folder)
                for name, folder in folders.items()
                if folder
            },
            'settings': str(site_path()),
        }
        self.stdout.write(json.dumps(told, default=str))
