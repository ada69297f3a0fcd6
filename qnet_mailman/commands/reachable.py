# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether `mailman qnet ...` can reach the database at all.

Mailman connects before it looks at the command, and would end with a traceback and
the exit status 1, which means an invalid form (R30).
"""

from __future__ import annotations

import sys

import click
from mailman.config import config
from mailman.utilities.string import expand
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from qnet_mailman.forms.batch import COULD_NOT_RUN
from qnet_mailman.site import describe


def stop_without_database() -> None:
    """End a `mailman qnet` process, saying why, if no database server answers."""
    program = sys.argv[0].rpartition('/')[2]
    url = expand(config.database.url, None, config.paths)
    # A file of SQLite is made by Mailman itself, which wants to be the first.
    if program != 'mailman' or 'qnet' not in sys.argv or url.startswith('sqlite'):
        return
    engine = create_engine(url)
    try:
        engine.connect().close()
    except OperationalError as error:
        click.echo(f'the database cannot be used: {describe(error)}', err=True)
        sys.exit(COULD_NOT_RUN)
    finally:
        engine.dispose()
