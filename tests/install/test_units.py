# SPDX-License-Identifier: GPL-3.0-or-later
"""The units of `etc/systemd`: systemd takes them, and they fit what is beside them."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest
import yaml
from django_extensions.management.commands.runjobs import Command as RunJobs

from qnet_mailman.demo.configuration import ROOT

UNITS = ROOT / 'etc/systemd'
SERVICES = sorted(UNITS.glob('*.service'))
TIMERS = sorted(UNITS.glob('*.timer'))
VENV = '/opt/qnet-mailer/venv/bin/'
ROLE = ROOT / 'etc/ansible/roles/qnet_mailer'
MAX_EXPOSURE = 20
"""As `systemd-analyze security` counts, from 0 to 100 (it shows a tenth of it)."""

needs_systemd = pytest.mark.skipif(
    shutil.which('systemd-analyze') is None, reason='systemd-analyze is not installed'
)


def unit(path: Path) -> RawConfigParser:
    parser = RawConfigParser(strict=False)
    # Case matters to systemd.
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    assert parser.read(path)
    return parser


def commands() -> dict[str, list[str]]:
    """The command of each service but the one that only writes to root."""
    found = {
        path.stem: shlex.split(unit(path)['Service']['ExecStart']) for path in SERVICES
    }
    del found['qnet-failed@']
    return found


def installed(folder: Path) -> list[str]:
    """All units, as on a host where the program is."""
    for path in SERVICES + TIMERS:
        text = re.sub(re.escape(VENV) + r'[\w-]+', '/bin/true', path.read_text('utf-8'))
        (folder / path.name).write_text(text)
    names = {path.name for path in folder.iterdir()}
    return sorted(name.replace('@.', '@hourly.') for name in names)


@needs_systemd
def test_systemd_takes_all_units(tmp_path: Path) -> None:
    # Under the name of a template it looks for the values of none.
    names = installed(tmp_path)
    for name in names:
        if '@hourly.' in name:
            template = tmp_path / name.replace('@hourly.', '@.')
            shutil.copy(template, tmp_path / name)
    done = subprocess.run(
        ['systemd-analyze', 'verify', '--man=no', *(str(tmp_path / n) for n in names)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, '')


@needs_systemd
@pytest.mark.parametrize('name', commands())
def test_a_unit_is_hardened(tmp_path: Path, name: str) -> None:
    installed(tmp_path)
    done = subprocess.run(
        [
            *('systemd-analyze', 'security', '--offline=yes', '--no-pager'),
            *(f'--threshold={MAX_EXPOSURE}', str(tmp_path / f'{name}.service')),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-200:]
    service = unit(UNITS / f'{name}.service')['Service']
    assert service['User'] == service['Group'] in ('qnet-core', 'qnet-web')
    assert service['NoNewPrivileges'] == 'yes'
    assert service['ProtectSystem'] == 'strict'


@pytest.mark.parametrize('name', commands())
def test_a_unit_may_write_where_its_program_keeps_what_it_has(name: str) -> None:
    service = unit(UNITS / f'{name}.service')['Service']
    writable = service['ReadWritePaths'].split()
    if service['User'] == 'qnet-web':
        site_file = (ROOT / 'etc/settings_local.py').read_text('utf-8')
        assert [f"VAR_DIR = '{each}'" in site_file for each in writable] == [True]
        assert service['Environment'].endswith('=qnet_mailman.web.settings')
        return
    paths = unit(ROOT / 'etc/mailman-host.cfg')['paths.host']
    wanted = {paths['var_dir'], paths['log_dir'], str(Path(paths['pid_file']).parent)}
    assert set(writable) - {'/var/backups/qnet-mailer'} == wanted
    tmpfiles = (UNITS / 'qnet-mailer.conf').read_text('utf-8')
    assert f'd {Path(paths["lock_dir"]).parent} 0750 qnet-core' in tmpfiles


def test_core_is_stopped_gently_and_never_forced() -> None:
    service = unit(UNITS / 'qnet-core.service')['Service']
    assert '--force' not in service['ExecStart'] + service['ExecStartPre']
    assert (service['KillMode'], service['Restart']) == ('mixed', 'always')
    check = service['ExecStartPre'].split()
    assert check[:3] == [f'{VENV}python', '-m', 'qnet_mailman.setup.master_lock']


def test_their_commands_are_there() -> None:
    ours = {path.stem for path in ROOT.glob('qnet_mailman/web/*/management/commands/*')}
    others = {'qcluster', 'clearsessions'}
    for name, (program, *words) in commands().items():
        assert program.startswith(VENV), name
        if program == f'{VENV}django-admin':
            assert words[0] in ours | others, name


def test_a_timed_unit_catches_up_and_its_failure_is_told() -> None:
    for path in TIMERS:
        assert unit(path)['Timer']['Persistent'] == 'yes', path.name
        if '@' in path.name:
            path = path.with_name('qnet-jobs@.timer')
        service = unit(path.with_suffix('.service'))
        assert service['Unit']['OnFailure'] == 'qnet-failed@%n.service', path.name
        assert service['Service']['Type'] == 'oneshot', path.name


def test_the_role_starts_every_timer_and_all_of_hyperkitty_s_times() -> None:
    defaults = yaml.safe_load((ROLE / 'defaults/main.yml').read_text('utf-8'))
    started = set(defaults['qnet_timers'])
    times = {f'qnet-jobs@{when}' for when in RunJobs.when_options}
    assert len(times) == 7
    plain = {path.stem for path in TIMERS if '@' not in path.name}
    assert started == times | plain
