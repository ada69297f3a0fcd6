# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m qnet_mailman.demo``: how it begins, and that it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qnet_mailman.demo.__main__ import choose_folder
from qnet_mailman.demo.processes import DemoError, wait_until


@contextmanager
def demo(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A demo that keeps its temporary files in a folder."""
    with subprocess.Popen(
        [sys.executable, '-m', 'qnet_mailman.demo', *arguments],
        env=dict(os.environ) | {'TMPDIR': str(folder), 'PYTHONUNBUFFERED': '1'},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """What the demo prints, up to and with a line."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return ''.join(lines)
    raise AssertionError(f'{words!r} was never said:\n{"".join(lines)}')


def processes_in(folder: Path) -> list[str]:
    """The command lines of processes that have to do with a folder."""
    found = []
    for entry in Path('/proc').glob('[0-9]*/cmdline'):
        try:
            command = entry.read_bytes().replace(b'\0', b' ').decode()
        except OSError:
            continue
        if str(folder) in command:
            found.append(command)
    return found


@pytest.mark.parametrize(
    ('words', 'number', 'status'),
    [
        pytest.param(
            'Press Ctrl-C',
            signal.SIGINT,
            0,
            id='Ctrl-C when ready',
            marks=pytest.mark.long,
        ),
        pytest.param(
            'Starting the web side', signal.SIGTERM, 130, id='SIGTERM while starting'
        ),
    ],
)
def test_a_signal_stops_everything(
    tmp_path: Path, words: str, number: int, status: int
) -> None:
    with demo(tmp_path) as process:
        said = read_until(process, words)
        assert said.startswith('This starts the mailing-list service')
        if status == 0:
            assert processes_in(tmp_path)
            assert re.search(r'Lists \(Postorius\) +http://127\.0\.0\.1:\d+/', said)
            assert re.search(r'with the password +\S{16}\n', said)
        else:
            # Let the web side be in the midst of it.
            wait_until(
                lambda: any(tmp_path.glob('*/logs/web.log')),
                60,
                'the web side to start',
            )
        process.send_signal(number)
        assert process.wait(600) == status
    assert processes_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_what_goes_wrong_is_said_and_kept(tmp_path: Path) -> None:
    (tmp_path / 'etc').mkdir()
    (tmp_path / 'etc/mailman.cfg').write_text('')
    # The mail server cannot make its folder.
    (tmp_path / 'delivered').write_text('in the way')
    with demo(tmp_path, '--once', '--dir', str(tmp_path)) as process:
        said = read_until(process, 'FileExistsError')
        assert 'This went wrong: the mail server ended with status 1' in said
        assert process.wait(600) == 1
    assert processes_in(tmp_path) == []


def test_the_folder_must_be_empty_or_a_demo(tmp_path: Path) -> None:
    assert choose_folder(tmp_path) == tmp_path
    assert choose_folder(tmp_path / 'new') == tmp_path / 'new'
    (tmp_path / 'thesis.tex').touch()
    with pytest.raises(DemoError, match='holds something else'):
        choose_folder(tmp_path)
    with pytest.raises(DemoError, match='is not a folder'):
        choose_folder(tmp_path / 'thesis.tex')
