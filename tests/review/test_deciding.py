# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators look at requests, approve and return them (R28, R30, R31)."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.utilities.datetime import now
from sqlalchemy import select, update
from zope.component import getUtility

from qnet_mailman.forms import limited
from qnet_mailman.forms.kept import Loaded
from qnet_mailman.health.looking import examine
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.requests import OPEN, QNetRequest, QNetSubmission
from qnet_mailman.review import deciding, notices, receiving, requests
from qnet_mailman.review.deciding import CannotDecide
from qnet_mailman.review.reading import Sent
from tests.expected import require_expected
from tests.helpers import run, text_of
from tests.provisioning.samples import data
from tests.review.senders import (
    ADDRESS,
    SENDER,
    answers,
    deliver,
    form,
    mail,
    take_in,
)

LIST = 'hqr-updates@lists.example.gov'
ANN = 'operator:ann'
BEA = 'operator:bea'


def status(number: int = 1) -> str:
    config.db.commit()
    found = requests.find(number)
    assert found is not None
    return found[0].status


def subjects() -> list[tuple[str, str]]:
    return [(str(msg['to']), str(msg['subject'])) for msg in answers()]


def actions() -> list[tuple[str, str, str]]:
    rows = store().scalars(select(QNetAudit).order_by(QNetAudit.id))
    return [
        (row.actor, row.action, row.subject)
        for row in rows
        if row.action.startswith('request')
    ]


def lists() -> set[str]:
    return set(getUtility(IListManager).names)


def test_looking_touches_nothing() -> None:
    take_in(mail(('request.yaml', form())))
    looked = deciding.look(1)
    assert isinstance(looked.form, Loaded)
    assert looked.result.outcome == 'planned' and looked.result.steps
    assert LIST not in lists()
    assert status() == 'waiting'
    with pytest.raises(CannotDecide, match='there is no request QM-000002'):
        deciding.look(2)


def test_approving_applies_and_tells() -> None:
    take_in(mail(('request.yaml', form())))
    result = deciding.approve(1, actor=ANN)
    assert result.outcome == 'created'
    assert LIST in lists()
    notices.tell()
    told = [subject for to, subject in subjects() if to == SENDER]
    assert told == [
        'The mailing list HQR Updates has been set up',
        'Your request has arrived: QM-000001',
        'Your request QM-000001 has been carried out',
    ]
    notices.tell()
    assert len([to for to, _ in subjects() if to == SENDER]) == 3
    assert actions() == [
        ('mailman', 'request received', 'QM-000001'),
        (ANN, 'request approved', 'QM-000001'),
    ]
    with pytest.raises(CannotDecide, match='was approved by operator:ann before'):
        deciding.approve(1, actor=BEA)
    with pytest.raises(CannotDecide, match='was approved by operator:ann before'):
        deciding.send_back(1, actor=BEA, reason='')


def test_a_form_with_mistakes_waits_until_it_is_returned() -> None:
    take_in(mail(('request.yaml', form().replace(b'notification', b'carrier pigeon'))))
    assert deciding.approve(1, actor=ANN).outcome == 'invalid'
    assert status() == 'waiting'
    deciding.send_back(1, actor=ANN, reason='We have no pigeons.')
    notices.tell()
    [to, subject] = subjects()[-1]
    assert (to, subject) == (SENDER, 'Your request QM-000001 needs a correction')
    text = text_of(answers()[-1])
    require_expected(text, __file__, 'request-needs-a-correction')
    assert actions()[-1] == (ANN, 'request returned', 'QM-000001')


def test_what_does_not_fit_the_lists_of_today_is_told_as_well() -> None:
    take_in(mail(('request.yaml', form())))
    take_in(mail(('other.yaml', form(ticket='REQ2')), message_id='<m2@x.example.gov>'))
    deciding.approve(1, actor=ANN)
    assert deciding.approve(2, actor=ANN).outcome == 'invalid'
    assert status(2) == 'waiting'
    deciding.send_back(2, actor=ANN, reason='')
    notices.tell()
    assert 'hqr-updates' in text_of(answers()[-1])


def test_all_that_is_decided_of_one_mail_is_told_at_once() -> None:
    take_in(mail(('a.yaml', form('one', 'R1')), ('b.yaml', form('two', 'R2'))))
    for number in (1, 2):
        deciding.send_back(number, actor=ANN, reason=f'Reason {number}.')
    notices.tell()
    [text] = [text_of(m) for m in answers() if 'correction' in str(m['subject'])]
    assert 'Reason 1.' in text and 'Reason 2.' in text


