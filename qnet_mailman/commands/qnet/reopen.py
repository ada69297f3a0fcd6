# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet reopen`: undoing what a list-closure form did (R29)."""

from __future__ import annotations

import logging

import click
from mailman.config import config

from qnet_mailman.commands.qnet.common import (
    INVALID,
    needs_service,
    printable,
    stop,
    the_list,
)
from qnet_mailman.lists import closing, notices

log = logging.getLogger('mailman.plugins')


@click.command()
@click.argument('name', metavar='LIST')
@needs_service
def reopen(name: str) -> None:
    """Open a closed list again, as it was.

    That can be done until the time that "mailman qnet show LIST" tells. Its
    administrators are told; members are not.

    LIST is its address or List-ID.
    """
    mlist = the_list(name)
    try:
        closing.reopen(mlist)
    except closing.CannotReopen as error:
        config.db.abort()
        stop(INVALID, str(error))
    config.db.store.commit()
    click.echo(printable(f'{mlist.fqdn_listname}: open again'))
    try:
        notices.send_reopening(mlist)
        config.db.store.commit()
    except Exception:
        # It is open all the same.
        config.db.abort()
        log.exception('The administrators of %s were not told', name)
        click.echo('note: its administrators could not be told')
