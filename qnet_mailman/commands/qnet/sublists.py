# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet sublists`: lists that are members of other lists (R31)."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from mailman.config import config

from qnet_mailman.commands.qnet.common import (
    INVALID,
    needs_service,
    printable,
    stop,
    the_list,
)
from qnet_mailman.provisioning import sublists as lists_in_lists


@click.group(invoke_without_command=True)
@click.option('--json', 'as_json', is_flag=True, help='Print JSON.')
@click.pass_context
@needs_service
def sublists(context: click.Context, as_json: bool) -> None:
    """Lists of this site that are members of other lists.

    Without a command: shows them, however they became members. In no other way than
    "add" does the address of a list become a member.
    """
    if context.invoked_subcommand is not None:
        return
    found = lists_in_lists.all_sublists()
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
        return
    for each in found:
        click.echo(printable(f'{each.parent}  has the member  {each.email}'))
    if not found:
        click.echo('no list is a member of another')


@sublists.command()
@click.argument('parent', metavar='PARENT')
@click.argument('child', metavar='CHILD')
@needs_service
def add(parent: str, child: str) -> None:
    """Make the list CHILD a member of the list PARENT.

    Posts to PARENT then also go to CHILD, whose own rules decide about them: see
    "A list as a member of another" in the guide for operators. Nothing is sent.

    PARENT and CHILD are addresses or List-IDs. Exit status: 0 done or unchanged,
    1 refused (nothing was changed), 2 could not run.
    """
    upper, lower = the_list(parent), the_list(child)
    try:
        changed = lists_in_lists.add(upper, lower)
    except lists_in_lists.CannotAdd as error:
        config.db.abort()
        stop(INVALID, str(error), 'Nothing was changed.')
    config.db.store.commit()
    what = 'is a member now' if changed else 'unchanged'
    click.echo(printable(f'{upper.fqdn_listname}: {lower.posting_address}: {what}'))


@sublists.command()
@click.argument('parent', metavar='PARENT')
@click.argument('child', metavar='CHILD')
@needs_service
def remove(parent: str, child: str) -> None:
    """End the membership of the list CHILD in the list PARENT. Nothing is sent.

    PARENT and CHILD are addresses or List-IDs. Exit status: 0 done or unchanged,
    1 there is no such list, 2 could not run.
    """
    upper, lower = the_list(parent), the_list(child)
    changed = lists_in_lists.remove(upper, lower)
    config.db.store.commit()
    what = 'is no member any more' if changed else 'unchanged'
    click.echo(printable(f'{upper.fqdn_listname}: {lower.posting_address}: {what}'))
