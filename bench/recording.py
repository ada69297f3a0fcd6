# SPDX-License-Identifier: GPL-3.0-or-later
"""What it costs that whatever is changed is seen, for the audit log (R31).

Usage: ``python -m bench.recording``.  Needs ``smtp-sink`` of Debian's package postfix.

An import of members and a fan-out, with `model/changes.py` looking on and without, in
turn: CPU seconds, with the server's on PostgreSQL.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import fan_out, hosts, import_members, sides
from bench.rows import Row, show

MEMBERS, COPIES = 100_000, 10_000
BOUND = 1.03
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
    with hosts.databases() as kinds:
        for name, run in kinds:
            turns = [
                (run('recording', ''), run('recording', UNSEEN)) for _ in range(ROUNDS)
            ]
            seen, not_seen = zip(*turns, strict=True)
            yield Row(
                f'{MEMBERS:,} members from a file, what is changed seen, {name}',
                'CPU s',
                statistics.median(each['cpu'] for each in seen),
                statistics.median(each['cpu'] for each in not_seen),
                UNSEEN,
                BOUND,
            )
    with sides.sink() as port, tempfile.TemporaryDirectory() as folder:
        fan_out.prepare(Path(folder), port)
        ours = fan_out.Ours(fan_out.make_list(COPIES), COPIES)
        message = fan_out.messages()['8 KB']

        def without() -> float:
            with unseen():
                return ours.from_out(message)

        ours.from_out(message)
        seen, not_seen = fan_out.in_turn(
            COPIES, lambda: ours.from_out(message), without
        )
        yield Row(
            f'{COPIES} copies of 8 KB, what is changed seen, CPU s for 1,000',
            *('CPU s', seen[0], not_seen[0], UNSEEN, BOUND),
        )


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
