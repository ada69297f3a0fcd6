# SPDX-License-Identifier: GPL-3.0-or-later
"""What the web side has: its database, folders and settings, as it says itself.

Its settings are Python, and its packages none of core's: it is asked in a process of
its own, by `django-admin backup_parts`, whose answer has the password of its database
and goes through a pipe.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from qnet_mailman.backup.container import BackupError

EMPTY = ('auth_user', 'hyperkitty_email')
"""Tables that have rows as soon as somebody has an account, or a post is archived."""


@dataclass(frozen=True)
class WebSide:
    """The web side of this host.

    :ivar migrations: Those that its code knows: ``app.name``.
    :ivar folders: Folders that it writes to, and that cannot be made anew.
    :ivar settings: The file of its own settings.
    """

    url: URL
    migrations: frozenset[str]
    folders: dict[str, Path]
    settings: Path


def ask() -> WebSide:
    """Ask it.

    :raises BackupError: where it does not answer.
    """
    settings = os.environ.get('DJANGO_SETTINGS_MODULE', 'qnet_mailman.web.settings')
    done = subprocess.run(
        [sys.executable, '-m', 'django', 'backup_parts'],
        env={**os.environ, 'DJANGO_SETTINGS_MODULE': settings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ['no reason given']
        raise BackupError(
            f'the web side cannot be asked for its parts: {lines[-1]} (where it is on '
            'another host: --no-web)'
        )
    found = json.loads(done.stdout)
    return WebSide(
        _url(found['database']),
        frozenset(found['migrations']),
        {name: Path(folder) for name, folder in found['folders'].items()},
        Path(found['settings']),
    )


def _url(database: dict[str, Any]) -> URL:
    """Where a database of Django's is, as SQLAlchemy says it.

    :raises BackupError: where it is another than PostgreSQL or SQLite.
    """
    engine = database['ENGINE'].rpartition('.')[2]
    if engine == 'sqlite3':
        return URL.create('sqlite', database=database['NAME'])
    if engine != 'postgresql':
        raise BackupError(f"the web side's database is of another kind: {engine}")
    host = database['HOST'] or None
    # A folder of sockets is no host in an address.
    query = {'host': host} if host and host.startswith('/') else {}
    options = database.get('OPTIONS', {})
    query |= {
        name: str(value)
        for name, value in options.items()
        if name.startswith('ssl') or name in ('service', 'passfile', 'connect_timeout')
    }
    return URL.create(
        'postgresql',
        username=database['USER'] or None,
        password=database['PASSWORD'] or None,
        host=None if 'host' in query else host,
        port=int(database['PORT']) if database['PORT'] else None,
        database=database['NAME'],
        query=query,
    )
