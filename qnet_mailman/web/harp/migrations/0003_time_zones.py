# SPDX-License-Identifier: GPL-3.0-or-later
"""Nobody's time zone is the first of the alphabet any more.

django-mailman3's form of the profile offered no empty choice, so that whoever saved it
for another reason had Africa/Abidjan, whose clocks go as UTC does.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations


def forget(apps: Any, _editor: Any) -> None:
    """Have them see the site's time zone.

    :param apps: The models as of this migration.
    """
    profiles = apps.get_model('django_mailman3', 'Profile').objects
    profiles.filter(timezone='Africa/Abidjan').update(timezone='')


class Migration(migrations.Migration):
    dependencies = [
        ('qnet_harp', '0002_operators'),
        ('django_mailman3', '0001_initial'),
    ]

    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
