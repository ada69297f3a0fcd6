# SPDX-License-Identifier: GPL-3.0-or-later
"""What a site has on its disk: Mailman's folders, and the files of its configuration.

Queue entries, held messages and archived posts are written once and then renamed or
removed, never changed: a second link to each, made in no time, is a copy.  What is
appended to (digests of stock lists) is copied.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import mailman
from lazr.config import as_boolean
from mailman.config import config

from qnet_mailman import site
from qnet_mailman.backup import databases
from qnet_mailman.queues import restored
from qnet_mailman.setup import startup

_LINKED = ('queue', 'messages', 'archive')
_COPIED = ('list_data', 'data', 'template')
_HALF = ('.tmp', '.new', '.lock')
"""What is being written, or says that somebody is at work."""


def of_mailman() -> dict[str, Path]:
    """Mailman's folders that hold what cannot be made anew, by what they are called."""
    found = {
        name: Path(getattr(config, f'{name.upper()}_DIR'))
        for name in (*_LINKED, *_COPIED)
    }
    package = Path(mailman.__file__).parent
    return {
        name: folder
        for name, folder in found.items()
        if not folder.is_relative_to(package)
    }


def entries() -> dict[str, int]:
    """How many files each of them has, if any."""
    counted = {
        name: sum(1 for _ in _files(name, folder))
        for name, folder in of_mailman().items()
    }
    # The maps for a mail server are there from the first start on.
    del counted['data']
    return {name: count for name, count in counted.items() if count}


def keep(target: Path) -> None:
    """Make links to all files, or copies.

    What comes or goes meanwhile is LMTP's, and may be there or not.

    :param target: A new folder.
    """
    for name, folder in of_mailman().items():
        for path in _files(name, folder):
            copy = target / name / path.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                _keep(path, copy, link=name in _LINKED)


def _keep(path: Path, copy: Path, *, link: bool) -> None:
    if link:
        # Not on another file system, and not of somebody else's file.
        with suppress(OSError):
            os.link(path, copy)
            return
    shutil.copy2(path, copy)


def _files(name: str, folder: Path) -> Iterator[Path]:
    database = _core_file()
    for path in files_below(folder):
        if path.name.endswith(_HALF) or path.name == restored.NAME:
            continue
        if name == 'data' and database and path.name.startswith(database):
            continue
        yield path


def _core_file() -> str:
    """The name of SQLite's file, which has others beside it that begin so."""
    url = config.db.engine.url
    is_file = databases.kind(url) == databases.SQLITE
    return databases.file_of(url).name if is_file else ''


def files_below(folder: Path) -> Iterator[Path]:
    """Plain files in a folder and those in it, in order; itself, if it is one."""
    if folder.is_file():
        yield folder
    for here, names, files in os.walk(folder):
        names.sort()
        for each in sorted(files):
            path = Path(here, each)
            if path.is_file() and not path.is_symlink():
                yield path


def configuration() -> list[Path]:
    """Core's files of configuration, passwords and keys in them included."""
    found = [Path(config.filename), startup.settings_path()]
    named = [config.webservice.configuration, config.mta.configuration]
    named += [
        archiver.configuration
        for archiver in config.getByCategory('archiver', [])
        if as_boolean(archiver.enable)
    ]
    # Those that begin with "python:" are Mailman's own.
    found += [Path(name) for name in named if os.path.isabs(name)]
    if site.reason_not_ready() is None:
        secret = site.settings().ticket_system_secret_file
        found += [] if secret is None else [secret]
    return [path for path in dict.fromkeys(found) if path.is_file()]
