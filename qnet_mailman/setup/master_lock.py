# SPDX-License-Identifier: GPL-3.0-or-later
"""A master's lock that a power cut has left behind, and one that a master holds.

Mailman's master does not start while its lock is there, for 30 hours.  Its `--force`
takes the lock away where no process has the number in it; but after a power cut another
program may have that number, and after a change of its name the host is no longer the
one in the lock, so that a person has to come.  ``python -m
qnet_mailman.setup.master_lock MAILMAN.CFG``, which `etc/systemd/qnet-core.service` runs
before the master, looks closer, and takes away only what nobody can hold:

* of this host, where the process with that number is gone, or is no master;
* of a host with another name, where moreover the lock is in memory: whoever made it did
  so on this host.

Two containers that share a host's name and the folder of locks cannot be told apart.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from flufl.lock import Lock, NotLockedError
from mailman.config import config
from mailman.core.initialize import initialize_1

PROC = Path('/proc')
"""Where Linux tells about processes (proc(5))."""
IN_MEMORY = {'tmpfs', 'ramfs'}
"""File systems that no other host sees, and no power cut leaves (mount(8))."""


def command(pid: int) -> list[str]:
    """The words of a process's command; none where it is gone, or cannot be seen."""
    try:
        return PROC.joinpath(str(pid), 'cmdline').read_bytes().decode().split('\0')
    except (OSError, UnicodeDecodeError):
        return []


def is_master(pid: int) -> bool:
    """Whether a process is, or may be, a master of Mailman's.

    :param pid: Its number.
    """
    if not PROC.joinpath(str(pid)).exists():
        return not PROC.is_dir()
    words = command(pid)
    # With setproctitle it calls itself so.  What cannot be read may be one.
    return not any(words) or any(
        Path(each).name == 'master' or each.startswith('mailman: master')
        for each in words
    )


def reason_to_keep(lock_file: str) -> str | None:
    """Why a lock must stay; None where it can go.

    :param lock_file: Path of a lock that is there.
    """
    try:
        host, pid, _claim = Lock(lock_file).details
    except (NotLockedError, ValueError):
        # It is a link to a file that was written before: empty, or full of zeros, it is
        # what a power cut leaves.
        return None
    if host != socket.getfqdn() and not _is_in_memory(Path(lock_file).parent):
        return f'it was made on {host}: if no master runs there, delete it'
    return f'the master {pid} runs' if is_master(pid) else None


def _claims(lock_file: str) -> list[Path]:
    """A lock, and the files that flufl.lock keeps beside it for all who want it."""
    path = Path(lock_file)
    return [each for each in path.parent.iterdir() if each.name.startswith(path.name)]


def _is_in_memory(folder: Path) -> bool:
    """Whether a folder is on a file system of this host's memory."""
    found, kind = Path(), ''
    for line in Path('/proc/self/mounts').read_text('utf-8').splitlines():
        _source, point, name, *_ = line.split(' ')
        # Of those above it, the last one hides the others.
        if folder.resolve().is_relative_to(point) and len(point) >= len(str(found)):
            found, kind = Path(point), name
    return kind in IN_MEMORY


def main(path: str) -> str | None:
    """Remove a lock that nobody can hold.

    :param path: Of mailman.cfg.
    :return: For :func:`sys.exit`: what is wrong, where a lock has to stay.
    """
    initialize_1(path)
    lock_file = config.LOCK_FILE
    if not os.path.lexists(lock_file):
        return None
    if (reason := reason_to_keep(lock_file)) is not None:
        return f'{lock_file}: {reason}'
    for each in _claims(lock_file):
        each.unlink(missing_ok=True)
    print(f'{lock_file}: removed; its master is gone', file=sys.stderr)
    return None


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
