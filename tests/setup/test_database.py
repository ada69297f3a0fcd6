# SPDX-License-Identifier: GPL-3.0-or-later
"""Who waits for the database, and who says at once that it does not answer (R32)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import click
import pytest
from mailman.bin import mailman, master, runner
from mailman.config import config

from qnet_mailman.setup import database

AWAY = 'postgresql://mailman@127.0.0.1:1/mailman'


@pytest.fixture
def away(core: Any) -> Iterator[None]:
    """Mailman's configuration names a server that does not answer."""
    config.push('away', f'[database]\nurl: {AWAY}\n')
    yield
    config.pop('away')


@pytest.mark.parametrize(
    ('command', 'name'),
    [
        (mailman.main, 'mailman'),
        (master.main, 'master'),
        (runner.main, 'runner'),
        (click.Group('other'), ''),
    ],
)
def test_which_program_this_is(command: click.Command, name: str) -> None:
    with click.Context(command):
        assert database.program() == name


def test_a_process_of_nobody(core: Any, away: None) -> None:
    assert database.program() == ''
    database.require_database()


def test_a_command_ends_and_says_why(
    away: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with click.Context(mailman.main), pytest.raises(SystemExit) as ended:
        database.require_database()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert re.match('the database cannot be used: .*Connection refused', said), said


def test_a_runner_waits(
    away: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answers = iter(['refused', 'refused', None])
    waited: list[float] = []
    monkeypatch.setattr(database, '_try', lambda url: next(answers))
    monkeypatch.setattr(database.time, 'sleep', waited.append)
    with click.Context(runner.main):
        database.require_database()
    assert waited == [database.WAIT] * 2
    assert [record.getMessage() for record in caplog.records] == [
        'Waiting for the database: refused',
        'The database answers again',
    ]
