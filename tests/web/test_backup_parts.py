# SPDX-License-Identifier: GPL-3.0-or-later
"""What the web side says of itself to a backup."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from qnet_mailman.backup import website


def told() -> dict[str, Any]:
    out = StringIO()
    call_command('backup_parts', stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_database_folders_and_migrations_are_told() -> None:
    found = told()
    assert website._url(found['database']).get_backend_name() == 'sqlite'
    assert found['database']['NAME'] == str(connection.settings_dict['NAME'])
    assert 'qnet_harp.0002_operators' in found['migrations']
    assert {name.partition('.')[0] for name in found['migrations']} >= {
        'hyperkitty',
        'auth',
        'django_q',
    }
    assert found['folders'] == {}


POSTGRESQL = {
    'ENGINE': 'django.db.backends.postgresql',
    'NAME': 'qnet_web',
    'USER': 'qnet_web',
    'PASSWORD': 'p@ss word/',
    'HOST': 'localhost',
    'PORT': '',
    'OPTIONS': {'sslmode': 'verify-full', 'pool': True},
}


@pytest.mark.parametrize(
    ('changes', 'expected'),
    [
        (
            {},
            'postgresql://qnet_web:p%40ss word%2F@localhost/qnet_web'
            '?sslmode=verify-full',
        ),
        (
            {'HOST': '/run/postgresql', 'PORT': '5433', 'PASSWORD': '', 'OPTIONS': {}},
            'postgresql://qnet_web@:5433/qnet_web?host=%2Frun%2Fpostgresql',
        ),
    ],
)
def test_django_s_database_as_sqlalchemy_says_it(
    changes: dict[str, Any], expected: str
) -> None:
    url = website._url({**POSTGRESQL, **changes})
    assert url.render_as_string(hide_password=False) == expected


def test_another_database_is_named() -> None:
    with pytest.raises(website.BackupError, match='another kind: mysql'):
        website._url({**POSTGRESQL, 'ENGINE': 'django.db.backends.mysql'})


def test_a_web_side_that_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('QNET_WEB_SETTINGS', '/nonexistent/settings_local.py')
    with pytest.raises(website.BackupError) as error:
        website.ask()
    said = str(error.value)
    assert '/nonexistent/settings_local.py: no such file' in said
    assert 'on another host: --no-web' in said
