# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet form`: empty forms to fill in (R29)."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from qnet_mailman import site
from qnet_mailman.commands.qnet.common import INVALID, needs_service, stop
from qnet_mailman.forms import writing
from qnet_mailman.forms.kinds import KINDS


@click.command()
@click.argument('kind', type=click.Choice(list(KINDS)))
@click.option(
    '--format',
    'file_format',
    type=click.Choice(writing.FORMATS),
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
    content = writing.written(kind, file_format, site.settings())
    if output is None:
        if file_format in writing.BINARY and sys.stdout.isatty():
            stop(INVALID, f'{file_format} is no text; name a file with -o')
        click.echo(content, nl=False)
        return
    try:
        # Not over a form that somebody has filled in.
        with output.open('xb') as file:
            file.write(content)
    except OSError as error:
        stop(INVALID, f'{output}: cannot be written: {error.strerror}')
