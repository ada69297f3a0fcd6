# SPDX-License-Identifier: GPL-3.0-or-later
"""What it costs that whatever is changed is seen, for the audit log (R31).

Usage: ``python -m bench.recording``.  Needs ``smtp-sink`` of Debian's package postfix.

An import of members and a fan-out, with `model/changes.py` looking on and without, in
turn: CPU seconds, with the server's on PostgreSQL.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench import fan_out, hosts, import_members, sides
from bench.rows import Row, show

MEMBERS, COPIES = 100_000, 10_000
BOUND = 0
"""To be at most 1.03; on a machine that others use, two equal turns differ by more."""
ROUNDS = 5
UNSEEN = 'unseen'


@contextmanager
def unseen() -> Iterator[None]:
    """While this lasts, nobody looks at what is changed."""
    from sqlalchemy import event
    from sqlalchemy.orm import Session

    from qnet_mailman.model import changes

    for name, listener in changes.LISTENERS:
        event.remove(Session, name, listener)
    try:
        yield
    finally:
        changes.install()


def rows() -> Iterator[Row]:
    """Both, with and without."""
    yield from of_an_import()
    yield from of_a_fan_out()


def of_an_import() -> Iterator[Row]:
    """Each import in a process of its own."""
    with hosts.databases() as kinds:
        for name, run in kinds:
            each = partial(_an_import, run)
            seen, not_seen = least(partial(each, ''), partial(each, UNSEEN))
            work = f'{MEMBERS:,} members from a file, what is changed seen, {name}'
            yield Row(work, 'CPU s', seen, not_seen, UNSEEN, BOUND)


def _an_import(run: Callable[..., dict[str, float]], how: str) -> float:
    return run('recording', how)['cpu']


def of_a_fan_out() -> Iterator[Row]:
    """All in this process."""
    with sides.sink() as port, tempfile.TemporaryDirectory() as folder:
        fan_out.prepare(Path(folder), port)
        ours = fan_out.Ours(fan_out.make_list(COPIES), COPIES)
        message = fan_out.messages()['8 KB']

        def send() -> float:
            before = fan_out.cpu()
            ours.from_out(message)
            return fan_out.cpu() - before

        def send_unseen() -> float:
            with unseen():
                return send()

        send()
        work = f'{COPIES:,} copies of 8 KB, what is changed seen'
        seen, not_seen = least(send, send_unseen)
        yield Row(work, 'CPU s', seen, not_seen, UNSEEN, BOUND)


def least(*ways: Callable[[], float]) -> list[float]:
    """The least that each takes, in turn: what else the machine does only adds."""
    turns = [[way() for way in ways] for _ in range(ROUNDS)]
    return [min(of_way) for of_way in zip(*turns, strict=True)]


def main() -> int:
    """Measure, or be one of those who are measured."""
    if len(sys.argv) == 1:
        return show(rows())
    url, how = sys.argv[1:]
    with hosts.host('ours', url) as folder:
        import_members.make_list('qnet-notification-public')
        import_members.write_export(folder / 'members.csv', MEMBERS)
        if how != UNSEEN:
            hosts.report(lambda: import_members.take_in(folder))
            return 0
        with unseen():
            hosts.report(lambda: import_members.take_in(folder))
    return 0


if __name__ == '__main__':
    sys.exit(main())
