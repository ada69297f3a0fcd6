# SPDX-License-Identifier: GPL-3.0-or-later
"""One form at a time on a host, whoever applies it.

Two hosts are told apart by the database's own constraints.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mailman.config import config

LOCK = 'qnet-provision.lck'


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Wait until no other process of this host is inside.

    :param name: Of the lock's file.
    """
    # The kernel frees this lock when its process dies, however it dies.  The file
    # stays, and may be another user's: that of an operator who worked as root.
    path = os.path.join(config.LOCK_DIR, name)
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        with suppress(PermissionError):
            os.fchmod(descriptor, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
