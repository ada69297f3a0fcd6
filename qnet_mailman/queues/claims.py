# SPDX-License-Identifier: GPL-3.0-or-later
"""Which entries of a queue are worked on, where several runners share it.

Mailman gives each runner the entries whose names have certain hashes; one that is done
with its own then has nothing to do, however much is left of the others'.  Here whoever
comes first takes an entry.

A claim is flock(2)'s lock on the entry's file.  It stays with the file when that is
renamed while it is worked on, and goes with the process that holds it, however that
ends: an entry in work (``.bak``) that nobody has a claim to was left by a runner that
was killed.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def claimed(path: str) -> Iterator[bool]:
    """Within this, an entry is nobody else's; False where it is, or is gone."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        yield _taken(file) and _is_still_there(file, path)
    finally:
        os.close(file)


def _taken(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still_there(file: int, path: str) -> bool:
    """Whether nobody has taken it and given its claim back meanwhile."""
    try:
        return os.path.samestat(os.fstat(file), os.stat(path))
    except FileNotFoundError:
        return False


@contextmanager
def waiting_for(folder: str) -> Iterator[None]:
    """Within this, nobody else is who waits for this folder, too."""
    file = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


class Unclaimed(list[str]):
    """Names of entries, in order; going through them claims each, or leaves it out.

    A claim is given back with the next step, when the entry was worked on.
    """

    def __init__(self, folder: str, extension: str) -> None:
        super().__init__()
        self._folder = folder
        self._extension = extension

    def __iter__(self) -> Iterator[str]:
        for name in super().__iter__():
            path = os.path.join(self._folder, name + self._extension)
            with claimed(path) as is_ours:
                if is_ours:
                    yield name
