# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the installation is, with a stand-in for pip."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from qnet_mailman.demo.install_progress import Progress, bar, run

# Finds four packages, one of which is not for this machine, and installs three.
PIP = """
import pathlib, sys
print('Ignoring one: markers do not match your environment')
for name in ('two', 'three', 'four'):
    print('Collecting', name, flush=True)
    pathlib.Path(name + '-1.dist-info').mkdir()
print('WARNING: of no interest', file=sys.stderr)
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def pip(folder: Path, script: str, file: io.StringIO) -> int:
    code = f'import os; os.chdir({str(folder)!r})\n{script}'
    return run([sys.executable, '-c', code], 4, folder, file)


def test_all_is_there_in_the_end(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said = io.StringIO()
    assert pip(tmp_path, PIP, said) == 0
    assert said.getvalue().splitlines()[-1] == '100% of the packages'
    assert capfd.readouterr().err == ''


def test_what_went_wrong_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said = io.StringIO()
    assert pip(tmp_path, PIP + 'sys.exit("ERROR: no such package")', said) == 1
    assert '100%' not in said.getvalue()
    assert capfd.readouterr().err == 'ERROR: no such package\n'


def test_a_log_has_few_lines_and_none_twice() -> None:
    said = io.StringIO()
    progress = Progress(said)
    for percent in (*range(101), 50):
        progress.show(percent)
    lines = said.getvalue().splitlines()
    assert len(lines) == len(set(lines)) == 11


def test_a_terminal_has_one_line_that_grows() -> None:
    said = Terminal()
    progress = Progress(said)
    for percent in range(101):
        progress.show(percent)
    progress.end()
    *shown, end = said.getvalue().split('\r')[1:]
    assert shown == [bar(percent) for percent in range(100)]
    assert end == bar(100) + '\n'
    assert {len(line) for line in shown} == {len(bar(0))}
