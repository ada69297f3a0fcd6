# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet show`: a list as it is."""

from __future__ import annotations

import json

import click

from qnet_mailman.commands.common import needs_service, printable, the_list
from qnet_mailman.provisioning.description import describe


@click.command()
@click.option('--json', 'as_json', is_flag=True, help='Print JSON.')
@click.argument('name', metavar='LIST')
@needs_service
def show(name: str, as_json: bool) -> None:
    """Show a list's type, settings and people.

    LIST is its address or List-ID.
    """
    found = describe(the_list(name))
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    people = found.pop('assignments')
    closed = found.pop('closed')
    if closed is not None:
        found['closed'] = (
            f'{closed["action"]}, since {closed["since"]}, can be reopened until '
            f'{closed["undo_until"]}'
        )
    for key, value in found.items():
        if isinstance(value, list):
            value = ', '.join(value)
        click.echo(printable(f'{key.replace("_", " ") + ":":<21}{value or "-"}'))
    for person in people:
        waits = '' if person['effective'] else ', waits for the HARP role'
        posts = ', may post' if person['may_post'] else ''
        harp = f', HARP ID {person["harp_id"]}' if person['harp_id'] else ''
        click.echo(
            printable(
                f'{person["role"] + ":":<21}{person["name"]} <{person["email"]}>'
                f'{harp}{posts}{waits}'
            )
        )
