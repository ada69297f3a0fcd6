# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in a process of its own, which may be killed in the middle of it (R33)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from mailman.config import config

KILLED = 9
"""The exit status with which such work ends itself."""


def in_a_process(work: Callable[[], object]) -> int:
    """Do something in a copy of this process.

    :return: Its exit status: 0, or what it ended itself with, or 7 where it failed.
    """
    config.db.commit()
    config.db.engine.dispose()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        work()
        os._exit(0)
    except BaseException as error:
        print(repr(error), file=sys.stderr)
    os._exit(7)
