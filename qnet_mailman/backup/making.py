# SPDX-License-Identifier: GPL-3.0-or-later
"""Making a backup while the service runs (R33).

What is worked on is finished, and for a moment nothing new begun (:mod:`.standstill`).
In it the databases' moments are stopped and links made to the files; then mail goes on,
and all of it is copied.  Whatever stops this process leaves no file of a backup's name:
what is left over goes with the next one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from mailman.config import config
from mailman.utilities.datetime import now
from sqlalchemy import inspect

from qnet_mailman.backup import databases, folders, website
from qnet_mailman.backup.container import BackupError, Writer
from qnet_mailman.model import migrations
from qnet_mailman.queues import restored, standstill

PATIENCE = 300.0
"""Seconds for which mail waits until what is at work is done, before it is given up."""
LOCK = 'qnet-backup.lck'
NAME = 'qnet-*.tar'


@dataclass(frozen=True)
class Made:
    """A backup that was made.

    :ivar paused: Seconds for which nothing was worked on.
    :ivar removed: Older ones that made way.
    """

    path: Path
    paused: float
    removed: tuple[Path, ...]


@contextmanager
def alone() -> Iterator[None]:
    """Within this no other backup is made or restored on this host.

    :raises BackupError: where one is.
    """
    with Path(config.LOCK_DIR, LOCK).open('w') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError('a backup is being made or restored now') from None
        yield


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A new folder for a while, in the place of one that a kill has left."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make(
    folder: Path,
    *,
    web: bool = True,
    also: Sequence[Path] = (),
    keep: int | None = None,
) -> Made:
    """Make a backup.

    :param folder: Where to; it must be there.
    :param web: Whether the web side belongs to it.
    :param also: Further files, or folders with all in them.
    :param keep: How many to leave in the folder, the newest; None removes none.
    :raises BackupError: where none can be made.
    """
    if not folder.is_dir():
        raise BackupError(f'{folder}: there is no such folder')
    for missing in (path for path in also if not path.exists()):
        raise BackupError(f'{missing}: there is no such file')
    for name, place in folders.of_mailman().items():
        if folder.resolve().is_relative_to(place.resolve()):
            raise BackupError(f"{folder} is in Mailman's folder {name}; choose another")
    with alone():
        mark = restored.read()
        if mark is not None and not mark.is_whole:
            raise BackupError(mark.reason)
        side = website.ask() if web else None
        try:
            return _make(folder, side, also, keep)
        except standstill.StillAtWork:
            raise BackupError(
                f'a runner has been at work on one message for {PATIENCE:.0f} seconds'
            ) from None
        except OSError as error:
            raise BackupError(f'{error.filename}: {error.strerror}') from error


def _make(
    folder: Path, side: website.WebSide | None, also: Sequence[Path], keep: int | None
) -> Made:
    # Links are of one file system, and copies are large.
    linked, unfinished = (
        Path(config.VAR_DIR, 'backup-unfinished'),
        folder / '.qnet-unfinished',
    )
    urls = {'core': config.db.engine.url} | ({'web': side.url} if side else {})
    about = _about(side)
    with ExitStack() as stack:
        for each in (linked, unfinished):
            stack.enter_context(scratch(each))
        begun = time.monotonic()
        with standstill.standing_still(PATIENCE):
            made_at = now()
            copies = {
                name: stack.enter_context(databases.snapshot(url))
                for name, url in urls.items()
            }
            folders.keep(linked)
        paused = time.monotonic() - begun
        for name, copy in copies.items():
            copy(unfinished / name)
        whole = unfinished / 'backup.tar'
        with closing(Writer(whole)) as writer:
            for name in urls:
                writer.add(f'{name}/database', unfinished / name)
            for path in folders.files_below(linked):
                writer.add(f'core/{path.relative_to(linked)}', path)
            for name, path in _files_beside(side, also):
                writer.add(name, path)
            writer.finish(made_at, about)
        path = folder / f'qnet-{made_at:%Y%m%dT%H%M%SZ}.tar'
        os.rename(whole, path)
    _sync(folder)
    return Made(path, paused, tuple(_make_way(folder, keep)))


def _about(side: website.WebSide | None) -> dict[str, Any]:
    """Whose tables a backup has, and where they are."""
    url = config.db.engine.url
    [[mailman]] = databases.rows(url, 'SELECT version_num FROM alembic_version')
    with databases.connected(url) as connection:
        ours = migrations.current(connection)
    about = {
        'version': metadata.version('qnet-mailer'),
        'core': {'kind': databases.kind(url), 'mailman': mailman, 'qnet': ours},
    }
    if side is not None:
        query = 'SELECT app, name FROM django_migrations ORDER BY id'
        with databases.connected(side.url) as connection:
            has_any = inspect(connection).has_table('django_migrations')
        applied = databases.rows(side.url, query) if has_any else []
        about['web'] = {
            'kind': databases.kind(side.url),
            'migrations': ['.'.join(each) for each in applied],
        }
    return about


def _files_beside(
    side: website.WebSide | None, also: Sequence[Path]
) -> Iterator[tuple[str, Path]]:
    """Files that nobody changes meanwhile, and what they are called in a backup."""
    for name, folder in side.folders.items() if side else ():
        for path in folders.files_below(folder):
            yield f'web/{name}/{path.relative_to(folder)}', path
    found = folders.configuration()
    if side is not None:
        found.append(side.settings)
    for path in found:
        yield f'configuration{path.resolve()}', path
    for each in also:
        for path in folders.files_below(each.resolve()):
            yield f'also{path}', path


def _make_way(folder: Path, keep: int | None) -> Iterator[Path]:
    if keep is None:
        return
    for path in sorted(folder.glob(NAME))[:-keep]:
        path.unlink()
        yield path


def _sync(folder: Path) -> None:
    """Return when the folder's names are on the disk."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
