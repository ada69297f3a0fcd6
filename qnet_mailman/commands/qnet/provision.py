# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet provision`: what request forms ask for (R21, R29, R30)."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import click

from qnet_mailman import site
from qnet_mailman.commands.qnet.common import (
    COULD_NOT_RUN,
    INVALID,
    TICKET,
    needs_service,
    stop,
)
from qnet_mailman.forms import batch, loading
from qnet_mailman.forms.mistakes import FormError, FormInvalid
from qnet_mailman.model import audit
from qnet_mailman.provisioning import differences
from qnet_mailman.provisioning.apply import (
    Result,
    apply_form,
    database_is_away,
    many_forms,
)
from qnet_mailman.setup.database import kept_connection

log = logging.getLogger('mailman.plugins')


@click.command()
@click.option('--dry-run', is_flag=True, help='Say what would be done; change nothing.')
@click.option(
    '--approve',
    is_flag=True,
    help='Answer for forms whose requester does not administer the list.',
)
@click.option(
    '--diff',
    is_flag=True,
    help='Say how the lists differ from the forms; change nothing.',
)
@click.option(
    '--ticket',
    type=TICKET,
    help="The service desk's number, for forms that have none of their own.",
)
@click.option('--json', 'as_json', is_flag=True, help='Print a line of JSON a form.')
@click.argument('files', nargs=-1, required=True, metavar='FORM...', type=Path)
@needs_service
def provision(
    files: tuple[Path, ...],
    dry_run: bool,
    approve: bool,
    diff: bool,
    ticket: str | None,
    as_json: bool,
) -> None:
    """Make lists, or change them, as request forms say.

    Each form is applied whole or not at all; one that was applied before changes
    nothing. Forms are YAML, JSON, XLSX or PDF files, CSV files with a row for each
    list, or mails saved as .eml with forms attached; "mailman qnet form KIND" writes
    an empty one, where KIND is list-request, administrator-request,
    threshold-change or list-closure. A folder stands for the forms in it. A form
    that changes a list that is there must come from an administrator of that list,
    unless --approve is given.

    Whatever was interrupted is completed by running the same command again.

    Exit status: 0 every form is applied or was before, 1 some form is invalid
    (it changed nothing; the others are applied), 2 could not run, 130 interrupted.
    With --diff: 0 no difference, 1 differences, 2 some form is invalid or could not
    run.
    """
    try:
        found, skipped = batch.find_forms(files)
    except OSError as error:
        stop(COULD_NOT_RUN, f'{error.filename}: cannot be read: {error.strerror}')
    for line in skipped:
        click.echo(batch.printable(line), err=True)
    if not found:
        stop(INVALID, 'there are no forms')
    if diff:
        # Lists without a form are told of where a folder holds all forms.
        everything = any(map(batch.is_folder, files))
        sys.exit(_compare(found, everything, as_json))
    report = batch.Report(len(found), as_json=as_json)
    try:
        with report.showing(), many_forms(dry_run=dry_run) as gathering:
            how = {'dry_run': dry_run, 'approved': approve, 'number': ticket or ''}
            _provision_all(found, how, report)
    except KeyboardInterrupt:
        sys.exit(report.interrupted())
    if gathering.problem:
        report.stopped(gathering.problem)
    status = report.finish()
    sys.exit(COULD_NOT_RUN if gathering.problem else status)


def _provision_all(
    files: list[Path], how: dict[str, Any], report: batch.Report
) -> None:
    is_away = False
    for file in files:
        found = _load(file)
        report.more(len(found) - 1)
        # A file is read in a fork, which is to have no connection.
        with kept_connection():
            for name, loaded in found:
                if is_away:
                    report.add(name, batch.not_tried())
                    continue
                result = _provision(loaded, how)
                report.add(name, result.as_dict())
                why = database_is_away() if result.outcome == 'failed' else ''
                if why:
                    report.stopped(why)
                    is_away = True


def _load(file: Path) -> list[tuple[str, loading.Loaded | FormInvalid]]:
    try:
        return list(loading.load_all(file, site.settings()))
    except Exception:
        # A reader that fails is our mistake; the other forms are applied (R30).
        log.exception('%s cannot be read', file)
        mistake = FormError('', None, 'cannot be read; the reason is in the log')
        return [(str(file), FormInvalid([mistake]))]


def _provision(loaded: loading.Loaded | FormInvalid, how: dict[str, Any]) -> Result:
    if isinstance(loaded, FormInvalid):
        return Result('invalid', errors=tuple(loaded.errors))
    return apply_form(
        loaded.form,
        actor=audit.command_line_actor(),
        **how,
        document=loaded.document,
    )


def _compare(files: list[Path], everything: bool, as_json: bool) -> int:
    comparison = differences.Comparison()
    for file in files:
        for name, loaded in _load(file):
            comparison.look_at(name, loaded)
    comparison.heed_closures()
    if everything:
        comparison.look_for_more()
    for found in comparison.found:
        if as_json:
            click.echo(found.as_json())
        else:
            for line in found.lines():
                click.echo(batch.printable(line))
    if not as_json:
        click.echo('\n'.join(comparison.summary()))
    return comparison.status
