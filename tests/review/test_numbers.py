# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms without a ticket that come by mail, and the service desk's number (R38)."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from sqlalchemy import select

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.requests import OPEN
from qnet_mailman.review import deciding, notices, receiving, requests
from qnet_mailman.review.reading import Sent
from tests.helpers import queued
from tests.provisioning.samples import REMOVE, data
from tests.review.senders import SENDER, answers, mail, take_in

ANN = 'operator:ann'


def form(**changes: Any) -> bytes:
    return yaml.safe_dump(data(ticket=REMOVE, **changes)).encode()


def come(content: bytes, number: int, sender: str = SENDER) -> None:
    message_id = f'<form{number}@agency.example.gov>'
    take_in(mail(('request.yaml', content), sender=sender, message_id=message_id))


def subjects() -> list[str]:
    return [str(msg['subject']) for msg in answers() if msg['to'] == SENDER]


def waiting() -> list[tuple[str, str]]:
    return [
        (one['number'], one['ticket'])
        for one in (requests.as_dict(*row) for row in requests.of(OPEN))
    ]


def test_the_intake_number_is_the_ticket() -> None:
    come(form(), 1)
    assert waiting() == [('QM-000001', 'QM-000001')]
    # The same again, while it waits: the first number, and nothing more to decide.
    come(form() + b'# a remark\n', 2)
    assert waiting() == [('QM-000001', 'QM-000001')]
    assert subjects() == [
        'Your request has arrived: QM-000001',
        'Your request has arrived before: QM-000001',
    ]
    result = deciding.approve(1, actor=ANN)
    assert (result.outcome, result.ticket) == ('created', 'QM-000001')
    notices.tell()
    come(form(), 3)
    assert waiting() == []
    assert subjects()[-1] == 'Your request was carried out: QM-000001'
    # Other words are another request, about what the first one made.
    come(form(list__description='Other news.'), 4)
    [(number, _ticket)] = waiting()
    assert number == 'QM-000002'
    changed = deciding.approve(2, actor=ANN, despite_warnings=True)
    assert (changed.outcome, changed.ticket) == ('changed', 'QM-000001')


def test_what_was_returned_and_comes_again_is_another_request() -> None:
    come(form(), 1)
    deciding.send_back(1, actor=ANN, reason='Request the role first.')
    come(form(), 2)
    assert waiting() == [('QM-000002', 'QM-000002')]
    assert deciding.approve(2, actor=ANN).ticket == 'QM-000002'


def test_somebody_else_with_the_same_form_is_told_nothing_of_the_first() -> None:
    come(form(), 1)
    come(form(), 2, sender='mallory@example.net')
    assert [number for number, _ticket in waiting()] == ['QM-000001', 'QM-000002']
    assert subjects() == ['Your request has arrived: QM-000001']


def test_over_rest_too_and_twice_in_a_mail() -> None:
    take_in(mail(('a.yaml', form()), ('b.yaml', form())))
    assert len(waiting()) == 1
    assert receiving.take(Sent('c.yaml', form()), receiving.OVER_REST) == [1]


@pytest.mark.parametrize('when', ['at the approval', 'later'])
def test_the_service_desks_number_finds_it(when: str) -> None:
    come(form(), 1)
    if when == 'later':
        deciding.approve(1, actor=ANN)
        deciding.link(1, 'REQ0001234', actor=ANN)
    else:
        result = CliRunner().invoke(
            qnet, ['forms', 'approve', 'QM-1', '--ticket', 'REQ0001234']
        )
        assert result.exit_code == 0, result.output
        told = '\n'.join(str(msg) for msg, _data in queued('virgin') + queued('out'))
        assert 'QM-000001 (REQ0001234)' in told
    notices.tell()
    for number in ('QM-000001', 'REQ0001234'):
        shown = CliRunner().invoke(qnet, ['forms', 'show', '--json', number])
        about = json.loads(shown.stdout)
        assert (about['number'], about['desk_ticket']) == ('QM-000001', 'REQ0001234')
        log = CliRunner().invoke(qnet, ['audit', '--json', '--request', number])
        found = {row['action'] for row in json.loads(log.stdout)}
        assert {'request received', 'form applied', 'request linked'} <= found
    [row] = store().scalars(
        select(QNetAudit).where(QNetAudit.action == 'request linked')
    )
    assert json.loads(row.detail) == {'ticket': 'REQ0001234'}
    carried_out = str(answers()[-1])
    assert 'REQ0001234' in carried_out or when == 'later'
