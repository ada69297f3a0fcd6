# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether this process may work, and making it so (R32).

Mailman logs an exception in a plugin's hook and runs on with stock behaviour:
members would post to notification lists, unmasked.  So `setup()` notes a
failure here instead, the guarded runners (`runners/guarded.py`) ask before they
touch their queue and try again after a while, and the posting chain and pipeline
ask once more.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from mailman.config import config
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import configure_mappers

from qnet_mailman.settings import Settings, SettingsError, load

PLUGIN = 'qnet'
SQLITE_BUSY_TIMEOUT = 30
"""Seconds a process waits for another's write on SQLite."""

log = logging.getLogger('mailman.plugins')


class NotReady(Exception):
    """Nothing may be processed now; the text says why."""


class _State:
    settings: Settings | None = None
    reason: str = 'the plugin has not been set up'


_state = _State()


def settings() -> Settings:
    """The site's settings.

    :raises NotReady: while this process may not work.
    """
    if _state.settings is None:
        raise NotReady(_state.reason)
    return _state.settings


def reason_not_ready() -> str | None:
    """Why this process may not work; None if it may."""
    return None if _state.settings is not None else _state.reason


def setup() -> None:
    """Read the settings, bring the tables up to date, register our utilities.

    Calling it again after a failure looks afresh; after a success it re-reads
    the settings.

    :raises NotReady: if something is wrong, which is also noted for
        `settings()` to say.
    """
    try:
        found = load(settings_path())
        _require_guards()
        _prepare_database()
        _register()
    except (SettingsError, NotReady) as error:
        _fail(str(error))
    except (SQLAlchemyError, OSError) as error:
        _fail(f'the database cannot be prepared: {describe(error)}')
    except Exception as error:
        log.exception('QualityNet Mailer could not be set up')
        _fail(f'{type(error).__name__}: {error}')
    else:
        _state.settings = found


def _fail(reason: str) -> None:
    _state.settings = None
    _state.reason = reason
    raise NotReady(reason)


def describe(error: BaseException) -> str:
    """An exception in a line, without SQL, its parameters or a password."""
    original = getattr(error, 'orig', None) or error
    return ' '.join(str(original).split())[:500] or type(original).__name__


def settings_path() -> Path:
    """Where the settings file is.

    :raises SettingsError: if Mailman's configuration names none.
    """
    sections = dict(config.plugin_configs)
    name = sections[PLUGIN]['configuration'].strip()
    if not name:
        raise SettingsError(
            [
                f'{config.filename}: [plugin.{PLUGIN}] configuration is missing; '
                'it must name the file of settings, qnet.cfg'
            ]
        )
    base = os.path.dirname(config.filename) if config.filename else os.getcwd()
    return Path(base, name)


def _require_guards() -> None:
    # Without the guard a runner would work on while `setup()` fails.
    from qnet_mailman.runners.guarded import GUARDED

    for section in config.runner_configs:
        name = section.name.split('.')[-1]
        wanted = GUARDED.get(name)
        if wanted is not None and not section['class'].startswith('qnet_mailman.'):
            raise NotReady(
                f'{config.filename}: [runner.{name}] class is {section["class"]}; '
                f'it must be {wanted}, as in etc/mailman.cfg'
            )


def _prepare_database() -> None:
    from qnet_mailman.model import migrations

    engine = config.db.engine
    if engine.dialect.name == 'sqlite' and not event.contains(
        engine, 'connect', _wait_for_writers
    ):
        # A dozen processes write to one file: without this, mail was shunted
        # because the "database is locked".
        event.listen(engine, 'connect', _wait_for_writers)
        config.db.store.close()
        engine.dispose()
    # The migrations have a connection of their own, which must not wait for
    # a transaction of this process.
    config.db.store.commit()
    migrations.upgrade(engine, config.LOCK_DIR)
    configure_mappers()


def _wait_for_writers(connection: Any, record: Any) -> None:
    connection.execute(f'PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT * 1000}')
    connection.execute('PRAGMA journal_mode = WAL')
    connection.execute('PRAGMA synchronous = FULL')


def _register() -> None:
    from qnet_mailman import components

    components.register()
