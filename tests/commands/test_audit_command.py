# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet audit`: reading the log, and whether it is whole (R31)."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result
from mailman.config import config

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.model import seals
from qnet_mailman.model.audit import Action, record
from tests.clock import Clock

LIST_ID = 'news.lists.example.gov'
KIM = 'kim@agency.example.gov'
MOMENT = datetime(2027, 3, 14, 6, 59, 59)


def audit(*arguments: str) -> Result:
    return CliRunner().invoke(qnet, ['audit', *arguments])


def subjects(*arguments: str) -> list[str]:
    done = audit('--jsonl', *arguments)
    assert done.exit_code == 0, done.output
    return [json.loads(line)['subject'] for line in done.output.splitlines()]


@pytest.fixture(autouse=True)
def lines(core: SimpleNamespace, clock: Clock) -> None:
    clock.moment = MOMENT
    record(Action.assigned, LIST_ID, KIM, actor='REST: harp:pexample')
    clock.forward(days=2)
    record(Action.setting_changed, LIST_ID, 'mask', actor=KIM, new='=off')
    record(Action.key_made, None, '=1+1', actor='operator:root')
    config.db.commit()


def test_what_is_asked_for_by_person_action_and_time() -> None:
    assert subjects() == [KIM, 'mask', '=1+1']
    assert subjects('--person', 'PEXAMPLE') == subjects('--person', 'harp:pexample')
    assert subjects('--person', 'harp:pexample') == [KIM]
    assert subjects('--person', KIM) == [KIM, 'mask']
    assert subjects('--person', 'example') == subjects('--person', '%') == []
    assert subjects('--action', 'key made') == ['=1+1']
    assert subjects('--since', '1d') == ['mask', '=1+1']
    assert subjects('--until', '2027-03-15', '--list', LIST_ID) == [KIM]
    assert audit('--action', 'made up').exit_code == 2
    wrong = audit('--until', 'tomorrow')
    assert wrong.exit_code == 1 and '--until: found "tomorrow"' in wrong.output


def test_who_sent_a_masked_post_is_shown_to_who_asks_for_it() -> None:
    record(Action.post_masked, LIST_ID, '<x@y>', actor=KIM, envelope_sender=KIM)
    config.db.commit()
    post = ('--action', 'post masked', '--list', LIST_ID)
    assert KIM not in audit(*post).output and '<x@y>' in audit(*post).output
    for form in ('--json', '--jsonl', '--csv'):
        assert KIM not in audit(form, *post).output
        assert KIM in audit(form, '--senders', *post).output
    assert KIM in audit('--senders', *post).output
    looked = audit('--jsonl', '--action', 'senders shown').output.splitlines()
    assert len(looked) == 4
    line = json.loads(looked[0])
    assert line['actor'].startswith('operator:') and line['list'] == LIST_ID
    about = {'list_name': LIST_ID, 'action': 'post masked'}
    assert line['detail'] == {'about': about}


def test_a_spreadsheet_finds_no_formula() -> None:
    head, *rows = csv.reader(io.StringIO(audit('--csv').output))
    assert head == ['at', 'actor', 'action', 'list', 'subject', 'detail']
    assert [row[4] for row in rows] == [KIM, 'mask', "'=1+1"]
    assert rows[1][5] == '{"new": "=off"}'


def test_it_is_whole_until_somebody_changes_it() -> None:
    seals.seal()
    record(Action.key_made)
    config.db.commit()
    told = f'3:{seals.checkpoint().digest}'
    whole = audit('--verify', '--checkpoint', told)
    assert (whole.exit_code, whole.output.splitlines()) == (
        0,
        [
            f'as they were written: 3; checkpoint {told}',
            'redacted, on record: 0',
            'newer than the last seal: 1',
        ],
    )
    other = audit('--checkpoint', f'4:{"0" * 64}')
    assert other.exit_code == 1
    assert '4 rows were sealed then, and 3 are now' in other.output
    assert audit('--checkpoint', '4').exit_code == 1


def test_a_row_that_never_got_a_seal_is_said(clock: Clock) -> None:
    clock.moment += timedelta(hours=2)
    done = audit('--verify')
    assert done.exit_code == 1 and 'has no seal' in done.output
