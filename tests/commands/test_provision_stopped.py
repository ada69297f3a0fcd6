# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet provision` that ends in the middle, and is run again."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from mailman.config import config
from sqlalchemy import event

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.provisioning import apply as apply_module
from tests.commands.batches import folder, require_everything_once, run, start, write
from tests.effort import database_away

__all__ = ['folder']

KILLED = 9


# ------------------------------------------------------------------- stopping


def test_the_database_goes_away_in_the_middle(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, 5)
    real = apply_module.make_list
    calls: list[int] = []

    def go_away(*args: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            gone.enter_context(database_away())
        return real(*args)

    with monkeypatch.context() as patch, ExitStack() as gone:
        patch.setattr(apply_module, 'make_list', go_away)
        result = run('provision', folder)
    config.db.store.close()
    assert result.exit_code == 2
    assert result.stderr == (
        'the database cannot be used: connection refused; run the same command again '
        'for the forms that were not done\n'
    )
    assert result.stdout.splitlines()[-5:] == [
        '5 forms',
        '       2  created',
        '       1  failed',
        f'          {folder}/0002.json',
        '       2  not tried',
    ]
    again = run('provision', '--json', folder)
    assert again.exit_code == 0
    outcomes = [json.loads(line)['result'] for line in again.stdout.splitlines()]
    assert outcomes == ['unchanged'] * 2 + ['created'] * 3
    require_everything_once(5)


@pytest.mark.long
def test_a_process_killed_again_and_again(core: SimpleNamespace, folder: Path) -> None:
    write(folder, 20)
    chance = random.Random(7)
    for _ in range(4):
        process = start(core, '--json', folder, stdout=subprocess.PIPE)
        # Once it is at work, after some forms and anywhere in the next.
        for _ in range(chance.randint(1, 4)):
            process.stdout.readline()
        # Nothing is awaited: no place of the work is safer than another.
        time.sleep(chance.random() * 0.1)
        process.kill()
        process.communicate()
    process = start(core, '--json', folder, stdout=subprocess.PIPE)
    printed, _ = process.communicate(timeout=6000)
    assert (process.returncode, len(printed.splitlines())) == (0, 20)
    require_everything_once(20)


def test_ctrl_c_says_how_far_it_got(core: SimpleNamespace, folder: Path) -> None:
    write(folder, 20)
    pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'text': True}
    # Whoever runs the tests in the background has it ignored.
    listens = {'preexec_fn': lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    process = start(core, '--json', folder, **pipes, **listens)
    process.stdout.readline()
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=600)
    done = 2 + len(out.splitlines())
    assert process.returncode == 130
    assert err.splitlines()[-1] == (
        f'interrupted: {done} of 20 forms are done; run the same command again for the '
        'rest'
    )
    assert 'Traceback' not in err
    again = [
        json.loads(x) for x in run('provision', '--json', folder).stdout.splitlines()
    ]
    assert len(again) == 20
    require_everything_once(20)


class Points:
    """Counts what changes something outside this process, and dies at one of them."""

    def __init__(self, die_at: int) -> None:
        self.seen = 0
        self._die_at = die_at

    def reach(self, *args: Any) -> None:
        self.seen += 1
        if self.seen == self._die_at:
            os._exit(KILLED)

    def audit(self, name: str, args: Any) -> None:
        if name in ('os.rename', 'os.remove', 'os.mkdir', 'os.rmdir') or (
            name == 'open' and '/queue/' in str(args[0]) and 'r' not in str(args[1])
        ):
            self.reach()


def provision_in_a_process(form: Path, die_at: int) -> int:
    """Provision in a process of its own, which is killed at a point.

    :return: Its exit status.
    """
    config.db.commit()
    config.db.store.close()
    config.db.engine.dispose()
    child = os.fork()
    if not child:
        points = Points(die_at)
        sys.addaudithook(points.audit)
        event.listen(config.db.engine, 'commit', points.reach)
        status = 7
        try:
            status = CliRunner().invoke(qnet, ['provision', str(form)]).exit_code
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_killed_at_any_point(folder: Path) -> None:
    for number in itertools.count():
        write(folder, 1, first=number)
        form = folder / f'{number:04}.json'
        status = provision_in_a_process(form, number)
        if number and status == 0:
            break
        assert status == (KILLED if number else 0)
        assert provision_in_a_process(form, 0) == 0
    require_everything_once(number + 1)
    assert number > 20
