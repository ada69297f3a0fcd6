# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the people whom providers know are operators."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('qnet_harp', '0001_initial')]

    operations = [
        migrations.AddField(
            model_name='providerperson',
            name='is_operator',
            field=models.BooleanField(default=False),
        ),
    ]
