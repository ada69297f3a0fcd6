# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether this process may work, and making it so (R32).

Mailman logs an exception in a plugin's hook and runs on with stock behaviour:
members would post to notification lists, unmasked.  So `setup()` notes a
failure here instead, the guarded runners (`runners/guard.py`) ask before they
touch their queue and try again after a while, and the posting chain and pipeline
ask once more.

Where operators have switched the plugin off, Mailman loads nothing of it, and our
runners, which mailman.cfg still names, set up what they themselves need: they leave
alone what belongs to lists of ours.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from lazr.config import as_boolean
from mailman.config import config
from sqlalchemy.exc import SQLAlchemyError

from qnet_mailman import site
from qnet_mailman.model.migrations import AuditLogOfAnother, DatabaseIsNewer
from qnet_mailman.settings import SettingsError, load
from qnet_mailman.setup import compat, components, database, logs, mailman_cfg
from qnet_mailman.site import NotReady

PLUGIN = 'qnet'

log = logging.getLogger('mailman.plugins')


def setup() -> None:
    """Read the settings, bring the tables up to date, register our utilities.

    Calling it again after a failure looks afresh; after a success it re-reads
    the settings.

    :raises NotReady: if something is wrong, which is also noted for
        `site.settings()` to say.
    """
    try:
        found = load(settings_path())
        mailman_cfg.require_runners()
        database.prepare()
        off = PLUGIN not in config.plugins and not is_enabled()
        if off:
            logs.install()
            compat.apply()
            components.leave_our_members_alone()
        else:
            components.register()
    except (SettingsError, NotReady, DatabaseIsNewer, AuditLogOfAnother) as error:
        reason = str(error)
    except (SQLAlchemyError, OSError) as error:
        reason = f'the database cannot be prepared: {site.describe(error)}'
    except Exception as error:
        log.exception('QualityNet Mailer could not be set up')
        reason = f'{type(error).__name__}: {error}'
    else:
        site.become_ready(found, off=off)
        return
    site.stop(reason)
    raise NotReady(reason)


def is_enabled() -> bool:
    """Whether mailman.cfg has the plugin, switched on."""
    section = dict(config.plugin_configs).get(PLUGIN)
    return section is not None and as_boolean(section['enabled'])


def settings_path() -> Path:
    """Where the settings file is.

    Beside mailman.cfg, as in `etc`, where the whole section was taken out.

    :raises SettingsError: if Mailman's configuration names none.
    """
    section = dict(config.plugin_configs).get(PLUGIN)
    name = 'qnet.cfg' if section is None else section['configuration'].strip()
    if not name:
        raise SettingsError(
            [
                f'{config.filename}: [plugin.{PLUGIN}] configuration is missing; '
                'it must name the file of settings, qnet.cfg'
            ]
        )
    base = os.path.dirname(config.filename) if config.filename else os.getcwd()
    return Path(base, name)
