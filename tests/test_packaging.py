# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed on a host is all that the package needs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope='module')
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built from a copy of what git would hand out."""
    source = tmp_path_factory.mktemp('source') / 'copy'
    shutil.copytree(
        ROOT,
        source,
        ignore=shutil.ignore_patterns(
            '.*', 'var', 'build', 'dist', '*.egg-info', 'tests'
        ),
    )
    out = tmp_path_factory.mktemp('wheel')
    subprocess.run(
        [
            sys.executable,
            *('-m', 'build', '--wheel', '--no-isolation', '--outdir', str(out)),
            str(source),
        ],
        check=True,
        capture_output=True,
    )
    (path,) = out.glob('*.whl')
    return zipfile.ZipFile(path)


def test_every_file_of_the_package_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    ours = {
        str(path.relative_to(ROOT))
        for path in (ROOT / 'qnet_mailman').rglob('*')
        if path.is_file() and '__pycache__' not in path.parts
    }
    assert ours - set(wheel.namelist()) == set()


def test_django_is_asked_for_by_the_web_side_only(wheel: zipfile.ZipFile) -> None:
    (name,) = (n for n in wheel.namelist() if n.endswith('METADATA'))
    lines = wheel.read(name).decode().splitlines()
    wanted = [line for line in lines if line.startswith('Requires-Dist:')]
    web = [line for line in wanted if 'django' in line.lower() or 'postorius' in line]
    assert web and all('extra == "web"' in line for line in web)
    assert any(line.startswith('Requires-Dist: mailman') for line in wanted)


def test_every_folder_of_the_package_says_what_it_is_for() -> None:
    for path in (ROOT / 'qnet_mailman').rglob('__init__.py'):
        assert '"""' in path.read_text('utf-8'), path


def test_the_lock_file_has_a_hash_for_everything() -> None:
    text = (ROOT / 'requirements.lock').read_text('utf-8')
    entries = [entry for entry in text.split('\n') if entry and entry[0] not in ' #']
    assert len(entries) > 80
    assert all('==' in entry and entry.endswith('\\') for entry in entries)
