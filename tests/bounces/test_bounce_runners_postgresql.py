# SPDX-License-Identifier: GPL-3.0-or-later
"""Two bounce runners with the same reports, killed now and then (R17, R33)."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import postgresql
from tests.conftest import ROOT, SITE, _merged, write_settings

KILLS = 6


class Host:
    """A host of its own, with a queue of its own, and a database that others use."""

    def __init__(self, var: Path, url: str) -> None:
        var.mkdir()
        self.cfg = var / 'mailman.cfg'
        self.queue = var / 'queue' / 'bounces'
        text = (ROOT / 'etc' / 'mailman.cfg').read_text(encoding='utf-8')
        text += SITE.format(var=var)
        text += (
            '[database]\nclass: mailman.database.postgresql.PostgreSQLDatabase\n'
            f'url: {url}\n'
        )
        # The notices of a cycle stay to be counted.
        self.cfg.write_text(_merged(text), encoding='utf-8')
        write_settings(
            var / 'qnet.cfg', bounce_cycle='520w', provider_refusal_members='6'
        )

    def start(self, *what: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, '-m', 'tests.bounces.bounce_host', str(self.cfg), *what],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *what: str) -> str:
        process = self.start(*what)
        out, err = process.communicate(timeout=6000)
        assert process.returncode == 0, err
        return out

    def waiting(self) -> int:
        return len(os.listdir(self.queue))

    def lost(self) -> list[str]:
        return [
            name
            for queue in ('bad', 'shunt')
            for name in os.listdir(self.queue.parent / queue)
        ]


@pytest.fixture
def server() -> Iterator[postgresql.Server]:
    with postgresql.server() as server:
        yield server


@pytest.mark.long
def test_killed_runners_write_what_one_careful_clerk_would(
    server: postgresql.Server, tmp_path: Path
) -> None:
    alone = Host(tmp_path / 'alone', server.create_database('alone'))
    alone.run('setup')
    alone.run('fill', '1')
    alone.run('work')
    expected: dict[str, Any] = json.loads(alone.run('dump'))
    assert alone.lost() == []
    assert len(expected['ledger']) > 100
    assert 0 < len(expected['suspended']) < 24
    assert {row[3] for row in expected['ledger']} == {'counted', 'withheld'}

    url = server.create_database('shared')
    hosts = [Host(tmp_path / name, url) for name in ('first', 'second')]
    hosts[0].run('setup')
    for seed, host in enumerate(hosts, start=7):
        host.run('fill', str(seed))
    chance = random.Random(3)
    running = [host.start('work') for host in hosts]
    kills = 0
    # A runner gets something done between two kills: Mailman puts a file aside that
    # was in work at three.
    before = [host.waiting() for host in hosts]
    deadline = time.monotonic() + 900
    while any(host.waiting() for host in hosts):
        assert time.monotonic() < deadline, [host.waiting() for host in hosts]
        for number, host in enumerate(hosts):
            process = running[number]
            if process.poll() is not None:
                if host.waiting():
                    running[number] = host.start('work')
                continue
            in_work = any(name.endswith('.bak') for name in os.listdir(host.queue))
            done = before[number] - host.waiting()
            if kills < KILLS and in_work and done > 12 and chance.random() < 0.1:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
                kills += 1
                before[number] = host.waiting()
        time.sleep(0.01)
    for process in running:
        _out, err = process.communicate(timeout=600)
        assert process.returncode == 0, err
    assert kills >= 3
    assert [host.lost() for host in hosts] == [[], []]
    # Who looked last saw everything.
    hosts[0].run('work')
    found = json.loads(hosts[0].run('dump'))
    for key, value in expected.items():
        missing = [one for one in value if one not in found[key]]
        more = [one for one in found[key] if one not in value]
        assert (key, missing, more) == (key, [], [])
        assert len(found[key]) == len(value)
