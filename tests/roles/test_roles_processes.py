# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that change assignments and grants at the same time (R25)."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from mailman.config import config

from qnet_mailman.roles import projection
from tests.conftest import ON_POSTGRESQL

ROUNDS = 15

CHANGER = """
import sys
from mailman.core import initialize
initialize.initialize(sys.argv[1])
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from zope.component import getUtility
from qnet_mailman.roles import grants
from qnet_mailman.roles.people import Assignee, assign, unassign
from qnet_mailman.roles.rights import Identity, Role

what, lists = sys.argv[2], sys.argv[3].split(',')
print('ready', flush=True)
for line in sys.stdin:
    number = int(line)
    if what == 'assign':
        for name in lists:
            mlist = getUtility(IListManager).get_by_list_id(name)
            assign(
                mlist, Role.administrator,
                Assignee(f'p{number}@example.org', '', f'p{number}', True),
            )
    elif what == 'unassign':
        mlist = getUtility(IListManager).get_by_list_id(lists[0])
        unassign(mlist, Role.administrator, f'p{number - 1}@example.org')
    elif what == 'grant':
        grants.sign_in(
            Identity.of(f'p{number}'), 'P', f'p{number}@example.org',
            {Role.administrator},
        )
    else:
        grants.sign_in(Identity.of(f'p{number - 2}'), 'P', 'x@example.org', ())
    config.db.commit()
    print('done', flush=True)
"""


@pytest.mark.postgresql
@pytest.mark.skipif(
    not ON_POSTGRESQL, reason='SQLite has one writer at a time (QNET_TEST_DATABASE)'
)
def test_both_sides_at_once(core: Any, make_list: Any) -> None:
    lists = [make_list() for _ in range(2)]
    ids = ','.join(mlist.list_id for mlist in lists)
    config.db.commit()
    changers = [
        subprocess.Popen(
            [sys.executable, '-c', CHANGER, str(core.cfg), what, ids],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for what in ('assign', 'unassign', 'grant', 'revoke')
    ]
    try:
        for changer in changers:
            assert changer.stdout is not None
            assert changer.stdout.readline() == 'ready\n'
        for number in range(ROUNDS):
            for changer in changers:
                assert changer.stdin is not None
                changer.stdin.write(f'{number}\n')
                changer.stdin.flush()
            for changer in changers:
                assert changer.stdout is not None
                assert changer.stdout.readline() == 'done\n'
            config.db.abort()
            config.db.store.expire_all()
            # The last one assigned has the role, and is on the rosters.
            for mlist in lists:
                owners = {address.email for address in mlist.owners.addresses}
                assert f'p{number}@example.org' in owners
            assert projection.project() == []
            config.db.abort()
    finally:
        for changer in changers:
            changer.stdin.close()  # type: ignore[union-attr]
            changer.wait(timeout=600)
    assert [changer.returncode for changer in changers] == [0] * 4
