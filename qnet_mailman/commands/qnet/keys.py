# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet keys`: the keys of the links by which subscribers leave (R15)."""

from __future__ import annotations

import json

import click
from mailman.config import config

from qnet_mailman.commands.qnet.audit import moment
from qnet_mailman.commands.qnet.common import INVALID, needs_service, stop
from qnet_mailman.model import keys as ring


@click.group(invoke_without_command=True)
@click.option('--json', 'as_json', is_flag=True, help='Print JSON.')
@click.pass_context
@needs_service
def keys(context: click.Context, as_json: bool) -> None:
    """The keys that sign the links by which subscribers leave a list.

    Without a command: shows them; the newest signs, and all that were not revoked
    verify. Times are in UTC. The keys themselves are never shown.
    """
    if context.invoked_subcommand is not None:
        return
    found = [
        {
            'id': key_id,
            'made': f'{made.isoformat(timespec="seconds")}Z',
            'state': state.value,
        }
        for key_id, made, state in ring.all_keys()
    ]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for key in found:
        click.echo(f'{key["id"]}  {key["made"]}  {key["state"]}')
    if not found:
        click.echo('no key yet: the first is made when the first message is sent')


@keys.command()
@needs_service
def rotate() -> None:
    """Make a new key. Links in mail that was sent before keep working."""
    key_id = ring.rotate()
    config.db.store.commit()
    click.echo(f'{key_id}: signs from now on')


@keys.command()
@click.argument('key_id', metavar='[ID]', type=int, required=False)
@click.option(
    '--before', metavar='DATE', help='All made before: 2026-01-31, or 7d, 12h.'
)
@needs_service
def revoke(key_id: int | None, before: str | None) -> None:
    """Take a key back: links that it signed do nothing any more.

    Their readers can still leave by mail. Where the key that signs is taken back, a new
    one is made first.
    """
    if (key_id is None) == (before is None):
        stop(INVALID, 'expected either the ID of a key, or --before DATE')
    if before is not None:
        try:
            chosen = ring.made_before(moment(before))
        except (ValueError, OverflowError):
            stop(
                INVALID,
                f'--before: found "{before}"; expected a date such as 2026-01-31, a '
                'time such as 2026-01-31T08:00, or how long ago: 7d, 12h, 30m',
            )
    else:
        assert key_id is not None
        if key_id not in {number for number, _made, _state in ring.all_keys()}:
            stop(INVALID, f'there is no key {key_id}')
        chosen = [key_id]
    revoked = ring.revoke(chosen)
    config.db.store.commit()
    for number in revoked:
        click.echo(f'{number}: revoked')
