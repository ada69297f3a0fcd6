# SPDX-License-Identifier: GPL-3.0-or-later
"""Members from a CSV file, against stock's subscribing.

Usage: ``python -m bench.import_members``.

Ours is ``mailman qnet import-members`` with an export of ListManager, from the file to
the last commit; stock's makes a user with an address, verifies it and subscribes it.
CPU seconds for each member, with the server's on PostgreSQL, and the memory that the
process has at its height.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

from bench import hosts
from bench.rows import Row, show

OURS, THEIRS = 100_000, 1000
"""Members."""
TIMES = 120
MEMORY = 150
"""Megabytes."""
ROUNDS = 3


def write_export(path: Path, count: int) -> None:
    """Write an export of ListManager."""
    with path.open('w', encoding='utf-8') as file:
        file.write('EmailAddr_,FullName_,MemberType_,DateJoined_\n')
        for n in range(count):
            file.write(
                f'User{n}@ex{n % 97}.example.com,U {n},normal,2019-01-02 03:04:05\n'
            )


def make_list(style: str) -> None:
    """Make a list without members."""
    from mailman.app.lifecycle import create_list
    from mailman.config import config
    from mailman.interfaces.domain import IDomainManager
    from zope.component import getUtility

    getUtility(IDomainManager).add('mailer.example.org')
    mlist = create_list('bench@mailer.example.org', style_name=style)
    mlist.send_welcome_message = False
    config.db.commit()


def take_in(folder: Path) -> None:
    """Import the file as the command does."""
    from click.testing import CliRunner

    from qnet_mailman.commands.cli_qnet import qnet

    done = CliRunner().invoke(
        qnet,
        ['import-members', 'bench@mailer.example.org', str(folder / 'members.csv')],
    )
    assert done.exit_code == 0, done.output


def subscribe(count: int) -> None:
    """Subscribe people as stock does."""
    from mailman.config import config
    from mailman.interfaces.listmanager import IListManager
    from mailman.interfaces.member import MemberRole
    from mailman.interfaces.usermanager import IUserManager
    from mailman.utilities.datetime import now
    from zope.component import getUtility

    mlist = getUtility(IListManager).get('bench@mailer.example.org')
    users = getUtility(IUserManager)
    for n in range(count):
        user = users.make_user(f'user{n}@ex{n % 97}.example.com', f'U {n}')
        address = next(iter(user.addresses))
        address.verified_on = now()
        mlist.subscribe(address, MemberRole.member)
    config.db.commit()


def rows() -> Iterator[Row]:
    """Both, in turn."""
    with hosts.databases() as kinds:
        for name, run in kinds:
            turns = [
                (
                    run('import_members', 'ours', str(OURS)),
                    run('import_members', 'stock', str(THEIRS)),
                )
                for _ in range(ROUNDS)
            ]
            ours, theirs = zip(*turns, strict=True)
            yield Row(
                f'{OURS:,} members from a file, {name}',
                'members a CPU second',
                statistics.median(OURS / each['cpu'] for each in ours),
                statistics.median(THEIRS / each['cpu'] for each in theirs),
                'stock',
                TIMES,
                at_most=False,
            )
            yield Row(
                f'the same: memory at its height, {name}',
                'MB',
                max(each['memory'] for each in ours),
                MEMORY,
                'limit',
                1,
            )


def main() -> int:
    """Measure, or be one of those who are measured."""
    if len(sys.argv) == 1:
        return show(rows())
    url, side, count = sys.argv[1:]
    with hosts.host(side, url) as folder:
        if side == 'ours':
            make_list('qnet-notification-public')
            write_export(folder / 'members.csv', int(count))
            hosts.report(lambda: take_in(folder))
        else:
            make_list('legacy-default')
            hosts.report(lambda: subscribe(int(count)))
    return 0


if __name__ == '__main__':
    sys.exit(main())
