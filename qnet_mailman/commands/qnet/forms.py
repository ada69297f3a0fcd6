# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet forms`: request forms that wait for an operator (R28-R30)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
import yaml
from mailman.config import config

from qnet_mailman import site, values
from qnet_mailman.commands.qnet.common import (
    COULD_NOT_RUN,
    INVALID,
    TICKET,
    needs_service,
    printable,
    stop,
)
from qnet_mailman.forms import readers
from qnet_mailman.forms.batch import result_lines
from qnet_mailman.forms.readers import Unreadable, too_large
from qnet_mailman.model import audit
from qnet_mailman.model.requests import OPEN, Status
from qnet_mailman.provisioning.apply import Result
from qnet_mailman.review import deciding, notices, reading, receiving, requests
from qnet_mailman.review.deciding import MAX_REASON, CannotDecide
from qnet_mailman.review.reading import Sent


class _Number(click.ParamType):
    name = 'number'

    def convert(self, value: Any, param: Any, context: Any) -> int:
        """See click."""
        number = value if isinstance(value, int) else requests.number_of(value)
        if number is not None:
            return number
        found = [request.id for request, _ in requests.with_ticket(value.strip())]
        if len(found) == 1:
            return found[0]
        if found:
            labels = ', '.join(map(requests.label, found))
            self.fail(f'"{printable(value)}" is the ticket of several: {labels}')
        raise click.BadParameter(
            f'found "{printable(value)}"; expected a number such as QM-000123, or the '
            'ticket of a request',
            context,
            param,
        )


NUMBER = _Number()


@click.group()
def forms() -> None:
    """Request forms that came in by mail or over REST, and wait for an operator."""


@forms.command('list')
@click.option('--all', 'everything', is_flag=True, help='Decided ones as well.')
@click.option('--json', 'as_json', is_flag=True, help='Print JSON.')
@needs_service
def list_command(everything: bool, as_json: bool) -> None:
    """Print requests, the oldest first: those that wait, or all of them.

    Each with its number, when it came (in UTC), from whom, what it asks for, and what
    was wrong with the form when it came. Whether it fits the lists as they are now is
    what "show" says.
    """
    found = [
        requests.as_dict(request, submission)
        for request, submission in requests.of(Status if everything else OPEN)
    ]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for one in found:
        _echo('  '.join(_columns(one)))
    if not found:
        click.echo('no request' if everything else 'no request waits')


def _columns(one: dict[str, Any]) -> list[str]:
    count = one['mistakes']
    mistakes = f'{count} {"mistake" if count == 1 else "mistakes"}'
    valid = 'valid' if one['kind'] else mistakes
    if one['doubts']:
        valid += ', sender not shown' if not one['shown_by'] else ', another sender'
    return [
        one['number'],
        one['received_at'],
        one['sender'] or one['requester'] or '-',
        one['kind'] or '-',
        one['list'] or '-',
        valid if one['status'] == Status.waiting else one['status'],
    ]


@forms.command()
@click.argument('number', type=NUMBER)
@click.option('--json', 'as_json', is_flag=True, help='Print JSON.')
@needs_service
def show(number: int, as_json: bool) -> None:
    """Print a request: the form, and what approving it would do, or every mistake."""
    found = requests.find(number)
    try:
        looked = deciding.look(number)
    except CannotDecide as error:
        if found is not None:
            # What is known of it is told without its file, too.
            _show_row(requests.as_dict(*found), as_json)
        stop(INVALID, str(error))
    assert found is not None
    one = requests.as_dict(*found)
    form = None if looked.form is None else looked.form.form.model_dump(mode='json')
    if as_json:
        result = looked.result.as_dict()
        shown = {key: result[key] for key in ('result', 'changes', 'notes', 'errors')}
        shown['warnings'] = looked.warnings
        click.echo(json.dumps({**one, 'form': form, **shown}, indent=2))
        return
    for warning in looked.warnings:
        _echo(f'WARNING: {warning}')
    if looked.warnings:
        _echo('It changes a list that is there: ask in another way before approving.\n')
    _show_row(one, as_json)
    if form is not None:
        _echo('\n' + yaml.safe_dump(form, allow_unicode=True, sort_keys=False))
    _print(requests.label(number), looked.result)
    for warning in looked.warnings:
        _echo(f'  WARNING: {warning}')


def _show_row(one: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(one, indent=2))
        return
    for key, value in one.items():
        if isinstance(value, list):
            value = '; '.join(value)
        if value not in ('', None):
            _echo(f'{key.replace("_", " ") + ":":<13}{value}')


def _print(label: str, result: Result) -> None:
    for line in result_lines(label, result.as_dict()):
        _echo(line)


