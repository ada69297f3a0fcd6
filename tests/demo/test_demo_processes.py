# SPDX-License-Identifier: GPL-3.0-or-later
"""Child processes, and that nothing of them stays behind."""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

import pytest

from qnet_mailman.demo.processes import (
    Child,
    DemoError,
    Limit,
    TimedOut,
    group_is_alive,
    wait_until,
)

# Starts a grandchild, then says that both are there.
PARENT = """
import subprocess, sys, time
{before}
subprocess.Popen([sys.executable, '-c', '{grandchild}'])
print('ready', flush=True)
{after}
"""


def child(folder: Path, code: str) -> Child:
    return Child(
        'the child',
        [sys.executable, '-c', code],
        log=folder / 'child.log',
        env=dict(os.environ),
        cwd=folder,
    )


def start(process: Child) -> int:
    process.start()
    wait_until(lambda: 'ready' in process.log.read_text(), 20, 'the child', process)
    assert process.pid is not None
    return process.pid


@pytest.mark.parametrize(
    ('before', 'grandchild', 'after'),
    [
        # A parent that leaves its child behind.
        ('', 'import time; time.sleep(300)', 'time.sleep(300)'),
        ('', 'import time; time.sleep(300)', ''),
        # Both turn a deaf ear.
        (
            'import signal; signal.signal(15, signal.SIG_IGN)',
            'import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(300)',
            'time.sleep(300)',
        ),
    ],
    ids=['runs', 'has ended', 'deaf'],
)
def test_stop_ends_the_child_and_what_it_started(
    tmp_path: Path, before: str, grandchild: str, after: str
) -> None:
    process = child(
        tmp_path, PARENT.format(before=before, grandchild=grandchild, after=after)
    )
    group = start(process)
    assert group_is_alive(group)
    process.stop(grace=1)
    assert not group_is_alive(group)
    assert not process.is_running()


def test_kill_ends_all_at_once(tmp_path: Path) -> None:
    process = child(
        tmp_path,
        PARENT.format(
            # Told to end, it would leave a word.
            before='import pathlib, signal; signal.signal('
            '15, lambda *_: pathlib.Path("told").touch())',
            grandchild='import time; time.sleep(300)',
            after='time.sleep(300)',
        ),
    )
    group = start(process)
    process.kill()
    assert not group_is_alive(group)
    assert not (tmp_path / 'told').exists()


def test_a_stopped_child_can_start_again(tmp_path: Path) -> None:
    process = child(tmp_path, 'import time; print("ready", flush=True); time.sleep(99)')
    first = start(process)
    process.stop()
    assert start(process) != first
    with pytest.raises(DemoError, match='is running already'):
        process.start()
    process.stop()
    process.stop()


def test_waiting_for_a_child_that_failed_shows_its_log(tmp_path: Path) -> None:
    process = child(tmp_path, 'raise SystemExit("no such luck")')
    process.start()
    with pytest.raises(DemoError, match='no such luck') as caught:
        wait_until(lambda: False, 20, 'good news', process)
    assert 'status 1' in str(caught.value)
    process.stop()


def test_waiting_has_an_end() -> None:
    with pytest.raises(TimedOut, match='good news'):
        wait_until(lambda: False, 0.1, 'good news')


def test_waiting_goes_on_while_there_is_progress() -> None:
    looks = itertools.count()
    parts = itertools.chain((1, 2, 3, 4), itertools.repeat(4))
    # Its time is over from the start.
    wait_until(lambda: next(looks) == 3, -1, 'three', progress=lambda: next(parts))
    with pytest.raises(TimedOut, match='four'):
        wait_until(lambda: next(looks) == 9, -1, 'four', progress=lambda: next(parts))
    assert Limit(-1).is_over()


def test_a_child_that_grows_or_prints_makes_progress(tmp_path: Path) -> None:
    process = child(
        tmp_path,
        'import pathlib, time; print("ready", flush=True)\n'
        'while not pathlib.Path("go").exists(): time.sleep(0.01)\n'
        'much = b"x" * 2**25; pathlib.Path("grown").touch(); time.sleep(99)',
    )
    start(process)
    memory, printed = process.progress()
    assert printed == len('ready\n')
    (tmp_path / 'go').touch()
    wait_until((tmp_path / 'grown').exists, 20, 'it to grow', process)
    assert process.progress() >= (memory + 32, printed)
    process.stop()
    # What it once had stays: to have it again is no progress.
    assert process.progress() >= (memory + 32, printed)


def test_a_child_that_takes_too_long(tmp_path: Path) -> None:
    process = child(tmp_path, 'import time; time.sleep(99)')
    process.start()
    with pytest.raises(TimedOut, match='the child did not get on'):
        process.wait(0.2)
    process.stop()
