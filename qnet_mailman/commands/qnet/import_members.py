# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet import-members`: the members of another service (R31)."""

from __future__ import annotations

import json
from pathlib import Path

import click

from qnet_mailman import site
from qnet_mailman.commands.qnet.common import (
    INVALID,
    needs_service,
    printable,
    stop,
    the_list,
)
from qnet_mailman.forms.member_files import read_members
from qnet_mailman.forms.readers import Unreadable, content_of
from qnet_mailman.model.closures import closure_of
from qnet_mailman.provisioning.importing import (
    Left,
    import_members,
    sort_out,
    write_report,
)


@click.command('import-members')
@click.argument('name', metavar='LIST')
@click.argument('file', metavar='FILE.csv', type=Path)
@click.option('--dry-run', is_flag=True, help='Say what would be done; change nothing.')
@click.option('--report', type=Path, help='New CSV file for the rows left out.')
@click.option(
    '--welcome', is_flag=True, help='Send each new member the welcome message.'
)
@click.option('--json', 'as_json', is_flag=True, help='Print JSON.')
@needs_service
def import_members_command(
    name: str,
    file: Path,
    dry_run: bool,
    report: Path | None,
    welcome: bool,
    as_json: bool,
) -> None:
    """Make the people in a CSV file members of a list.

    Columns may be in any order, with or without a heading, separated by commas,
    semicolons or tabs, in UTF-8 or Windows-1252; exports of ListManager are known.
    Who is held or unsubscribed there is not subscribed. Rows that are left out are
    counted, and never stop the others. Members get no welcome message unless
    --welcome is given. Their addresses count as confirmed.

    An import that was interrupted is completed by running it again.

    LIST is its address or List-ID. Exit status: 0 done, whatever was left out,
    1 the list or a file cannot be used (nothing was changed), 2 could not run.
    """
    mlist = the_list(name)
    if closure_of(mlist.list_id) is not None:
        stop(INVALID, f'{mlist.fqdn_listname} is closed: nobody can join it')
    settings = site.settings()
    try:
        rows = read_members(
            content_of(file, settings.members_max_size, 'members_max_size'),
            most=settings.members_max_rows,
        )
    except Unreadable as error:
        place = '' if error.line is None else f'line {error.line}: '
        stop(INVALID, f'{file}: {place}{error}')
    found = sort_out(mlist, rows)
    if report is not None:
        # Before anything is changed: it may turn out that it cannot be written.
        try:
            write_report(report, found.left_out)
        except OSError as error:
            stop(INVALID, f'{report}: cannot be written: {error.strerror}')
    address = mlist.fqdn_listname
    count = len(found.new)
    if not dry_run:
        count = import_members(mlist, found.new, welcome=welcome)
    counts = found.counts()
    if as_json:
        result = {'list': address, 'file': str(file), 'dry_run': dry_run}
        result |= {'rows': len(rows), 'subscribed': count, **counts}
        click.echo(json.dumps(result, indent=2))
        return
    would = 'to subscribe' if dry_run else 'subscribed'
    click.echo(printable(f'{file}: {len(rows)} rows for {address}'))
    click.echo(f'  {count:>8} {would}')
    for why in Left:
        if counts[why.name]:
            click.echo(f'  {counts[why.name]:>8} left out: {why.value}')
    if report is not None:
        click.echo(printable(f'  rows left out are in {report}'))
    elif found.left_out:
        click.echo('  --report FILE lists the rows left out')
