# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet backup`, `restore` and `resume`: the whole site in one file (R33)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import ParamSpec

import click
from mailman.config import config
from mailman.utilities.datetime import now

from qnet_mailman.backup import making, restoring, resuming
from qnet_mailman.backup.container import BackupError
from qnet_mailman.commands.qnet.common import (
    COULD_NOT_RUN,
    INVALID,
    needs_service,
    stop,
)
from qnet_mailman.queues import restored

P = ParamSpec('P')

_PATH = click.Path(path_type=Path)
_NO_WEB = click.option(
    '--no-web', is_flag=True, help='Without the web side: it is on another host.'
)


def _says_why_not(command: Callable[P, None]) -> Callable[P, None]:
    """End a command that cannot do it, with the reasons."""

    @functools.wraps(command)
    def run(*args: P.args, **kws: P.kwargs) -> None:
        try:
            command(*args, **kws)
        except BackupError as error:
            stop(COULD_NOT_RUN, *str(error).splitlines())

    return run


@click.command()
@click.argument('folder', type=_PATH)
@click.option(
    '--keep',
    metavar='N',
    type=click.IntRange(min=1),
    help='Remove all but the newest N in FOLDER.',
)
@click.option(
    '--also',
    metavar='PATH',
    type=_PATH,
    multiple=True,
    help='A further file or folder, such as DKIM keys.',
)
@_NO_WEB
@_says_why_not
def backup(
    folder: Path, keep: int | None, also: tuple[Path, ...], no_web: bool
) -> None:
    """Make a backup while the service runs: FOLDER/qnet-TIME.tar.

    It holds both databases, queues, held messages, archives, and the files of
    configuration with the passwords and keys in them; only its owner can read it.
    Mail waits for a moment. A file of that name is whole.

    Exit status: 0 made, 2 could not be made.
    """
    made = making.make(folder, web=not no_web, also=also, keep=keep)
    size = made.path.stat().st_size / 1024**2
    click.echo(f'{made.path}: {size:.1f} MB; mail waited for {made.paused:.2f} seconds')
    for path in made.removed:
        click.echo(f'{path}: removed')


@click.command()
@click.argument('file', type=_PATH)
@click.option('--check', is_flag=True, help='Look only: nothing is written.')
@_NO_WEB
@_says_why_not
def restore(file: Path, check: bool, no_web: bool) -> None:
    """Put a backup into an empty site.

    The file is read whole first; one that is damaged, or of a later version, is
    refused, and so is a site with lists, people, mail or a running master. Nothing is
    sent before "mailman qnet resume". Files of configuration stay in FILE:
    "tar -xf FILE configuration".

    Exit status: 0 restored (or can be), 2 not.
    """
    manifest = restoring.restore(file, web=not no_web, check=check)
    click.echo(
        f'{file}: whole, of {manifest.made_at:%Y-%m-%d %H:%M} UTC, '
        f'{len(manifest.parts)} parts'
    )
    if check:
        click.echo('It can be restored here; nothing has been written.')
        return
    click.echo('Restored. Nothing is sent yet. Next:')
    if not no_web:
        click.echo('  django-admin migrate; django-admin rebuild_index --noinput')
    click.echo('  mailman qnet check; mailman start; mailman qnet resume')


@click.command()
@click.option('--yes', is_flag=True, help='Do not ask.')
@click.option(
    '--discard',
    metavar='QUEUE',
    multiple=True,
    help='Throw away what the backup had in this queue, or in "all".',
)
@needs_service
def resume(yes: bool, discard: tuple[str, ...]) -> None:
    """Let a restored site send, after showing what would go out.

    What its queues hold was most likely sent by the site that made the backup, in the
    hours after it: with "--discard all" that is thrown away, and mail that came since
    is not. Whatever became due since the backup (warnings, reminders, ends of requests)
    waits as much longer.

    Exit status: 0 it goes on, 1 it does not.
    """
    mark = restored.read()
    if mark is None:
        stop(INVALID, 'this site does not wait: nothing was restored')
    if not mark.is_whole:
        stop(INVALID, f'{mark.reason}: run it again')
    unknown = sorted(set(discard) - {resuming.ALL, *config.switchboards})
    if unknown:
        stop(INVALID, f'there is no queue {unknown[0]}')
    moment = now()
    found = resuming.outlook(moment)
    click.echo(f'Restored from {mark.file}, of {mark.made_at:%Y-%m-%d %H:%M} UTC.')
    for name, waiting in found.queues.items():
        since = datetime.fromtimestamp(waiting.since or 0, UTC)
        click.echo(
            f'  queue {name}: {waiting.number} messages, the oldest of '
            f'{since:%Y-%m-%d %H:%M} UTC'
        )
    for number, what in (
        (found.steps, 'warnings and removals for bounces were due; they are put off'),
        (found.ends, 'requests and questions ended; they go on'),
        (found.notices, 'rows of notices to administrators go out'),
    ):
        click.echo(f'  {number} {what}')
    # Not to keep a transaction open while somebody thinks.
    config.db.commit()
    if not yes and not click.confirm('Let it send?'):
        stop(INVALID, 'It goes on waiting.')
    number = resuming.resume(mark, now(), discard)
    click.echo(f'It goes on; {number} messages were thrown away.')
