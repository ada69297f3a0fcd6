# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet set`: changing a list's settings (R7, R21)."""

from __future__ import annotations

import click
from mailman.config import config
from mailman.utilities.datetime import now

from qnet_mailman.bounces import relief
from qnet_mailman.commands.qnet.common import (
    INVALID,
    needs_service,
    printable,
    stop,
    the_list,
)
from qnet_mailman.lists import settings
from qnet_mailman.lists.settings import change_setting
from qnet_mailman.model.lists import row_of
from qnet_mailman.values import found


@click.command('set')
@click.argument('name', metavar='LIST')
@click.argument('assignments', metavar='KEY=VALUE...', nargs=-1, required=True)
@needs_service
def set_settings(name: str, assignments: tuple[str, ...]) -> None:
    """Change settings of a list: all of those given, or none.

    \b
    mask          administrators, everyone or off
    replies       accept, hold or reject (discussion lists)
    threshold     points at which an address is disabled, 1 to 100
    window-days   days whose points are added up, 1 to 365
    reply_to      address that answers go to; empty for the default
    display_name  the name people see
    description   one line, shown on the sign-up page
    personalize   on, or off: one message for all, without a personal link
    member-authentication
                  off, confirm or required: whether a message in the name of a
                  member must be shown to come from them (discussion lists)

    LIST is its address or List-ID.
    """
    mlist = the_list(name)
    if row_of(mlist) is None:
        stop(INVALID, f'{mlist.fqdn_listname} was made without a QualityNet style')
    problems = []
    written: dict[str, str] = {}
    for assignment in assignments:
        key, equals, value = assignment.partition('=')
        if not equals:
            problems.append(f'{found(assignment)} is not KEY=VALUE')
        elif key.replace('-', '_') in written:
            problems.append(f'{key} is given twice')
        else:
            written[key.replace('-', '_')] = value
    wanted: dict[str, settings.Value] = {}
    try:
        wanted = settings.checked(mlist, written)
    except settings.Unfit as unfit:
        problems += unfit.problems
    if problems:
        stop(INVALID, *problems, 'Nothing was changed.')
    before = settings.current(mlist)
    for key, new in wanted.items():
        option = settings.FIELDS[key].option
        if before[key] == new:
            click.echo(printable(f'{option}: unchanged ({found(new)})'))
        else:
            change_setting(mlist, key, before[key], new)
            click.echo(printable(f'{option}: {found(before[key])} -> {found(new)}'))
    if settings.BOUNCES & wanted.keys():
        for email in relief.free(mlist, now()):
            click.echo(printable(f'{email}: gets mail again'))
    config.db.store.commit()
