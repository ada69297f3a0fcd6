# SPDX-License-Identifier: GPL-3.0-or-later
"""Late, failed and missing jobs of the host, as `systemctl` of Debian 12 tells them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from qnet_mailman.health import timers

# What it is asked stands in a file; each answer is a file of its own.
SYSTEMCTL = """\
#!/bin/sh
echo "$@" >> {folder}/asked
case "$1 $3" in
"list-unit-files "*) cat {folder}/files ;;
*Result*) cat {folder}/jobs ;;
show*) cat {folder}/timers ;;
esac
exit $(cat {folder}/status)
"""
DAY = 86400


class Systemd:
    """The timers that it has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / 'systemctl'
        program.write_text(SYSTEMCTL.format(folder=folder))
        program.chmod(0o755)
        self.write(
            'files', 'qnet-digests.timer enabled enabled\nqnet-jobs@.timer disabled'
        )
        self.write('status', '0')
        self.tell()

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(f'{text}\n')

    def tell(
        self,
        active: str = 'active',
        sub: str = 'waiting',
        last: float = -300,
        due: float | None = 600,
        result: str = 'success',
    ) -> None:
        """:param last: Seconds from now, as `due`."""
        moment = time.time()
        next_one = '' if due is None else f'@{moment + due:.0f}'
        blocks = [
            f'Unit={name}.service\nNextElapseUSecRealtime={next_one}\n'
            f'LastTriggerUSec=@{moment + last:.0f}\nId={name}.timer\n'
            f'ActiveState={active}\nSubState={sub}\n'
            for name in ('qnet-digests', 'qnet-jobs@hourly')
        ]
        self.write('timers', '\n'.join(blocks))
        jobs = f'Result={result}\nId=qnet-digests.service\n'
        self.write('jobs', f'{jobs}\nResult=success\nId=qnet-jobs@hourly.service\n')


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    monkeypatch.setenv('PATH', f'{tmp_path}:/usr/bin:/bin')
    return Systemd(tmp_path)


def found() -> list[tuple[str, str, bool]]:
    return [(each.level, each.text, bool(each.remedy)) for each in timers.timers()]


def test_all_are_in_time(systemd: Systemd) -> None:
    assert found() == [('ok', '2 are on and in time', False)]
    asked = (systemd.folder / 'asked').read_text()
    # Of those that are off, and so not loaded, too; not of a template.
    assert 'qnet-*.timer qnet-digests.timer\n' in asked
    assert 'qnet-digests.service qnet-jobs@hourly.service\n' in asked


@pytest.mark.parametrize(
    ('told', 'text'),
    [
        (
            {'active': 'inactive', 'sub': 'dead'},
            'qnet-digests.timer is off: its job is',
        ),
        ({'due': -7230}, 'qnet-digests.timer is 120 minutes late'),
        (
            {'sub': 'running', 'last': -30 * 3600 - 60, 'due': None},
            'qnet-digests.service has run for 30 hours, and does not begin again',
        ),
        (
            {'result': 'exit-code'},
            'the last run of qnet-digests.service failed (exit-c',
        ),
    ],
)
def test_what_is_late_off_or_failed(
    systemd: Systemd, told: dict[str, Any], text: str
) -> None:
    systemd.tell(**told)
    level, said, has_remedy = found()[0]
    assert level == 'error' and said.startswith(text) and has_remedy


def test_a_job_at_work_is_not_late(systemd: Systemd) -> None:
    systemd.tell(sub='running', due=-2 * 3600)
    assert found()[0][0] == 'ok'


def test_a_host_without_systemd(systemd: Systemd) -> None:
    systemd.write('status', '1')
    [(level, text, has_remedy)] = found()
    assert level == 'not seen' and 'systemd has no qnet-*.timer' in text and has_remedy
    (systemd.folder / 'systemctl').unlink()
    assert found()[0][0] == 'not seen'


def test_a_host_without_our_timers(systemd: Systemd) -> None:
    systemd.write('files', '')
    systemd.write('timers', '')
    assert [level for level, *_ in found()] == ['not seen']
