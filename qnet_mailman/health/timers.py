# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the host's periodic jobs are run: systemd's timers `qnet-NAME.timer`."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

from qnet_mailman.health.finding import Finding

UNITS = 'qnet-*.timer'
TIMEOUT = 10
"""Seconds until systemd must have answered."""
LATE = 3600
"""Seconds after its time at which a job has not begun."""
ENDLESS = 24 * 3600
"""Seconds for which no job runs."""

Unit = dict[str, str]


def timers() -> Iterator[Finding]:
    """Whether each is on and in time, and its last run went well."""
    try:
        found = _timers()
        jobs = {
            each['Id']: each
            for each in _show(
                ['Id', 'Result'], sorted({each['Unit'] for each in found.values()})
            )
        }
    except (OSError, subprocess.SubprocessError, KeyError):
        found = {}
    if not found:
        yield Finding(
            'not seen',
            'timers',
            f'whether periodic jobs of the host are run: systemd has no {UNITS}',
            'Take over etc/systemd, or see that cron runs them.',
        )
        return
    wrong = False
    for name, timer in sorted(found.items()):
        for text, remedy in _problems(name, timer, jobs.get(timer['Unit'], {})):
            wrong = True
            yield Finding('error', 'timers', text, remedy)
    if not wrong:
        yield Finding('ok', 'timers', f'{len(found)} are on and in time')


def _problems(name: str, timer: Unit, job: Unit) -> Iterator[tuple[str, str]]:
    """What is wrong with a timer or its job, and what to do."""
    service, moment = timer['Unit'], time.time()
    if timer['ActiveState'] != 'active':
        remedy = f'Turn it on: "systemctl enable --now {name}".'
        yield f'{name} is off: its job is never run', remedy
        return
    began, due = _seconds(timer, 'LastTriggerUSec'), _seconds(timer, _NEXT)
    if timer['SubState'] == 'running' and began and moment - began > ENDLESS:
        hours = int((moment - began) // 3600)
        yield (
            f'{service} has run for {hours} hours, and does not begin again meanwhile',
            f'See "journalctl -u {service}", then "systemctl restart {service}".',
        )
    elif timer['SubState'] != 'running' and due and moment - due > LATE:
        minutes = int((moment - due) // 60)
        remedy = f'See the clock of the host and "systemctl status {name}".'
        yield f'{name} is {minutes} minutes late', remedy
    if job.get('Result', 'success') != 'success':
        yield (
            f'the last run of {service} failed ({job["Result"]})',
            f'"journalctl -u {service}" says why; "systemctl start {service}" runs it.',
        )


_NEXT = 'NextElapseUSecRealtime'


def _seconds(unit: Unit, name: str) -> float | None:
    """A moment, as systemd has it (seconds since 1970)."""
    number = unit.get(name, '').removeprefix('@')
    return float(number) if number.isdigit() else None


def _timers() -> dict[str, Unit]:
    """What systemd knows of them by their names, those that are off included."""
    listed = _systemctl('list-unit-files', '--no-legend', '--plain', UNITS)
    files = [line.split()[0] for line in listed.splitlines() if line.strip()]
    # A template is none, and those that are made of it are loaded.
    names = [each for each in files if '@.' not in each]
    wanted = ['Id', 'Unit', 'ActiveState', 'SubState', 'LastTriggerUSec', _NEXT]
    return {each['Id']: each for each in _show(wanted, [UNITS, *names])}


def _show(properties: list[str], names: list[str]) -> Iterator[Unit]:
    """Properties of units."""
    if not names:
        return
    wanted = f'--property={",".join(properties)}'
    told = _systemctl('show', '--timestamp=unix', wanted, *names)
    for block in told.split('\n\n'):
        pairs = (line.partition('=') for line in block.splitlines() if line)
        unit = {name: value for name, _, value in pairs}
        if unit:
            yield unit


def _systemctl(*arguments: str) -> str:
    """What systemd answers.

    :raises OSError: where there is none on this host.
    :raises subprocess.SubprocessError: where it does not answer.
    """
    done = subprocess.run(
        ['systemctl', *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=TIMEOUT,
    )
    return done.stdout
