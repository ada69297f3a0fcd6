# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet bounces` and `mailman qnet classify` (R16-R18)."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from mailman.config import config

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.runners.bounce import BounceRunner
from tests.bounces.reports import FULL, UNKNOWN, VACATION, received, report
from tests.clock import Clock
from tests.helpers import subscribe


def run(*arguments: str, given: bytes | None = None) -> Result:
    result = CliRunner().invoke(qnet, arguments, input=given)
    assert isinstance(result.exception, SystemExit | None), result.exc_info
    return result


@pytest.fixture
def lists(make_list: Any, clock: Clock) -> list[Any]:
    """Two lists: a reader bounced on both, another on the second."""
    lists = [make_list(), make_list()]
    runner = BounceRunner('bounces')
    for mlist in lists:
        subscribe(mlist, 'quiet@example.net')
        subscribe(mlist, 'reader@example.net')
    subscribe(lists[1], 'another@example.net')
    for mlist, address, said in (
        (lists[0], 'reader@example.net', UNKNOWN),
        (lists[1], 'reader@example.net', FULL),
        (lists[1], 'another@example.net', UNKNOWN),
    ):
        msg = report(mlist, address, said)
        runner._dispose(mlist, msg, received(msg))
    clock.moment += timedelta(days=1)
    msg = report(lists[0], 'reader@example.net', FULL)
    runner._dispose(lists[0], msg, received(msg))
    config.db.commit()
    return lists


def test_bounces_of_a_list_as_json(lists: list[Any]) -> None:
    for name in (lists[0].fqdn_listname, lists[0].list_id):
        assert json.loads(run('bounces', name, '--json').output) == [
            {
                'list': lists[0].fqdn_listname,
                'address': 'reader@example.net',
                'score': 1.5,
                'threshold': 5,
                'window_days': 7,
                'delivery': 'enabled',
                'warnings': 0,
                'days': [
                    {
                        'date': '2026-03-02',
                        'points': 1.0,
                        'kind': 'hard',
                        'reason': 'address unknown',
                        'state': 'counted',
                    },
                    {
                        'date': '2026-03-03',
                        'points': 0.5,
                        'kind': 'soft',
                        'reason': 'mailbox full',
                        'state': 'counted',
                    },
                ],
            }
        ]


def test_bounces_of_all_lists_and_of_a_member(lists: list[Any]) -> None:
    def shown(*arguments: str) -> list[tuple[str, str]]:
        entries = json.loads(run('bounces', *arguments, '--json').output)
        return [(entry['list'], entry['address']) for entry in entries]

    first, second = (mlist.fqdn_listname for mlist in lists)
    assert shown() == [
        (first, 'reader@example.net'),
        (second, 'another@example.net'),
        (second, 'reader@example.net'),
    ]
    assert shown('--member', 'Reader@example.net') == [
        (first, 'reader@example.net'),
        (second, 'reader@example.net'),
    ]
    assert shown(second, '--member', 'quiet@example.net') == [
        (second, 'quiet@example.net')
    ]
    assert shown(second, '--member', 'stranger@example.net') == []


def test_bounces_for_people(lists: list[Any], clock: Clock) -> None:
    lines = run('bounces', lists[0].fqdn_listname).output.splitlines()
    assert lines == [
        f'{lists[0].fqdn_listname}  reader@example.net  1.5 of 5 in 7 days',
        '    2026-03-02  1  hard: address unknown',
        '    2026-03-03  0.5  soft: mailbox full',
    ]
    clock.moment += timedelta(days=30)
    assert run('bounces').output == 'no bounces\n'
    assert run('bounces', 'nosuch@lists.example.gov').exit_code == 1


def test_classify_reads_files_and_standard_input(lists: Any, tmp_path: Path) -> None:
    bounced = report(lists[0], 'reader@example.net', FULL).as_bytes()
    away = VACATION.format(address='a@example.net', to='b@example.net').encode()
    file = tmp_path / 'full.eml'
    file.write_bytes(bounced)
    done = run('classify', str(file), '-', '--json', given=away)
    assert done.exit_code == 0
    found = json.loads(done.output)
    assert [set(entry) for entry in found] == [
        {'file', 'kind', 'reason', 'address', 'status', 'evidence', 'row'}
    ] * 2
    assert found[0] == {
        'file': str(file),
        'kind': 'soft',
        'reason': 'mailbox full',
        'address': 'reader@example.net',
        'status': '4.2.2',
        'evidence': found[0]['evidence'],
        'row': 'MAILBOX_FULL: mailbox full',
    }
    assert (found[1]['file'], found[1]['kind'], found[1]['address']) == (
        '-',
        'none',
        None,
    )
    printed = run('classify', str(file)).output
    assert 'soft  mailbox full  reader@example.net' in printed
    assert '    decided by MAILBOX_FULL: mailbox full\n' in printed


def test_classify_says_what_it_cannot_read(core: Any, tmp_path: Path) -> None:
    done = run('classify', str(tmp_path / 'none.eml'))
    assert done.exit_code == 1
    assert 'No such file' in done.output
