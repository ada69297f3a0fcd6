# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup's file: a tar archive (POSIX.1-2001) whose last part lists the others.

So whatever cuts it off takes the list with it.  The list, `manifest.json`, has for each
part its size and SHA-256; a file that differs from it in any part is refused before
anything is done with it.  It shows damage, not forgery: whoever can write the file can
write the list.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

MANIFEST = 'manifest.json'
FORMAT = 1
BLOCK = 1024 * 1024
MOST = 256 * 1024 * 1024
"""Bytes of a list: some millions of parts."""


class BackupError(Exception):
    """Something cannot be done; the text says what, and why."""


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself.

    :ivar made_at: In UTC, without a time zone: the moment of which it is.
    :ivar about: Kinds of the databases, and whose tables are in them.
    :ivar parts: Size and SHA-256 of each, by its name.
    """

    made_at: datetime
    about: dict[str, Any]
    parts: dict[str, tuple[int, str]] = field(default_factory=dict)

    def as_json(self) -> bytes:
        """As it stands in the file."""
        return json.dumps(
            {
                'format': FORMAT,
                'made_at': self.made_at.isoformat(),
                'about': self.about,
                'parts': self.parts,
            },
            indent=1,
        ).encode()

    @classmethod
    def of(cls, text: bytes) -> Manifest:
        """Read one.

        :raises BackupError: where it is none, or one of a later version.
        """
        try:
            found = json.loads(text)
            if found['format'] > FORMAT:
                raise BackupError('it was made by a later version of QualityNet Mailer')
            parts = {name: (one[0], one[1]) for name, one in found['parts'].items()}
            made_at = datetime.fromisoformat(found['made_at'])
            return cls(made_at, dict(found['about']), parts)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise BackupError(f'{MANIFEST} in it cannot be read') from error


class _Summed:
    """A file that is read through a checksum."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sum = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        some = self._file.read(size)
        self.sum.update(some)
        return some


class Writer:
    """Writes a backup; nobody but its owner can read it (it holds secrets)."""

    def __init__(self, path: Path) -> None:
        """Begin one.

        :param path: Where; it must not be there.
        """
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(number, 'wb')
        self._tar = tarfile.TarFile(
            fileobj=self._file, mode='w', format=tarfile.PAX_FORMAT
        )
        self._parts: dict[str, tuple[int, str]] = {}

    def close(self) -> None:
        """Write nothing more; without :meth:`finish` it is no backup."""
        self._file.close()

    def add(self, name: str, path: Path) -> None:
        """Put a file in, under a name of its own."""
        with path.open('rb') as file:
            info = self._tar.gettarinfo(arcname=name, fileobj=file)
            # Another link to a file that is in already would have no content.
            info.type, info.linkname = tarfile.REGTYPE, ''
            info.size, info.mtime = os.fstat(file.fileno()).st_size, int(info.mtime)
            summed = _Summed(file)
            self._tar.addfile(info, summed)
        self._parts[name] = (info.size, summed.sum.hexdigest())

    def finish(self, made_at: datetime, about: dict[str, Any]) -> None:
        """Write the list of parts, and return when all is on the disk."""
        text = Manifest(made_at, about, self._parts).as_json()
        info = tarfile.TarInfo(MANIFEST)
        info.size, info.mode = len(text), 0o600
        self._tar.addfile(info, io.BytesIO(text))
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())


def verify(path: Path) -> Manifest:
    """Read a backup from beginning to end; what it says of itself.

    :raises BackupError: where it is damaged, or no backup at all.
    """
    parts: dict[str, tuple[int, str]] = {}
    manifest = None
    with _opened(path) as tar:
        for info in tar:
            content = _content(tar, info)
            if info.name in parts or manifest is not None:
                raise BackupError(f'{info.name} does not belong into a backup')
            if info.name == MANIFEST:
                manifest = Manifest.of(content.read(MOST))
                continue
            sum_ = hashlib.sha256()
            while some := content.read(BLOCK):
                sum_.update(some)
            parts[info.name] = (info.size, sum_.hexdigest())
        if manifest is None:
            raise BackupError(f'it is cut off, or no backup: it has no {MANIFEST}')
    wrong = sorted(
        name
        for name in parts.keys() | manifest.parts.keys()
        if parts.get(name) != manifest.parts.get(name)
    )
    if wrong:
        raise BackupError(
            f'{path}: damaged: {wrong[0]} is not what {MANIFEST} says '
            f'({len(wrong)} of {len(manifest.parts)} parts)'
        )
    return manifest


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, 'r:') as tar:
            yield tar
    except BackupError as error:
        raise BackupError(f'{path}: {error}') from error
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise BackupError(f'{path}: it is damaged, or no backup: {error}') from error
    except OSError as error:
        raise BackupError(f'{path}: {error.strerror}') from error


def _content(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(info) if info.isreg() else None
    if content is None or not _is_plain(info.name):
        raise BackupError(f'{info.name} does not belong into a backup')
    return content


def _is_plain(name: str) -> bool:
    """Whether a name leads nowhere but below the folder in which it is used."""
    path = PurePosixPath(name)
    return not path.is_absolute() and '..' not in path.parts and '\0' not in name


def extract(path: Path, places: dict[str, Path]) -> None:
    """Write parts of a backup that was verified; one that is there is replaced.

    :param places: Where to put what: the beginning of names, and the file or folder
        that takes its place.
    :raises BackupError: where it is no longer what was verified.
    """
    with _opened(path) as tar:
        for info in tar:
            for prefix, place in places.items():
                if info.name == prefix:
                    _write(tar, info, place)
                elif info.name.startswith(f'{prefix}/'):
                    _write(tar, info, place / info.name[len(prefix) + 1 :])
    os.sync()


def _write(tar: tarfile.TarFile, info: tarfile.TarInfo, target: Path) -> None:
    content = _content(tar, info)
    target.parent.mkdir(mode=0o770, parents=True, exist_ok=True)
    half = target.with_name(f'{target.name}.tmp')
    half.unlink(missing_ok=True)
    number = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, info.mode & 0o770)
    with os.fdopen(number, 'wb') as file:
        shutil.copyfileobj(content, file, BLOCK)
    # How long an entry of a queue has waited.
    os.utime(half, (info.mtime, info.mtime))
    os.replace(half, target)