@forms.command()
@click.argument('numbers', nargs=-1, required=True, metavar='NUMBER...', type=NUMBER)
@click.option(
    '--despite-warnings',
    is_flag=True,
    help='Answer for changes of lists that may not be from whom they name.',
)
@click.option('--ticket', type=TICKET, help="The service desk's number, to be linked.")
@click.option('--json', 'as_json', is_flag=True, help='Print JSON.')
@needs_service
def approve(
    numbers: tuple[int, ...],
    despite_warnings: bool,
    ticket: str | None,
    as_json: bool,
) -> None:
    """Apply the forms of requests, and tell who sent them.

    A form with mistakes is not applied, and still waits: return it. A change of a list
    that is there still waits, too, where "show" has a WARNING: its requester does not
    administer the list, or may not have sent it.

    Exit status: 0 every form is applied or was before, 1 some form is invalid, has
    warnings or was decided before, 2 could not run (the request still waits).
    """
    status, told = 0, []
    for number in numbers:
        label = requests.label(number)
        try:
            result = deciding.approve(
                number,
                actor=audit.command_line_actor(),
                despite_warnings=despite_warnings,
                ticket=ticket or '',
            )
        except CannotDecide as error:
            status = max(status, INVALID)
            click.echo(printable(str(error)), err=True)
            continue
        told.append({'number': label, **result.as_dict()})
        if not as_json:
            _print(label, result)
        if result.outcome == 'invalid':
            status = max(status, INVALID)
            click.echo(f'{label}: still waits; return it with the mistakes', err=True)
        elif result.outcome == 'failed':
            status = COULD_NOT_RUN
    if as_json:
        click.echo(json.dumps(told, indent=2))
    notices.tell()
    sys.exit(status)


@forms.command()
@click.argument('number', type=NUMBER)
@click.argument('ticket', type=TICKET)
@needs_service
def link(number: int, ticket: str) -> None:
    """Link the service desk's TICKET to a request, whatever has become of it.

    Either finds the request: with "show", "audit --request", and in its mails.
    """
    try:
        deciding.link(number, ticket, actor=audit.command_line_actor())
    except CannotDecide as error:
        stop(INVALID, str(error))
    click.echo(f'{requests.label(number)}: linked to {ticket}')


@forms.command('return')
@click.argument('numbers', nargs=-1, required=True, metavar='NUMBER...', type=NUMBER)
@click.option('--reason', default='', help='For who sent it to read.')
@click.option('--no-mail', 'silent', is_flag=True, help='Tell nobody: it is spam.')
@needs_service
def return_command(numbers: tuple[int, ...], reason: str, silent: bool) -> None:
    """Return requests to who sent them, with every mistake and the reason.

    Exit status: 0 returned, 1 some was decided before.
    """
    try:
        reason = values.paragraph(reason, MAX_REASON)
    except ValueError as error:
        stop(INVALID, f'--reason: expected {error}')
    status = 0
    for number in numbers:
        try:
            deciding.send_back(
                number, actor=audit.command_line_actor(), reason=reason, silent=silent
            )
        except CannotDecide as error:
            status = INVALID
            click.echo(printable(str(error)), err=True)
        else:
            click.echo(f'{requests.label(number)}: returned')
    notices.tell()
    sys.exit(status)


@forms.command()
@click.argument('files', nargs=-1, required=True, metavar='FILE...', type=Path)
@needs_service
def take(files: tuple[Path, ...]) -> None:
    """Let files wait for an operator, as if they had come in.

    A CSV file with subscribers that a form names is taken from beside it. Whom a form
    names as its requester is told.
    """
    settings = site.settings()
    for file in files:
        try:
            content = readers.content_of(
                file, settings.form_max_unpacked, 'form_max_unpacked'
            )
            beside = _Folder(file.parent)
            reading.read(Sent(file.name, content, beside), settings, operators=True)
            sent = Sent(file.name, content, dict(beside))
            if sent.size > settings.form_max_unpacked:
                raise too_large(settings.form_max_unpacked, 'form_max_unpacked')
            numbers = receiving.take(sent, receiving.BY_HAND)
        except Unreadable as error:
            stop(COULD_NOT_RUN, f'{file}: {error}')
        except receiving.TooMany:
            stop(
                COULD_NOT_RUN,
                f'{file}: too many requests wait (forms_max_waiting in qnet.cfg)',
            )
        config.db.commit()
        _echo(f'{file}: {", ".join(map(requests.label, numbers))}')


class _Folder(dict[str, bytes]):
    """The CSV files beside a form, of which those are read that it names."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def __bool__(self) -> bool:
        return True

    def __contains__(self, name: object) -> bool:
        if not super().__contains__(name):
            limit = site.settings().form_max_unpacked
            try:
                path = readers.beside(self._folder, str(name))
                self[str(name)] = readers.content_of(path, limit, 'form_max_unpacked')
            except Unreadable:
                return False
        return True


def _echo(text: str) -> None:
    click.echo(printable(text))
