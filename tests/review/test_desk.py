# SPDX-License-Identifier: GPL-3.0-or-later
"""The ticket system of a site hears of each step, and may answer with its number."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mailman.config import config
from mailman.utilities.datetime import now
from sqlalchemy import select

from qnet_mailman import site
from qnet_mailman.health.service import ticket_system
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.desk import QNetDeskEvent
from qnet_mailman.review import deciding, desk, desk_wire, notices, receiving, requests
from qnet_mailman.review.reading import Sent
from tests.review.senders import ADDRESS, form, mail, take_in
from tests.review.ticket_systems import Heard, ServiceNow, TicketSystem, serving

ANN = 'operator:ann'
SECRET = 'made-up-secret-of-this-test'
SCRIPT = Path(__file__).resolve().parents[2] / 'etc/ticket-system/servicenow.py'
pytestmark = pytest.mark.usefixtures('core')


@pytest.fixture
def secret_file(core: SimpleNamespace) -> Path:
    path = core.var / 'ticket-system.secret'
    path.write_text(f'{SECRET}\n', 'utf-8')
    return Path(path)


@pytest.fixture
def system(configure: Any, secret_file: Path) -> Iterator[TicketSystem]:
    heard = TicketSystem()
    with serving(heard) as url:
        heard.url = url
        configure(
            forms_address=ADDRESS,
            web_url='https://lists.example.gov',
            ticket_system_url=f'{url}/hook?key=not-for-logs',
            ticket_system_secret_file=str(secret_file),
        )
        yield heard


def come(name: str = 'hqr-updates', number: int = 1) -> None:
    message_id = f'<form{number}@agency.example.gov>'
    content = form(name, f'REQ{number}')
    take_in(mail(('request.yaml', content), message_id=message_id))


def waits() -> list[str]:
    config.db.commit()
    return list(store().scalars(select(QNetDeskEvent.step).order_by(QNetDeskEvent.id)))


def later(minutes: float) -> None:
    desk.deliver(now() + timedelta(minutes=minutes))


def test_it_hears_of_each_step(system: TicketSystem) -> None:
    come()
    come('other', 2)
    deciding.approve(1, actor=ANN)
    deciding.send_back(2, actor=ANN, reason='Which other?')
    desk.deliver()
    notices.tell()
    desk.deliver()
    assert sorted(system.steps) == [
        ('QM-000001', 'approved'),
        ('QM-000001', 'arrived'),
        ('QM-000001', 'done'),
        ('QM-000002', 'arrived'),
        ('QM-000002', 'needs-correction'),
    ]
    assert not waits()
    for number in ('QM-000001', 'QM-000002'):
        mine = [step for each, step in system.steps if each == number]
        assert mine[0] == 'arrived' and mine[-1] != 'arrived'
    [returned] = [one.step for one in system.heard if one.step['reason']]
    assert returned == {
        'version': 1,
        'id': returned['id'],
        'step': 'needs-correction',
        'at': returned['at'],
        'number': 'QM-000002',
        'ticket': 'REQ2',
        'desk_ticket': '',
        'kind': 'list-request',
        'list': 'other@lists.example.gov',
        'requester': 'rae@agency.example.gov',
        'mistakes': 0,
        'reason': 'Which other?',
        'page': 'https://lists.example.gov/requests/QM-000002/',
    }


def test_what_it_hears_is_signed(system: TicketSystem) -> None:
    come()
    desk.deliver()
    [heard] = system.heard
    stamp = heard.headers[desk_wire.TIMESTAMP]
    signed = hmac.new(
        SECRET.encode(), f'{stamp}.'.encode() + heard.body, hashlib.sha256
    ).hexdigest()
    assert heard.headers[desk_wire.SIGNATURE] == f'sha256={signed}'
    assert stamp.isdecimal()
    assert 'Authorization' not in heard.headers


def test_its_answer_is_linked_but_not_over_an_operators(system: TicketSystem) -> None:
    come()
    system.answers = [(200, {'ticket': 'INC0010001'})]
    desk.deliver()
    [(request, _submission)] = requests.with_ticket('INC0010001')
    assert request.id == 1
    [row] = store().scalars(
        select(QNetAudit).where(QNetAudit.action == 'request linked')
    )
    assert (row.actor, row.subject) == ('ticket system', 'QM-000001')
    deciding.approve(1, actor=ANN, ticket='REQ77')
    system.answers = [(200, {'ticket': 'INC0010002'})]
    desk.deliver()
    assert system.heard[-1].step['desk_ticket'] == 'REQ77'
    assert not requests.with_ticket('INC0010002')


@pytest.mark.parametrize(
    'answer', [b'', b'INC1', b'[]', b'{"ticket": "no number"}', b'{"ticket": 7.5}']
)
def test_an_answer_without_a_ticket_is_heard_all_the_same(answer: bytes) -> None:
    assert desk_wire.ticket_in(answer) == ''


def test_steps_wait_while_it_is_away(
    system: TicketSystem, caplog: pytest.LogCaptureFixture
) -> None:
    come()
    deciding.approve(1, actor=ANN)
    system.answers = [(503, b'down'), (302, b''), (500, b'down')]
    with caplog.at_level(logging.WARNING, 'mailman.plugins'):
        desk.deliver()
        # Neither the second step before the first, nor the first before its time.
        later(0.5)
        assert system.steps == [('QM-000001', 'arrived')]
        later(1.5)
        later(2)
        later(4)
        assert system.steps == 3 * [('QM-000001', 'arrived')]
    later(20)
    assert system.steps[3:] == [('QM-000001', 'arrived'), ('QM-000001', 'approved')]
    assert len({one.step['id'] for one in system.heard[:4]}) == 1
    assert len({one.step['id'] for one in system.heard}) == 2
    assert not waits()
    told = [each.message for each in caplog.records if each.name == 'mailman.plugins']
    assert next(each for each in told if 'not heard' in each) == (
        'The ticket system has not heard that QM-000001 arrived (attempt 1): it '
        'answers 503'
    )
    assert not any(word in caplog.text for word in ('not-for-logs', SECRET, 'down'))


def test_one_step_that_it_does_not_take_stops_no_other(system: TicketSystem) -> None:
    come()
    come('other', 2)
    system.answers = [(400, b'')]
    desk.deliver()
    desk.deliver()
    assert system.steps == [('QM-000001', 'arrived'), ('QM-000002', 'arrived')]
    assert waits() == ['arrived']


def test_the_wait_doubles_up_to_an_hour() -> None:
    minutes = [desk.wait_after(each).total_seconds() / 60 for each in range(1, 9)]
    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60]
    assert desk.wait_after(10**9) == desk.LONGEST_WAIT
    assert timedelta(seconds=30) < desk.FIRST_WAIT


def test_nobody_there(configure: Any, secret_file: Path) -> None:
    with serving(lambda _heard: (204, b'')) as url:
        gone = url
    configure(ticket_system_url=gone, ticket_system_secret_file=str(secret_file))
    receiving.take(Sent('form.yaml', form()), receiving.OVER_REST)
    config.db.commit()
    desk.deliver()
    assert waits() == ['arrived']
    # An operator sees it.
    assert not list(ticket_system(site.settings()))
    for event in store().scalars(select(QNetDeskEvent)):
        event.at -= timedelta(hours=2)
    config.db.commit()
    [finding] = ticket_system(site.settings())
    assert '1 steps of requests are not heard of' in finding.text
    secret_file.write_text('short', 'utf-8')
    [finding, _more] = ticket_system(site.settings())
    assert finding.level == 'error' and 'fewer than 16' in finding.text


def test_without_a_ticket_system_nothing_waits(configure: Any) -> None:
    configure(forms_address=ADDRESS)
    come()
    assert not waits()


def command(configure: Any, secret_file: Path, *words: str | Path) -> None:
    configure(
        ticket_system_command=' '.join(map(str, words)),
        ticket_system_secret_file=str(secret_file),
        ticket_system_timeout='30s',
    )


def test_a_command_hears_too(
    configure: Any, secret_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('MADE_UP_PASSWORD', 'x')
    script = tmp_path / 'hear.py'
    script.write_text(
        'import json, os, sys\n'
        f'open({str(tmp_path / "heard")!r}, "w").write(json.dumps('
        '[sys.stdin.read(), dict(os.environ)]))\n'
        'print(json.dumps({"ticket": "REQ5"}))\n',
        'utf-8',
    )
    command(configure, secret_file, sys.executable, script)
    receiving.take(Sent('form.yaml', form()), receiving.OVER_REST)
    config.db.commit()
    desk.deliver()
    body, environment = json.loads((tmp_path / 'heard').read_text('utf-8'))
    stamp = environment['QNET_TIMESTAMP']
    assert environment['QNET_SIGNATURE'] == desk_wire.signature(
        SECRET.encode(), stamp, body.encode()
    )
    assert 'MADE_UP_PASSWORD' not in environment
    assert requests.with_ticket('REQ5') and not waits()


@pytest.mark.parametrize(
    ('program', 'why'),
    [
        ('import sys; sys.exit(3)', 'it ends with status 3'),
        ('import time; time.sleep(600)', 'it takes more than 0.2 s'),
    ],
)
def test_a_command_that_fails_or_hangs(
    secret_file: Path, tmp_path: Path, program: str, why: str
) -> None:
    script = tmp_path / 'fail.py'
    script.write_text(program, 'utf-8')
    settings = replace(
        site.settings(),
        ticket_system_command=f'{sys.executable} {script}',
        ticket_system_secret_file=secret_file,
        ticket_system_timeout=timedelta(seconds=0.2)
        if 'sleep' in program
        else timedelta(seconds=30),
    )
    with pytest.raises(desk_wire.NotHeard, match=why):
        desk_wire.tell({'number': 'QM-000001'}, settings, 0)


def test_servicenow_has_one_record_of_a_request(
    configure: Any, secret_file: Path, tmp_path: Path
) -> None:
    stub = ServiceNow()
    lost = [True]

    def answer(heard: Heard) -> tuple[int, Any]:
        status, content = stub(heard)
        # Its first answer is lost: the record is there all the same.
        return (
            (502, b'') if heard.method == 'POST' and lost.pop() else (status, content)
        )

    with serving(answer) as url:
        (tmp_path / 'password').write_text(f'{stub.password}\n', 'utf-8')
        example = (SCRIPT.parent / 'servicenow.cfg').read_text('utf-8')
        path = tmp_path / 'servicenow.cfg'
        example = example.replace('https://example.service-now.com', url)
        path.write_text(
            example.replace(
                '/etc/qnet-mailer/servicenow.secret', str(tmp_path / 'password')
            ),
            'utf-8',
        )
        command(configure, secret_file, sys.executable, SCRIPT, path)
        receiving.take(Sent('form.yaml', form()), receiving.OVER_REST)
        config.db.commit()
        desk.deliver()
        assert not requests.with_ticket('INC0000001')
        later(2)
        assert requests.with_ticket('INC0000001')
        deciding.approve(1, actor=ANN)
        later(3)
    [record] = stub.records
    assert record['correlation_id'] == 'QM-000001'
    assert record['category'] == 'inquiry'
    assert 'hqr-updates@lists.example.gov' in record['short_description']
    assert stub.asked == ['GET', 'POST', 'GET', 'PATCH', 'GET', 'PATCH']
    assert stub.notes[-1].startswith('The request was approved.')
    assert not waits()
