# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``run`` script, as far as it can be tried without making a venv."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(
    script: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if key[:4] != 'QNET'}
    return subprocess.run(
        [str(script), *arguments],
        env=inherited | environment,
        cwd='/',
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def copied(folder: Path) -> Path:
    """A checkout, or enough of one, in a path with a space."""
    root = folder / 'a checkout'
    root.mkdir()
    for name in ('run', 'requirements.lock', 'setup.cfg', 'pyproject.toml'):
        shutil.copy(ROOT / name, root / name)
    return root / 'run'


def fake(folder: Path, name: str, script: str) -> None:
    """A program that stands before the real one on PATH."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f'#!/bin/sh\n{script}\n')
    program.chmod(0o755)


def test_help_names_every_command() -> None:
    done = run(ROOT / 'run', 'help')
    assert done.returncode == 0
    for command in ('demo', 'test', 'lint', 'types', 'lock'):
        assert f'\n  {command}' in done.stdout


def test_an_unknown_command_is_named() -> None:
    done = run(ROOT / 'run', 'dance')
    assert done.returncode == 1
    assert "no command 'dance'" in done.stderr


def test_an_unusable_python_is_named(tmp_path: Path) -> None:
    done = run(copied(tmp_path), 'test', QNET_PYTHON='/bin/false')
    assert done.returncode == 1
    assert 'QNET_PYTHON=/bin/false is not a Python 3.11, 3.12 or 3.13' in done.stderr


def test_pythons_that_do_not_work_are_passed_over(tmp_path: Path) -> None:
    bin = tmp_path / 'bin'
    for name in ('python3', 'python3.11', 'python3.12', 'python3.13'):
        fake(bin, name, 'echo "pyenv: command not found" >&2; exit 127')
    done = run(copied(tmp_path), 'test', PATH=f'{bin}:/usr/bin:/bin')
    assert done.returncode == 1
    assert 'no Python 3.11, 3.12 or 3.13 found' in done.stderr


def test_a_python_without_venv_says_what_to_install(tmp_path: Path) -> None:
    bin = tmp_path / 'bin'
    for name in ('python3', 'python3.11', 'python3.12'):
        fake(bin, name, 'exit 127')
    fake(bin, 'python3.13', 'case $2 in *ensurepip*) exit 1;; esac')
    done = run(copied(tmp_path), 'test', PATH=f'{bin}:/usr/bin:/bin')
    assert done.returncode == 1
    assert 'apt install python3-venv' in done.stderr
