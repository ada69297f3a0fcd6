# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with a bounce runner, as a process: for test_bounce_runners_postgresql.py.

Usage: ``python -m tests.bounces.bounce_host MAILMAN.CFG setup|fill SEED|work|dump``.
"""

from __future__ import annotations

import json
import random
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.listmanager import IListManager
from mailman.utilities.datetime import now
from sqlalchemy import text
from zope.component import getUtility

from qnet_mailman.bounces import discipline, receiving, refusals
from qnet_mailman.model import jobs
from qnet_mailman.runners import bounce
from tests.bounces.reports import BLOCKED, FULL, UNKNOWN, received, report, verp
from tests.helpers import subscribe

MEMBERS = 24
DAYS = 9
LIST = 'updates@lists.example.gov'


def setup() -> None:
    """Make the list and its members."""
    # Nothing is sent yet: what administrators are to be told stays to be counted.
    jobs.claim_job(discipline.CYCLE, timedelta(days=1), now())
    getUtility(IDomainManager).add('lists.example.gov')
    mlist = create_list(LIST, style_name='qnet-notification-public')
    for number in range(MEMBERS):
        subscribe(mlist, f'm{number}@p{number % 3}.example.net')
    config.db.commit()


def fill(seed: int) -> None:
    """Put the reports into this host's queue, in an order of its own."""
    mlist = getUtility(IListManager).get(LIST)
    noon = now().replace(hour=12, minute=0, second=0, microsecond=0)
    wanted = []
    for number in range(MEMBERS):
        for ago in range(1, DAYS + 1):
            # The same for a member and day, so that any order has the same end.
            said = (UNKNOWN, FULL, UNKNOWN, UNKNOWN)[(number + ago) % 4]
            if ago == 4 and number % 3 == 0:
                said = BLOCKED
            if (number * ago) % 5:
                wanted.append((number, ago, said))
    random.Random(seed).shuffle(wanted)
    for number, ago, said in wanted:
        address = f'm{number}@p{number % 3}.example.net'
        # The same post on both hosts.
        to = verp(mlist, address, post=ago)
        msg = report(mlist, address, said, to=to, serial=f'{number}.{ago}')
        config.switchboards['bounces'].enqueue(
            msg,
            received(msg, received_time=noon - timedelta(days=ago)),
            listid=mlist.list_id,
        )


def work() -> None:
    """Work the queue off, slowly enough to be killed in the middle."""
    bounce.BATCH = 8
    runner: Any = bounce.BounceRunner('bounces')
    receive = receiving.receive_all

    def slowly(arrivals: Any, **how: Any) -> None:
        some = list(arrivals)
        receive(some, **how)
        time.sleep(0.004 * len(some))

    receiving.receive_all = slowly
    while runner._one_iteration():
        pass
    # Twice the interval of the sweep later (R23).
    from mailman.utilities.datetime import now

    refusals.sweep(now() + timedelta(minutes=3))
    config.db.commit()


def dump() -> None:
    """Print what is in the ledger, and who is disabled."""

    def rows(query: str) -> list[list[str]]:
        found = config.db.store.execute(text(query))
        return sorted([str(value) for value in row] for row in found)

    mlist = getUtility(IListManager).get(LIST)
    found = {
        'ledger': rows('SELECT email, day, half_points, state, kind FROM qnet_bounce'),
        'suspended': rows('SELECT email FROM qnet_suspension'),
        'told': rows(
            'SELECT email, CAST(at AS date) FROM qnet_bounce_notice '
            "WHERE event = 'bounced'"
        ),
        'columns': sorted(
            [member.address.email, member.bounce_score, str(member.delivery_status)]
            for member in mlist.members.members
        ),
    }
    print(json.dumps(found))


if __name__ == '__main__':
    from mailman.core.initialize import initialize

    initialize(str(Path(sys.argv[1])))
    {'setup': setup, 'work': work, 'dump': dump}.get(
        sys.argv[2], lambda: fill(int(sys.argv[3]))
    )()
