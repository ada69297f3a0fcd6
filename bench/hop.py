# SPDX-License-Identifier: GPL-3.0-or-later
"""A hop from queue to queue: a runner, and an entry with which it does nothing.

Usage: ``python -m bench.hop``.

The runner is Mailman's bare one, behind our guard as the archive's is, and puts each
post of 4 KB into another queue, one a round.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

from bench import short, sides
from bench.rows import Row

HOPS = 50
BOUND = 0.4


def hop(list_id: str, times: int) -> dict[str, float]:
    """Posts from one queue into another: a `sides.Work`."""
    from mailman.config import config
    from mailman.core.runner import Runner

    def dispose(_self: Any, _mlist: Any, msg: Any, msgdata: dict[str, Any]) -> bool:
        config.switchboards['archive'].enqueue(msg, msgdata)
        return False

    bases: tuple[Any, ...] = (Runner,)
    if config.plugins:
        guard = importlib.import_module('qnet_mailman.runners.guard')
        bases = (guard.Guard, Runner)
    members = {'_dispose': dispose, 'speaks': False}
    runner = type('Hop', bases, members)('command')
    content = sides.parsed(short.message(1))
    archive = config.switchboards['archive']
    taken = 0.0
    for _ in range(times):
        config.switchboards['command'].enqueue(content, listid=list_id)
        before = sides.cpu()
        assert runner._one_iteration() == 1
        taken += sides.cpu() - before
        (name,) = archive.files
        archive.dequeue(name)
        archive.finish(name)
    return {'hop': taken}


def rows() -> Iterator[Row]:
    """What a hop takes, beside the build before and stock."""
    for database, found in sides.compared('hop.hop', HOPS):
        before, ours, stock = (each['hop'] for each in found)
        work = f'a hop from queue to queue, {database}'
        yield Row(work, 'CPU s', ours, before, sides.BEFORE, BOUND)
        yield Row(work, 'CPU s', ours, stock, 'stock', 0)


if __name__ == '__main__':
    sides.show(rows())
