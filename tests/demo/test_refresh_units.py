# SPDX-License-Identifier: GPL-3.0-or-later
"""The timer in ``etc/`` that refreshes roles."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

from qnet_mailman.demo.configuration import ROOT

NAME = 'qnet-refresh-roles'


def unit(kind: str) -> RawConfigParser:
    parser = RawConfigParser(strict=False)
    # Case matters to systemd.
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    assert parser.read(ROOT / f'etc/{NAME}.{kind}')
    return parser


def test_it_runs_a_command_that_there_is() -> None:
    service = unit('service')['Service']
    program, command = shlex.split(service['ExecStart'])
    assert Path(program).name == 'django-admin'
    commands = ROOT / 'qnet_mailman/web/harp/management/commands'
    assert (commands / f'{command}.py').is_file()
    assert service['Environment'] == 'DJANGO_SETTINGS_MODULE=qnet_mailman.web.settings'
    assert service['Type'] == 'oneshot'
    assert service['User'] != 'root'


def test_it_may_write_where_the_example_site_file_keeps_its_database() -> None:
    site_file = (ROOT / 'etc/settings_local.py').read_text('utf-8')
    writable = unit('service')['Service']['ReadWritePaths']
    assert f"VAR_DIR = '{writable}'" in site_file


@pytest.mark.skipif(
    shutil.which('systemd-analyze') is None, reason='systemd-analyze is not installed'
)
def test_systemd_takes_both_units(tmp_path: Path) -> None:
    program = unit('service')['Service']['ExecStart'].split()[0]
    for kind in ('service', 'timer'):
        text = (ROOT / f'etc/{NAME}.{kind}').read_text('utf-8')
        (tmp_path / f'{NAME}.{kind}').write_text(text.replace(program, '/bin/true'))
    done = subprocess.run(
        ['systemd-analyze', 'verify', *map(str, tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert NAME not in done.stderr
