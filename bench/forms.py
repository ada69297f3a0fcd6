# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists from request forms, against stock's ``create_list`` with an owner (R29, R30).

Usage: ``python -m bench.forms``.

Ours is ``mailman qnet provision lists.csv``, from the file to the last notice, with the
process that reads it: people, roles, audit log and notices are in it.  Stock's makes
the same lists, with an owner each, and commits each.  CPU seconds, with the server's on
PostgreSQL.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

from bench import hosts
from bench.page_times import forms
from bench.rows import Row, show

COUNT = 1000
BOUND = 2.5
ROUNDS = 3
OWNER = 'pat@agency.example.gov'


def provision(folder: Path, count: int) -> None:
    """Make lists from a file with forms."""
    from click.testing import CliRunner

    from qnet_mailman.commands.cli_qnet import qnet

    table = folder / 'lists.csv'
    table.write_text(forms(count, OWNER), 'utf-8')
    done = CliRunner().invoke(qnet, ['provision', str(table)])
    assert done.exit_code == 0, done.output


def create(_folder: Path, count: int) -> None:
    """Make lists as stock does."""
    from mailman.app.lifecycle import create_list
    from mailman.config import config
    from mailman.interfaces.domain import IDomainManager
    from zope.component import getUtility

    getUtility(IDomainManager).add('mailer.example.org')
    for number in range(count):
        create_list(f'page-{number}@mailer.example.org', (OWNER,))
        config.db.commit()


def rows() -> Iterator[Row]:
    """CPU of both, in turn."""
    with hosts.databases() as kinds:
        for name, run in kinds:
            ours, theirs = (
                statistics.median(each)
                for each in zip(
                    *(
                        [
                            run('forms', side, str(COUNT))['cpu']
                            for side in ('ours', 'stock')
                        ]
                        for _ in range(ROUNDS)
                    ),
                    strict=True,
                )
            )
            work = f'{COUNT:,} lists from forms, {name}'
            yield Row(work, 'CPU s', ours, theirs, 'stock', BOUND)


def main() -> int:
    """Measure, or be one of those who are measured."""
    if len(sys.argv) == 1:
        return show(rows())
    url, side, count = sys.argv[1:]
    with hosts.host(side, url) as folder:
        work = provision if side == 'ours' else create
        hosts.report(lambda: work(folder, int(count)))
    return 0


if __name__ == '__main__':
    sys.exit(main())
