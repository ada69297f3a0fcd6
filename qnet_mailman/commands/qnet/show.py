# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet show`: a list as it is."""

from __future__ import annotations

import json
from pathlib import Path

import click

from qnet_mailman.commands.qnet.common import (
    INVALID,
    needs_service,
    printable,
    stop,
    the_list,
)
from qnet_mailman.lists.description import describe
from qnet_mailman.mlist import Mlist
from qnet_mailman.roles import overview


@click.command()
@click.option('--json', 'as_json', is_flag=True, help='Print JSON.')
@click.option(
    '--form', 'as_form', is_flag=True, help='Print the form that makes the list again.'
)
@click.option(
    '--format',
    'file_format',
    type=click.Choice(['yaml', 'json']),
    help='The format of that form.  [default: yaml]',
)
@click.option(
    '--subscribers',
    'subscribers_file',
    type=Path,
    metavar='FILE.csv',
    help='New CSV file for the subscribers, which that form then names.',
)
@click.argument('name', metavar='LIST')
@needs_service
def show(
    name: str,
    as_json: bool,
    as_form: bool,
    file_format: str | None,
    subscribers_file: Path | None,
) -> None:
    """Show a list's type, settings and people.

    With --form: as the request form that makes the same list on another host, and
    changes nothing on this one; save it beside the file of --subscribers.

    LIST is its address or List-ID.
    """
    if as_form:
        usual = 'json' if as_json else 'yaml'
        _print_form(name, file_format or usual, subscribers_file)
        return
    if file_format or subscribers_file:
        stop(INVALID, '--format and --subscribers go with --form')
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
        waits = overview.waits_for(person)
        posts = ', may post' if person['may_post'] else ''
        harp = f', HARP ID {person["harp_id"]}' if person['harp_id'] else ''
        click.echo(
            printable(
                f'{person["role"] + ":":<21}{person["name"]} <{person["email"]}>'
                f'{harp}{posts}{", " if waits else ""}{waits}'
            )
        )


def _print_form(name: str, file_format: str, subscribers_file: Path | None) -> None:
    from qnet_mailman.provisioning import export

    mlist = the_list(name)
    if subscribers_file is not None and subscribers_file.suffix.lower() != '.csv':
        stop(INVALID, f'{subscribers_file}: expected a name that ends in .csv')
    try:
        form = export.form_of(mlist, subscribers_file.name if subscribers_file else '')
    except export.NotOurs as error:
        stop(INVALID, str(error))
    if subscribers_file is not None:
        _write_subscribers(mlist, subscribers_file)
    click.echo(export.FORMATS[file_format](form), nl=False)
    if file_format != 'yaml':
        for key, remarks in form.remarks.items():
            for remark in remarks:
                click.echo(printable(f'{key}: {remark}'), err=True)


def _write_subscribers(mlist: Mlist, path: Path) -> None:
    from qnet_mailman.provisioning import export

    content, left_out = export.subscribers_csv(mlist)
    try:
        with path.open('x', encoding='utf-8', newline='') as file:
            file.write(content)
    except OSError as error:
        stop(INVALID, f'{path}: cannot be written: {error.strerror}')
    if left_out:
        click.echo(f'{left_out} members are left out: no form can name them', err=True)
