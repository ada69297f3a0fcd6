# SPDX-License-Identifier: GPL-3.0-or-later
"""What it costs that whatever is changed is seen, for the audit log (R31).

Usage: ``python -m bench.recording``.  Needs ``smtp-sink`` of Debian's package postfix.

Of an import of members and of a fan-out, the CPU seconds within what listens in
`model/changes.py`, beside those of all of it.  (With and without listening, in turn,
would tell nothing: two equal turns differ by more.)
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import fan_out, hosts, import_members, sides
from bench.rows import Row, show

MEMBERS, COPIES = 100_000, 10_000
BOUND = 0.03


class Clock:
    """The CPU seconds that this thread spent in listeners."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, listener: Callable[..., object]) -> Callable[..., object]:
        """The same, with its time counted."""

        def timed(*args: Any) -> object:
            before = time.thread_time()
            try:
                return listener(*args)
            finally:
                self.seconds += time.thread_time() - before

        return timed


@contextmanager
def counted() -> Iterator[Clock]:
    """While this lasts, the time of those who look at what is changed is counted."""
    from sqlalchemy import event
    from sqlalchemy.orm import Session

    from qnet_mailman.model import changes

    clock = Clock()
    instead = []
    for name, listener in changes.LISTENERS:
        event.remove(Session, name, listener)
        timed = clock.around(listener)
        event.listen(Session, name, timed)
        instead.append((name, timed))
    try:
        yield clock
    finally:
        for name, timed in instead:
            event.remove(Session, name, timed)
        changes.install()


def rows() -> Iterator[Row]:
    """Both."""
    yield from of_an_import()
    yield from of_a_fan_out()


def of_an_import() -> Iterator[Row]:
    """Each in a process of its own."""
    with hosts.databases() as kinds:
        for name, run in kinds:
            found = run('recording')
            work = f'seeing what {MEMBERS:,} members from a file change, {name}'
            yield Row(work, 'CPU s', found['seeing'], found['cpu'], 'the import', BOUND)


def of_a_fan_out() -> Iterator[Row]:
    """In this process."""
    with sides.sink() as port, tempfile.TemporaryDirectory() as folder:
        fan_out.prepare(Path(folder), port)
        ours = fan_out.Ours(fan_out.make_list(COPIES), COPIES)
        message = fan_out.messages()['8 KB']
        ours.from_out(message)
        with counted() as clock:
            before = fan_out.cpu()
            ours.from_out(message)
            whole = fan_out.cpu() - before
        work = f'seeing what {COPIES:,} copies of 8 KB change'
        yield Row(work, 'CPU s', clock.seconds, whole, 'the fan-out', BOUND)


def main() -> int:
    """Measure, or be one of those who are measured."""
    if len(sys.argv) == 1:
        return show(rows())
    with hosts.host('ours', sys.argv[1]) as folder:
        import_members.make_list('qnet-notification-public')
        import_members.write_export(folder / 'members.csv', MEMBERS)
        with counted() as clock:
            before = hosts.cpu()
            import_members.take_in(folder)
            whole = hosts.cpu() - before
        print(json.dumps({'cpu': whole, 'seeing': clock.seconds}))
    return 0


if __name__ == '__main__':
    sys.exit(main())
