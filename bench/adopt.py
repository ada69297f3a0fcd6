# SPDX-License-Identifier: GPL-3.0-or-later
"""Minutes until ``mailman qnet adopt --all`` has taken over a site's lists.

Usage: ``python -m bench.adopt [--lists N] [--members N]``.  As many lists of Mailman's
own as are wanted, the members spread over them, each list with an owner and a member in
a hundred with a score of bounces; SQLite in a temporary folder.  Measured is the
command, preview and all.

Exit status: 0; 1 if the target is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import uuid
from pathlib import Path

from bench.fan_out import prepare

TARGET = 300.0
"""Seconds for 1,000 lists with 100,000 memberships."""


def fill(lists: int, members: int) -> None:
    """Make the lists, and write their members into the tables at once."""
    from mailman.app.lifecycle import create_list
    from mailman.config import config
    from mailman.interfaces.domain import IDomainManager
    from mailman.interfaces.member import MemberRole
    from mailman.model.address import Address
    from mailman.model.member import Member
    from mailman.model.preferences import Preferences
    from mailman.utilities.datetime import now
    from sqlalchemy import insert
    from zope.component import getUtility

    getUtility(IDomainManager).add('lists.example.gov')
    for number in range(lists):
        address = f'l{number}@lists.example.gov'
        create_list(address, ('olga@agency.test',), 'legacy-default')
    config.db.commit()
    people = range(1_000_000, 1_000_000 + members)
    store = config.db.store
    store.execute(insert(Preferences), [{'id': each} for each in people])
    store.execute(
        insert(Address),
        [
            {'id': each, 'email': f'u{each}@ex{each % 97}.test', 'preferences_id': each}
            for each in people
        ],
    )
    store.execute(
        insert(Member),
        [
            {
                '_member_id': uuid.uuid4(),
                'role': MemberRole.member,
                'list_id': f'l{each % lists}.lists.example.gov',
                'address_id': each,
                'preferences_id': each,
                'bounce_score': each % 100 == 0,
                'last_bounce_received': now() if each % 100 == 0 else None,
            }
            for each in people
        ],
    )
    config.db.commit()


def main() -> int:
    """Print how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--lists', type=int, default=1000)
    parser.add_argument('--members', type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as var:
        prepare(Path(var), 1)
        from click.testing import CliRunner

        from qnet_mailman.commands.cli_qnet import qnet

        fill(options.lists, options.members)
        started = time.perf_counter()
        done = CliRunner().invoke(qnet, ['adopt', '--all'])
        took = time.perf_counter() - started
    print(done.output.splitlines()[-1])
    print(f'{options.lists} lists, {options.members} members: {took:.1f} s')
    target = TARGET * max(options.lists / 1000, options.members / 100_000)
    return 0 if done.exit_code == 0 and took <= target else 1


if __name__ == '__main__':
    sys.exit(main())
