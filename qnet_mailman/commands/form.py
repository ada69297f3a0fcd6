# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet form`: empty forms to fill in (R29)."""

from __future__ import annotations

from pathlib import Path

import click

from qnet_mailman.commands.common import INVALID, needs_service, stop
from qnet_mailman.provisioning import blank


@click.command()
@click.argument('kind', type=click.Choice(list(blank.FORMS)))
@click.option(
    '--format',
    'file_format',
    type=click.Choice(blank.FORMATS),
    default='yaml',
    show_default=True,
    help='What to write; json-schema describes the form to programs.',
)
@click.option(
    '-o', '--output', type=Path, help='File to write; standard output if not given.'
)
@needs_service
def form(kind: str, file_format: str, output: Path | None) -> None:
    """Write an empty form."""
    text = blank.FORMS[kind][file_format]()
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        # Not over a form that somebody has filled in.
        with output.open('x', encoding='utf-8') as file:
            file.write(text)
    except OSError as error:
        stop(INVALID, f'{output}: cannot be written: {error.strerror}')
