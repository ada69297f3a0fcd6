# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet forms` (R28-R30)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from mailman.interfaces.listmanager import IListManager
from zope.component import getUtility

from qnet_mailman.commands.cli_qnet import qnet
from tests.effort import database_away
from tests.helpers import queued
from tests.provisioning.samples import ADDRESS, EXAMPLES, data


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(qnet, ('forms', *arguments))
    assert isinstance(result.exception, SystemExit | None), result.exc_info
    return result


@pytest.fixture
def good(core: Any, tmp_path: Path) -> Path:
    file = tmp_path / 'request.yaml'
    file.write_text(yaml.safe_dump({**data(), 'subscribers': 'people.csv'}))
    (tmp_path / 'people.csv').write_text('email\nlee@example.org\n')
    return file


MISTAKES = str(EXAMPLES / 'with-mistakes.yaml')


def test_taking_listing_showing_approving(good: Path) -> None:
    assert run('list').output == 'no request waits\n'
    taken = run('take', str(good), MISTAKES)
    assert taken.output == f'{good}: QM-000001\n{MISTAKES}: QM-000002\n'
    first, second = run('list').output.splitlines()
    assert first.startswith('QM-000001  20')
    assert first.endswith(f'Z  rae@agency.example.gov  list-request  {ADDRESS}  valid')
    assert re.search(r'Z  -  -  -  \d+ mistakes$', second)
    shown = run('show', '1')
    assert shown.exit_code == 0
    assert 'ticket:      REQ0001234' in shown.output
    assert 'description: News about hospital quality reporting.' in shown.output
    assert f'  create the list {ADDRESS} in the style' in shown.output
    assert 'email: lee@example.org' in shown.output
    assert ADDRESS not in getUtility(IListManager).names
    done = run('approve', 'QM-000001')
    assert done.exit_code == 0
    assert done.output.startswith(f'QM-000001: created ({ADDRESS}, REQ0001234)\n')
    assert ADDRESS in getUtility(IListManager).names
    again = run('approve', '1')
    assert again.exit_code == 1
    assert 'QM-000001: was approved by operator' in again.output
    first, second = run('list', '--all').output.splitlines()
    assert first.endswith('  approved')


def test_returning(good: Path) -> None:
    run('take', MISTAKES, str(good))
    shown = run('show', '1')
    assert shown.exit_code == 0
    assert ' mistakes; nothing was changed' in shown.output
    refused = run('approve', '1', '2')
    assert refused.exit_code == 1
    assert 'QM-000001: still waits; return it with the mistakes' in refused.output
    assert ADDRESS in getUtility(IListManager).names
    returned = run('return', '1', '--reason', 'Please use\nthe new form.')
    assert (returned.exit_code, returned.output) == (0, 'QM-000001: returned\n')
    assert run('return', '1').exit_code == 1
    [one, two] = json.loads(run('list', '--all', '--json').output)
    assert (one['status'], one['reason']) == ('returned', 'Please use the new form.')
    assert two['status'] == 'approved'


def test_returning_spam_writes_to_nobody(good: Path) -> None:
    run('take', str(good))
    assert run('return', '--no-mail', '1').exit_code == 0
    assert not [m for m, _ in queued('out') if 'correction' in str(m['subject'])]


def test_json(good: Path) -> None:
    run('take', str(good))
    shown = json.loads(run('show', '--json', '1').output)
    assert shown['number'] == 'QM-000001'
    assert shown['form']['ticket'] == shown['ticket'] == 'REQ0001234'
    assert (shown['result'], shown['errors']) == ('planned', [])
    [done] = json.loads(run('approve', '--json', '1').output)
    assert (done['number'], done['result']) == ('QM-000001', 'created')


def test_a_database_that_fails_leaves_it_waiting(core: Any, good: Path) -> None:
    run('take', str(good))
    with database_away('INSERT INTO mailinglist '):
        failed = run('approve', '1')
    assert failed.exit_code == 2
    assert 'nothing was changed: connection refused' in failed.output
    [one] = json.loads(run('list', '--json').output)
    assert one['status'] == 'waiting'
    assert run('approve', '1').exit_code == 0


def test_what_cannot_be(good: Path, tmp_path: Path, configure: Any) -> None:
    assert 'expected a number such as QM-000123' in run('show', 'x').output
    assert run('show', '7').exit_code == 1
    assert run('approve', '7').exit_code == 1
    missing = run('take', str(tmp_path / 'missing.yaml'))
    assert missing.exit_code == 2
    assert 'cannot be read' in missing.output
    configure(forms_max_waiting='1')
    assert run('take', str(good)).exit_code == 0
    full = run('take', MISTAKES)
    assert full.exit_code == 2
    assert 'too many requests wait (forms_max_waiting in qnet.cfg)' in full.output


def test_what_a_stranger_wrote_commands_no_terminal(core: Any, tmp_path: Path) -> None:
    file = tmp_path / 'evil\x1b[31m.yaml'
    file.write_bytes(b'form: "\\e[2J"\n')
    run('take', str(file))
    assert '\x1b' not in run('show', '1').output + run('list').output
