# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for the database before a process of the service starts (R32).

Mailman ends a process whose database does not answer, and its master gives up
on a runner after ten restarts.  A database that is away for a minute would so
stop the mail until somebody comes.  Runners and the master therefore wait,
saying so in the log; commands that a person typed fail at once, as before.
"""

from __future__ import annotations

import logging
import sys
import time

from mailman.config import config
from mailman.utilities.string import expand
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from qnet_mailman.site import describe

WAIT = 5.0
"""Seconds between attempts."""

log = logging.getLogger('mailman.plugins')


def _is_service_process() -> bool:
    main = getattr(sys.modules.get('__main__'), '__spec__', None)
    name = main.name if main is not None else sys.argv[0].rpartition('/')[2]
    return name.rpartition('.')[2] in ('master', 'runner')


def wait_for_database() -> None:
    """Return once the database answers; at once in a command of a person."""
    if not _is_service_process():
        return
    engine = create_engine(expand(config.database.url, None, config.paths))
    said = None
    try:
        while True:
            try:
                engine.connect().close()
            except OperationalError as error:
                why = describe(error)
                if why != said:
                    log.critical('Waiting for the database: %s', why)
                    said = why
                time.sleep(WAIT)
            else:
                if said is not None:
                    log.warning('The database answers again')
                return
    finally:
        engine.dispose()
