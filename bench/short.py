# SPDX-License-Identifier: GPL-3.0-or-later
"""A post of 4 KB to ten members: the CPU seconds of each stage.

Usage: ``python -m bench.short``.  Needs ``smtp-sink`` of Debian's package postfix, and
PostgreSQL 15 for its rows.

From the entry of ``in`` on, each runner takes one round for each post.  Stock sends one
message to all ten, ours one to each; both put the post into the queue ``archive``,
whose runner has no archiver.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from bench import sides
from bench.rows import Row

LINE = 'A line of a message that many people read every day.\n'
QUEUES = ('in', 'pipeline', 'out', 'archive')
POSTS = 20
OF_STOCK = {'SQLite': 0.75, 'PostgreSQL': 0.6}
OUT, ARCHIVE = 0.4, 1.1


def head(number: int) -> str:
    """The fields of a post but for those of its content."""
    return (
        f'From: Pat Example <{sides.POSTER}>\nTo: {sides.LIST}\n'
        f'Subject: Quarterly update {number}\n'
        f'Message-ID: <{number}@agency.example.gov>\n'
        'Date: Sun, 22 Nov 2026 01:00:00 +0000\nMIME-Version: 1.0\n'
    )


def message(number: int) -> bytes:
    """A post of 4 KB."""
    content = f'Content-Type: text/plain; charset=utf-8\n\n{LINE * 75}'
    return (head(number) + content).encode()


def post(list_id: str, times: int) -> dict[str, float]:
    """Posts, one after another, through all queues: a `sides.Work`."""
    return through(list_id, times, message)


def through(list_id: str, times: int, make: Callable[[int], bytes]) -> dict[str, float]:
    """Posts through all queues: the CPU seconds of each."""
    from mailman.config import config

    runners = {name: sides.runner(name) for name in QUEUES}
    taken: Counter[str] = Counter()
    for number in range(times):
        content = make(number)
        config.switchboards['in'].enqueue(
            sides.parsed(content),
            listid=list_id,
            to_list=True,
            original_size=len(content),
        )
        for name, runner in runners.items():
            before = sides.cpu()
            assert runner._one_iteration() == 1, name
            taken[name] += sides.cpu() - before
    for name in ('retry', 'shunt', 'bad', 'virgin', *QUEUES):
        assert not config.switchboards[name].files, name
    return {**taken, 'all': sum(taken.values())}


def rows() -> Iterator[Row]:
    """What a post takes, beside stock and the build before."""
    for database, (before, ours, stock) in sides.compared('short.post', POSTS):
        for stage, theirs, against, bound in (
            ('all', stock, 'stock', OF_STOCK[database]),
            ('out', before, sides.BEFORE, OUT),
            ('archive', stock, 'stock', ARCHIVE),
            ('in', stock, 'stock', 0),
            ('pipeline', stock, 'stock', 0),
            ('out', stock, 'stock', 0),
        ):
            work = f'a post of 4 KB to 10 members, {database}, {stage}'
            yield Row(work, 'CPU s', ours[stage], theirs[stage], against, bound)


if __name__ == '__main__':
    sides.show(rows())
