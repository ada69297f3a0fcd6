# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet report`: what to send to whoever helps with a problem."""

from __future__ import annotations

import os
from pathlib import Path

import click

from qnet_mailman.commands.qnet.common import stop
from qnet_mailman.forms.batch import COULD_NOT_RUN, printable
from qnet_mailman.health import report as health_report

HEAD = """\
QualityNet Mailer: support report

In it: {sections}.
Not in it: people's names and addresses, passwords, keys, tokens, messages, the web
side's settings_local.py.  Names of lists and domains are.  Read it before you send it.
"""


@click.command()
@click.option(
    '-o',
    '--output',
    type=click.Path(dir_okay=False, path_type=Path),
    help='Write it into this file, which must not be there yet, and say what is in it.',
)
def report(output: Path | None) -> None:
    """Print versions, settings, figures, findings and the ends of the logs.

    Passwords, keys, tokens, addresses and names of people are left out.
    """
    sections = list(health_report.report())
    head = HEAD.format(sections=', '.join(heading for heading, _ in sections))
    parts = [head, *(f'==== {heading} ====\n\n{text}\n' for heading, text in sections)]
    text = printable('\n'.join(parts))
    if output is None:
        click.echo(text)
        return
    try:
        made = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        stop(COULD_NOT_RUN, f'{output}: {error.strerror}')
    with open(made, 'w', encoding='utf-8') as file:
        file.write(text)
    click.echo(head)
    click.echo(f'Written to {output}.')
