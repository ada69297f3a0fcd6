# SPDX-License-Identifier: GPL-3.0-or-later
"""The people whom providers know, and their sessions."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ('socialaccount', '0006_alter_socialaccount_extra_data'),
    ]

    operations = [
        migrations.CreateModel(
            name='ProviderPerson',
            fields=[
                (
                    'id',
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name='ID',
                    ),
                ),
                ('provider', models.CharField(max_length=40)),
                ('issuer', models.CharField(max_length=200)),
                ('subject', models.CharField(max_length=255)),
                ('user_id', models.CharField(max_length=190)),
                ('user_id_key', models.CharField(max_length=570)),
                ('name', models.CharField(blank=True, max_length=200)),
                ('email', models.CharField(max_length=254)),
                ('refresh_token', models.TextField(blank=True)),
                ('busy_until', models.DateTimeField(blank=True, null=True)),
                ('checked_at', models.DateTimeField(blank=True, null=True)),
                (
                    'account',
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name='qnet_person',
                        to='socialaccount.socialaccount',
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name='ProviderSession',
            fields=[
                (
                    'id',
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name='ID',
                    ),
                ),
                ('session_key', models.CharField(max_length=40)),
                ('sid', models.CharField(blank=True, db_index=True, max_length=255)),
                ('created', models.DateTimeField(auto_now_add=True, db_index=True)),
                (
                    'person',
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name='sessions',
                        to='qnet_harp.providerperson',
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name='providerperson',
            index=models.Index(fields=['issuer', 'subject'], name='qnet_harp_subject'),
        ),
        migrations.AddConstraint(
            model_name='providerperson',
            constraint=models.UniqueConstraint(
                fields=('provider', 'user_id_key'), name='qnet_harp_user_id'
            ),
        ),
    ]
