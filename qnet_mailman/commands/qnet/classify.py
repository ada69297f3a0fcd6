# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet classify`: what a bounce report would count as, and why (R16)."""

from __future__ import annotations

import json
from typing import Any, BinaryIO

import click

from qnet_mailman.bounces.reading.classify import classify as read
from qnet_mailman.commands.qnet.common import printable


@click.command()
@click.argument('files', metavar='FILE.eml...', nargs=-1, required=True)
@click.option('--json', 'as_json', is_flag=True, help='Print JSON.')
def classify(files: tuple[str, ...], as_json: bool) -> None:
    """Say what messages at a bounces address would count as, and why.

    Nothing is scored. FILE is a message as it came; "-" reads standard input. The row
    that decided is of a table in `qnet_mailman/bounces/reading/`: its name, and the
    phrase or code.

    Exit status: 0 all were read, 1 some file could not be read.
    """
    found: list[dict[str, Any]] = []
    unreadable = False
    for name in files:
        try:
            with click.open_file(name, 'rb') as stream:
                found += _entries(name, stream)  # type: ignore[arg-type]
        except OSError as error:
            unreadable = True
            click.echo(printable(f'{name}: {error.strerror}'), err=True)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        for entry in found:
            parts = [f'{entry["file"]}: {entry["kind"]}', entry['reason']]
            parts += [entry[key] for key in ('address', 'status', 'evidence')]
            click.echo(printable('  '.join(part for part in parts if part)))
            if entry['row']:
                click.echo(printable(f'    decided by {entry["row"]}'))
    if unreadable:
        raise SystemExit(1)


def _entries(name: str, stream: BinaryIO) -> list[dict[str, Any]]:
    """An entry for each failing address; one where nothing bounced."""
    verdict = read(stream.read())
    if not verdict.failures:
        return [
            {
                'file': name,
                'kind': verdict.kind.value,
                'reason': verdict.reason.value,
                'address': None,
                'status': None,
                'evidence': verdict.evidence,
                'row': verdict.row,
            }
        ]
    return [
        {
            'file': name,
            'kind': one.kind.value,
            'reason': one.reason.value,
            'address': one.address,
            'status': one.status,
            'evidence': one.evidence,
            'row': one.row,
        }
        for one in verdict.failures
    ]
