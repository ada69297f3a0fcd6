# SPDX-License-Identifier: GPL-3.0-or-later
"""Several bounce runners at once, and one that is killed (R19, R33).

On PostgreSQL with `QNET_TEST_DATABASE=postgresql`, otherwise on SQLite.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from mailman.config import config
from sqlalchemy import select

from qnet_mailman.bounces import discipline
from qnet_mailman.demo.processes import wait_until
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounceNotice, QNetSuspension
from tests.bounces.rounds import steps_and_cycle
from tests.helpers import queued, subscribe

START = datetime(2026, 1, 5, 15, 30)
MEMBERS = 40

RUNNER = """
import sys
from datetime import datetime
from mailman.core import initialize
initialize.initialize(sys.argv[1])
from qnet_mailman.setup import startup
from tests.bounces.rounds import steps_and_cycle
startup.setup()
print('ready', flush=True)
for line in sys.stdin:
    steps_and_cycle(datetime.fromisoformat(line.strip()))
    print('done', flush=True)
"""


@pytest.fixture
def overdue(mlist: Any) -> Any:
    """A list with members who are to be warned."""
    for number in range(MEMBERS):
        member = subscribe(mlist, f'{number}@example.net')
        discipline.reached(mlist, member, 10, now=START)
    config.db.commit()
    return mlist


class Runner:
    """A process that does the periodic work when it is told to."""

    def __init__(self, site: SimpleNamespace) -> None:
        self.process = subprocess.Popen(
            [sys.executable, '-W', 'ignore', '-c', RUNNER, str(site.cfg)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(self, now: datetime) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f'{now.isoformat()}\n')
        self.process.stdin.flush()

    def expect(self, word: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == word

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


def got() -> Counter[str]:
    """How many e-mails each member got."""
    found: Counter[str] = Counter()
    for _msg, data in queued('virgin'):
        found.update(to for to in data['recipients'] if to.endswith('@example.net'))
    return found


@pytest.mark.long
def test_three_runners_at_once(core: SimpleNamespace, overdue: Any) -> None:
    everybody = {f'{number}@example.net' for number in range(MEMBERS)}
    runners = [Runner(core) for _ in range(3)]
    try:
        for runner in runners:
            runner.expect('ready')
        for week in range(4):
            for runner in runners:
                runner.begin(START + timedelta(days=7 * week))
            for runner in runners:
                runner.expect('done')
            assert got() == dict.fromkeys(everybody, week + 1)
    finally:
        for runner in runners:
            runner.stop()
    config.db.store.expire_all()
    assert list(overdue.members.members) == []
    assert store().scalars(select(QNetSuspension)).all() == []
    # Everything that was to be told was told, once a cycle.
    subjects = [str(msg['subject']) for msg, _data in queued('virgin')]
    removed = [subject for subject in subjects if 'removed' in subject]
    left = store().scalars(select(QNetBounceNotice.event)).all()
    told = sum(int(subject.split(': ')[1].split()[0]) for subject in removed)
    assert told + left.count('removed') == MEMBERS


@pytest.mark.long
@pytest.mark.landing
def test_a_runner_is_killed(core: SimpleNamespace, overdue: Any) -> None:
    """Each kill repeats one member's e-mail at most, and loses none."""
    kills = 0
    for enough in (5, 15, 25):
        runner = Runner(core)
        try:
            runner.expect('ready')
            runner.begin(START)
            queue = core.var / 'queue' / 'virgin'
            wait_until(
                lambda enough=enough, queue=queue: (
                    len(list(queue.glob('*.pck'))) >= enough
                ),
                30,
                f'{enough} messages',
            )
        finally:
            runner.stop()
        kills += 1
    steps_and_cycle(START)
    found = got()
    assert set(found) == {f'{number}@example.net' for number in range(MEMBERS)}
    assert found.total() <= MEMBERS + kills
    config.db.store.expire_all()
    assert set(store().scalars(select(QNetSuspension.warnings))) == {1}
