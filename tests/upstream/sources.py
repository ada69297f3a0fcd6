# SPDX-License-Identifier: GPL-3.0-or-later
"""What the suites are run from: sources and packages, by the hashes of lock files."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT

LOCK = ROOT / 'requirements.lock'
OWN_LOCK = Path(__file__).with_name('requirements.lock')
CACHE = ROOT / '.venv' / 'upstream'
"""Beside what `./run` installs, and gone with it."""


def source(name: str) -> Path:
    """The sources of a distribution, in the version of requirements.lock."""
    lock = _locked(name)
    # Another version has another folder.
    folder = CACHE / lock.split()[0]
    if not folder.exists():
        with _made(folder) as new:
            (new / 'lock').write_text(lock, 'utf-8')
            _pip('download', '--no-binary', name, '-d', new, '-r', new / 'lock')
            with tarfile.open(next(new.glob('*.tar.gz'))) as archive:
                archive.extractall(new, filter='data')
    [tree] = (path for path in folder.iterdir() if path.is_dir())
    return tree


def _packages() -> Path:
    digest = hashlib.sha256(OWN_LOCK.read_bytes()).hexdigest()
    return CACHE / f'packages-{digest[:16]}'


def has_packages() -> bool:
    """Whether :func:`packages` has nothing to install."""
    return _packages().exists()


def packages() -> Path:
    """A folder with what the suites need beside requirements.lock."""
    folder = _packages()
    if not folder.exists():
        with _made(folder) as new:
            _pip('install', '--target', new, '-r', OWN_LOCK)
    return folder


def _locked(name: str) -> str:
    """The entry of a distribution in requirements.lock."""
    found = re.search(rf'^{name}==(.+\n)+?(?=\S|\Z)', LOCK.read_text('utf-8'), re.M)
    assert found is not None, name
    return found[0]


@contextmanager
def _made(folder: Path) -> Iterator[Path]:
    """A folder to fill, which has its name only when it is full."""
    new = folder.with_suffix('.new')
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    yield new
    new.rename(folder)


def _pip(command: str, *arguments: str | Path) -> None:
    options = ('-qq', '--disable-pip-version-check', '--no-deps', '--require-hashes')
    subprocess.run(
        [sys.executable, '-m', 'pip', command, *options, *arguments], check=True
    )
