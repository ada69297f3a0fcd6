# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether this process may work, and making it so (R32).

Mailman logs an exception in a plugin's hook and runs on with stock behaviour:
members would post to notification lists, unmasked.  So `setup()` notes a
failure here instead, the guarded runners (`runners/guard.py`) ask before they
touch their queue and try again after a while, and the posting chain and pipeline
ask once more.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from mailman.config import config
from sqlalchemy.exc import SQLAlchemyError

from qnet_mailman.settings import SettingsError, load
from qnet_mailman.setup.database import _prepare_database
from qnet_mailman.site import NotReady, _fail, _state, describe

PLUGIN = 'qnet'

log = logging.getLogger('mailman.plugins')


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
    from qnet_mailman.setup.mailman_cfg import GUARDED

    for section in config.runner_configs:
        name = section.name.split('.')[-1]
        wanted = GUARDED.get(name)
        if wanted is not None and not section['class'].startswith('qnet_mailman.'):
            raise NotReady(
                f'{config.filename}: [runner.{name}] class is {section["class"]}; '
                f'it must be {wanted}, as in etc/mailman.cfg'
            )


def _register() -> None:
    from qnet_mailman.setup import components

    components.register()