def test_spam_is_returned_to_nobody() -> None:
    take_in(mail(('request.yaml', b'Buy!')))
    deciding.send_back(1, actor=ANN, reason='', silent=True)
    notices.tell()
    assert [subject for _, subject in subjects()] == [
        'Your request has arrived: QM-000001'
    ]


def test_the_same_file_waits_once_and_again_after_the_decision() -> None:
    sent = Sent('request.yaml', form())
    assert receiving.take(sent, receiving.BY_HAND) == [1]
    assert receiving.take(sent, receiving.BY_HAND) == [1]
    deciding.send_back(1, actor=ANN, reason='Not yet.')
    assert receiving.take(sent, receiving.BY_HAND) == [2]


def test_files_beside_a_form_are_kept_with_it() -> None:
    wanted = yaml.safe_dump({**data(), 'subscribers': 'people.csv'}).encode()
    people = b'email\nlee@example.org\n'
    sent = Sent('request.yaml', wanted, {'people.csv': people})
    receiving.take(sent, receiving.OVER_REST)
    looked = deciding.look(1)
    assert looked.form is not None
    assert 'lee@example.org' in looked.form.form.content()


def test_a_mail_is_read_once_and_its_forms_stay_what_they_were(
    configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(mail(('a.yaml', form('one', 'R1')), ('b.yaml', form('two', 'R2'))))
    configure(forms_address=ADDRESS, form_max_forms='1')
    monkeypatch.delattr(limited, 'run')
    for number in (1, 2):
        assert deciding.look(number).form is not None
        assert deciding.approve(number, actor=ANN).outcome == 'created'
    assert lists() >= {'one@lists.example.gov', 'two@lists.example.gov'}


def test_what_came_before_texts_were_kept_is_read_again() -> None:
    take_in(mail(('a.yaml', form('one', 'R1')), ('b.yaml', form('two', 'R2'))))
    store().execute(update(QNetRequest).values(text=None))
    config.db.commit()
    looked = deciding.look(2)
    assert looked.form is not None and looked.form.form.ticket == 'R2'


def test_operators_are_told_once_a_day_while_requests_wait() -> None:
    moment = now()
    notices.tell(moment)
    take_in(mail(('request.yaml', form())))
    for hours in (0, 1, 25):
        notices.tell(moment + timedelta(hours=hours))
    told = [msg for msg in answers() if 'waits for you' in str(msg['subject'])]
    assert len(told) == 2
    assert told[0]['to'] == 'help@example.gov, operators@example.gov'
    assert f'QM-000001  list-request, {LIST}, REQ0001234' in text_of(told[0])
    deciding.approve(1, actor=ANN)
    notices.tell(moment + timedelta(hours=60))
    assert len([m for m in answers() if 'waits for you' in str(m['subject'])]) == 2


def _findings() -> list[tuple[str, str]]:
    return [
        (found.level, found.text) for found in examine() if found.subject == 'forms'
    ]


def test_check_warns_of_what_waits_for_long(configure: Any, make_list: Any) -> None:
    make_list()
    take_in(mail(('request.yaml', form())))
    assert _findings() == []
    store().execute(
        update(QNetSubmission).values(received_at=now() - timedelta(days=4))
    )
    config.db.commit()
    assert _findings() == [
        (
            'warning',
            '1 of 1 requests have waited for more than 3 days',
        )
    ]
    configure(forms_address='news1@lists.example.gov', forms_max_waiting='1')
    assert [level for level, _ in _findings()] == ['error', 'warning', 'error']


def test_check_says_that_the_runner_is_not_ours(core: Any) -> None:
    core.config.push('stock', '[runner.forms]\nclass: mailman.core.runner.Runner\n')
    try:
        [(level, text)] = _findings()
    finally:
        core.config.pop('stock')
    assert level == 'error'
    assert text == f'mail to {ADDRESS} is put off'


def test_files_go_a_year_after_the_decision_and_rows_stay() -> None:
    take_in(mail(('request.yaml', form())))
    take_in(mail(('other.yaml', form('two', 'R2')), message_id='<m2@x.example.gov>'))
    deciding.send_back(1, actor=ANN, reason='')
    assert requests.prune(now() + timedelta(days=364)) == 0
    assert requests.prune(now() + timedelta(days=366)) == 1
    config.db.commit()
    with pytest.raises(CannotDecide, match='not kept any more'):
        deciding.look(1)
    assert deciding.look(2).form is not None
    assert status(1) == 'returned'


# -------------------------------------------------- processes, and their end

DECIDER = """
import os, signal, sys
from mailman.core import initialize
initialize.initialize(sys.argv[1])
from qnet_mailman.review import deciding
actor, what, die = sys.argv[2:]
if die == 'before':
    look = deciding.apply_form
    def apply_form(*args, **kws):
        if kws.get('dry_run'):
            return look(*args, **kws)
        os.kill(os.getpid(), signal.SIGKILL)
    deciding.apply_form = apply_form
elif die == 'after':
    apply_form = deciding.apply_form
    def and_die(*args, **kws):
        result = apply_form(*args, **kws)
        if kws.get('dry_run'):
            return result
        os.kill(os.getpid(), signal.SIGKILL)
    deciding.apply_form = and_die
print('ready', flush=True)
sys.stdin.readline()
try:
    if what == 'approve':
        print(deciding.approve(1, actor=actor).outcome)
    else:
        deciding.send_back(1, actor=actor, reason='No.')
        print('returned')
except deciding.CannotDecide as error:
    print(error)
"""


def _decider(core: Any, actor: str, what: str, die: str = '') -> Any:
    process = subprocess.Popen(
        [sys.executable, '-c', DECIDER, str(core.cfg), actor, what, die],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == 'ready\n'
    return process


@pytest.mark.parametrize('other', ['approve', 'return'])
def test_of_two_operators_at_once_one_wins(core: Any, other: str) -> None:
    take_in(mail(('request.yaml', form())))
    config.db.commit()
    deciders = [_decider(core, ANN, 'approve'), _decider(core, BEA, other)]
    for decider in deciders:
        decider.stdin.write('go\n')
        decider.stdin.flush()
    said = [decider.communicate(timeout=600)[0].strip() for decider in deciders]
    won = [word for word in said if word in ('created', 'returned')]
    lost = [word for word in said if ' before' in word]
    assert len(won) == len(lost) == 1, said
    assert (LIST in lists()) == (status() == 'approved') == (won == ['created'])
    assert len(actions()) == 2


@pytest.mark.parametrize('die', ['before', 'after'])
def test_a_killed_approval_is_finished_by_the_next(core: Any, die: str) -> None:
    take_in(mail(('request.yaml', form())))
    config.db.commit()
    decider = _decider(core, ANN, 'approve', die)
    decider.communicate('go\n', timeout=600)
    assert decider.returncode == -signal.SIGKILL
    assert status() == 'applying'
    # Nobody knows whether it was applied: it must not be told to be returned.
    with pytest.raises(CannotDecide, match='operator:ann began to apply it'):
        deciding.send_back(1, actor=BEA, reason='')
    outcome = deciding.approve(1, actor=BEA).outcome
    assert outcome == ('created' if die == 'before' else 'unchanged')
    assert status() == 'approved'
    assert actions()[-1] == (BEA, 'request approved', 'QM-000001')
    notices.tell()
    told = [subject for to, subject in subjects() if to == SENDER]
    assert sorted(told) == sorted(set(told)) and len(told) == 3


RUNNER = """
import os, signal, sys
from mailman.core import initialize
initialize.initialize(sys.argv[1])
from mailman.config import config
from qnet_mailman.runners.forms import FormsRunner
runner = FormsRunner('forms')
where = sys.argv[2]
def die(*args, **kws):
    os.kill(os.getpid(), signal.SIGKILL)
if where == 'before the commit':
    config.db.commit = die
elif where == 'after the commit':
    from qnet_mailman.queues import handover
    handover.Handover.move = die
else:
    runner.switchboard.finish = die
# Its own look at the database commits, too.
runner._obstacle = lambda: None
runner._one_iteration()
"""


@pytest.mark.parametrize(
    'where', ['before the commit', 'after the commit', 'before the entry goes']
)
def test_a_killed_runner_neither_loses_nor_doubles(core: Any, where: str) -> None:
    assert deliver(mail(('request.yaml', form()))) == ['250 Ok']
    config.db.commit()
    done = subprocess.run(
        [sys.executable, '-c', RUNNER, str(core.cfg), where], timeout=600, check=False
    )
    assert done.returncode == -signal.SIGKILL
    run('forms')
    assert requests.how_many() == 1
    [(request, _submission)] = requests.of(OPEN)
    # PostgreSQL leaves out a number that was rolled back.
    assert [subject for _, subject in subjects()] == [
        f'Your request has arrived: {requests.label(request.id)}'
    ]
    assert not list(Path(config.QUEUE_DIR, 'forms').iterdir())


def test_numbers() -> None:
    assert requests.label(123) == 'QM-000123'
    for text in ('QM-000123', 'qm-123', '123', ' QM123 '):
        assert requests.number_of(text) == 123
    for text in ('', 'QM-', '0', '-1', '٣', '99999999999', '2147483648'):
        assert requests.number_of(text) is None
