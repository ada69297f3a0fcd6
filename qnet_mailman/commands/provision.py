# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet provision`: what request forms ask for (R21, R29, R30)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from qnet_mailman import startup
from qnet_mailman.commands.common import (
    COULD_NOT_RUN,
    INVALID,
    needs_service,
    printable,
)
from qnet_mailman.model import audit
from qnet_mailman.provisioning import forms
from qnet_mailman.provisioning.apply import Result, apply_form
from qnet_mailman.provisioning.mistakes import FormInvalid


@click.command()
@click.option('--dry-run', is_flag=True, help='Say what would be done; change nothing.')
@click.option(
    '--approve',
    is_flag=True,
    help='Answer for forms whose requester does not administer the list.',
)
@click.option('--json', 'as_json', is_flag=True, help='Print JSON.')
@click.argument('files', nargs=-1, required=True, metavar='FORM...', type=Path)
@needs_service
def provision(
    files: tuple[Path, ...], dry_run: bool, approve: bool, as_json: bool
) -> None:
    """Make lists, or change them, as request forms say.

    Each form is applied whole or not at all; one that was applied before changes
    nothing. Forms are YAML, JSON, XLSX or PDF files, CSV files with a row for each
    list, or mails saved as .eml with forms attached; "mailman qnet form KIND" writes
    an empty one, where KIND is list-request, administrator-request,
    threshold-change or list-closure. An administrator-request or list-closure must
    come from an administrator of the list, unless --approve is given.

    Exit status: 0 every form is applied or was before, 1 some form is invalid
    (it changed nothing; the others are applied), 2 could not run.
    """
    results = []
    for file in files:
        for name, loaded in forms.load_all(file, startup.settings()):
            result = _provision(loaded, dry_run, approve)
            results.append((name, result))
            if not as_json:
                _print(name, result)
    if as_json:
        found = [{'file': name, **result.as_dict()} for name, result in results]
        click.echo(json.dumps(found, indent=2))
    outcomes = {result.outcome for name, result in results}
    if 'failed' in outcomes:
        sys.exit(COULD_NOT_RUN)
    if 'invalid' in outcomes:
        sys.exit(INVALID)


def _provision(
    loaded: forms.Loaded | FormInvalid, dry_run: bool, approve: bool
) -> Result:
    if isinstance(loaded, FormInvalid):
        return Result('invalid', errors=tuple(loaded.errors))
    return apply_form(
        loaded.form,
        actor=audit.command_line_actor(),
        dry_run=dry_run,
        approved=approve,
        document=loaded.document,
    )


def _print(name: str, result: Result) -> None:
    about = ', '.join(filter(None, (result.list_address, result.ticket)))
    _echo(f'{name}: {result.outcome}' + (f' ({about})' if about else ''))
    for step in result.steps:
        _echo(f'  {step}')
    for error in result.errors:
        where = f'{error.where}: ' if error.where else ''
        _echo(f'  {where}{error}')
    for note in result.notes:
        _echo(f'  note: {note}')
    if result.outcome == 'invalid':
        count = len(result.errors)
        _echo(
            f'  {count} {"mistake" if count == 1 else "mistakes"}; nothing was changed'
        )


def _echo(text: Any) -> None:
    click.echo(printable(str(text)))
