# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup put into an empty site, which then sends nothing until it is told to (R33).

Everything that speaks against it is looked at before the first byte is written.  The
mark that keeps the runners waiting comes first; what is cut off is said by the mark,
and the same command again does it anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from alembic.script import ScriptDirectory
from mailman.bin.master import WatcherState, master_state
from mailman.config import config
from mailman.database.alembic import alembic_cfg

from qnet_mailman.backup import container, databases, folders, website
from qnet_mailman.backup.container import BackupError, Manifest
from qnet_mailman.backup.making import alone, scratch
from qnet_mailman.model import log_owner, migrations
from qnet_mailman.queues import restored

EMPTY = ('mailinglist', 'member', 'address', 'user', 'qnet_request')
"""Tables of core that have rows as soon as anybody uses it."""


class CannotRestore(BackupError):
    """What speaks against it: a line for each."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__('\n'.join(reasons))


def restore(path: Path, *, web: bool = True, check: bool = False) -> Manifest:
    """Restore a backup.

    :param path: The file.
    :param web: Whether to restore the web side, too.
    :param check: Look only; nothing is written.
    :return: What the backup says of itself.
    :raises BackupError: where that cannot be done.
    """
    with alone():
        manifest = container.verify(path)
        mark = restored.read()
        is_again = mark is not None and not mark.is_whole
        side = website.ask() if web else None
        reasons = [*_master(), *_log_of_another()]
        reasons += _unknown(manifest, side)
        if not is_again:
            reasons += _not_empty(side)
        if reasons:
            raise CannotRestore(reasons)
        if not check:
            try:
                _restore(path, manifest, side)
            except OSError as error:
                raise BackupError(f'{error.filename}: {error.strerror}') from error
    return manifest


def _master() -> Iterator[str]:
    state, lock = master_state()
    if state in (WatcherState.conflict, WatcherState.host_mismatch):
        host, number, _ = lock.details
        yield f'Mailman runs (process {number} on {host}): stop it first'


def _log_of_another() -> Iterator[str]:
    """Tables that the service's role may not put others in the place of (R31)."""
    with databases.connected(config.db.engine.url) as connection:
        lend = log_owner.how_to_lend(connection)
    if lend is not None:
        yield f'the audit log belongs to a role of its own; have it lent first: {lend}'


def _unknown(manifest: Manifest, side: website.WebSide | None) -> Iterator[str]:
    """What of a backup this version cannot read, or has no place for."""
    about = manifest.about
    core = about['core']
    scripts = ScriptDirectory.from_config(alembic_cfg)
    known = {each.revision for each in scripts.walk_revisions()}
    if core['mailman'] not in known:
        yield (
            f"the backup's tables are of a later Mailman ({core['mailman']}): install "
            'the version that made it'
        )
    try:
        migrations.require_known(core['qnet'])
    except migrations.DatabaseIsNewer:
        yield (
            f'the backup is of a later version of QualityNet Mailer '
            f'({about["version"]}, tables of {core["qnet"]}; {migrations.head()} is '
            'the newest known here): install that version'
        )
    yield from _of_another_kind('core', core['kind'], config.db.engine.url)
    if side is None:
        return
    if 'web' not in about:
        yield 'the backup is without the web side: --no-web'
        return
    yield from _of_another_kind('the web side', about['web']['kind'], side.url)
    later = sorted(set(about['web']['migrations']) - side.migrations)
    if later:
        yield (
            f"the backup's tables of the web side are of later versions ({later[0]} "
            f'and {len(later) - 1} more are not known here): install those'
        )


def _of_another_kind(whose: str, kind: str, url: databases.URL) -> Iterator[str]:
    if kind != databases.kind(url):
        yield (
            f'{whose} has {databases.kind(url)} here, and {kind} in the backup: name '
            'such a database in the settings'
        )


def _not_empty(side: website.WebSide | None) -> Iterator[str]:
    if restored.read() is not None:
        yield 'a backup has been restored here already: "mailman qnet resume"'
    wanted = 'only an empty site takes a backup'
    if found := databases.has_rows(config.db.engine.url, EMPTY):
        yield f'the database of core has rows in {", ".join(found)}: {wanted}'
    if side is not None and (found := databases.has_rows(side.url, website.EMPTY)):
        yield f'the database of the web side has rows in {", ".join(found)}: {wanted}'
    for name, number in folders.entries().items():
        place = folders.of_mailman()[name]
        yield f'{place} has {number} files: {wanted}'


def _restore(path: Path, manifest: Manifest, side: website.WebSide | None) -> None:
    entries = tuple(
        name.removeprefix('core/queue/').rpartition('.')[0]
        for name in manifest.parts
        if name.startswith('core/queue/')
    )
    mark = restored.Mark(path.name, manifest.made_at, entries=entries)
    restored.write(mark)
    # Nothing of ours may be in the way of putting others in the place of tables.
    config.db.store.close()
    config.db.engine.dispose()
    urls = {'core': config.db.engine.url} | ({'web': side.url} if side else {})
    with scratch(Path(config.VAR_DIR, 'restore-unfinished')) as copies:
        container.extract(path, {f'{whose}/database': copies / whose for whose in urls})
        for whose, url in urls.items():
            databases.restore(url, copies / whose)
    places = {f'core/{name}': place for name, place in folders.of_mailman().items()}
    if side is not None:
        places |= {f'web/{name}': place for name, place in side.folders.items()}
    container.extract(path, places)
    restored.write(replace(mark, is_whole=True))
