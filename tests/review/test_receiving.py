# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms by mail become requests that wait; everything else does not (R5, R33)."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.utilities.datetime import now
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.jobs import do_due
from qnet_mailman.model.requests import OPEN, QNetSubmission
from qnet_mailman.review import arrival, notices, reading, requests
from qnet_mailman.runners import periodic
from qnet_mailman.setup import startup
from tests.conftest import write_settings
from tests.effort import database_away
from tests.expected import require_expected
from tests.helpers import queued, run, text_of
from tests.provisioning.samples import EXAMPLES
from tests.review.senders import (
    ADDRESS,
    SENDER,
    answers,
    deliver,
    form,
    mail,
    take_in,
)

FORM = ('request.yaml', form())


def waiting() -> list[dict[str, Any]]:
    return [requests.as_dict(*row) for row in requests.of(OPEN)]


def test_a_form_becomes_a_request_and_its_number_is_told() -> None:
    take_in(mail(FORM))
    [one] = waiting()
    assert one == {
        'number': 'QM-000001',
        'status': 'waiting',
        'received_at': one['received_at'],
        'route': 'mail',
        'sender': SENDER,
        'shown_by': '',
        'file': 'request.eml: request.yaml',
        'kind': 'list-request',
        'list': 'hqr-updates@lists.example.gov',
        'ticket': 'REQ0001234',
        'desk_ticket': '',
        'requester': 'rae@agency.example.gov',
        'mistakes': 0,
        'doubts': [
            f'nothing shows that it comes from {SENDER}: no trusted mail server says '
            'that SPF, DKIM or DMARC passed (trusted_authserv_ids in qnet.cfg)'
        ],
        'decided_at': None,
        'decided_by': '',
        'reason': '',
    }
    assert 'hqr-updates@lists.example.gov' not in getUtility(IListManager).names
    [answer] = answers()
    assert answer['to'] == SENDER
    assert str(answer['subject']) == 'Your request has arrived: QM-000001'
    assert answer['auto-submitted'] == 'auto-replied'
    text = text_of(answer)
    require_expected(text, __file__, 'request-has-arrived')
    # Nothing of what was sent: the address may be somebody else's.
    assert not any(word in text for word in ('hqr-updates', 'REQ', 'yaml', 'Rae'))
    [row] = store().scalars(
        select(QNetAudit).where(QNetAudit.action == 'request received')
    )
    assert row.subject == 'QM-000001'


def test_each_form_of_a_mail_has_a_number() -> None:
    table = (EXAMPLES / 'threshold-change.csv').read_bytes()
    table += table.splitlines()[1].replace(b'hqr-updates', b'news1') + b'\n'
    take_in(
        mail(
            ('a.yaml', form('one', 'REQ1')),
            ('changes.csv', table),
            ('b.yaml', b'form: list-request\n'),
        )
    )
    found = waiting()
    assert [(one['number'], one['file']) for one in found] == [
        ('QM-000001', 'request.eml: a.yaml'),
        ('QM-000002', 'request.eml: changes.csv: row 2'),
        ('QM-000003', 'request.eml: changes.csv: row 3'),
        ('QM-000004', 'request.eml: b.yaml'),
    ]
    assert [bool(one['mistakes']) for one in found] == [False, False, False, True]
    [answer] = answers()
    assert str(answer['subject']) == 'Your request has arrived: QM-000001 and 3 more'


def test_the_same_mail_twice_is_one_request() -> None:
    take_in(mail(FORM))
    # On its way a second time, with other trace fields before it.
    again = b'Received: from mx2.example.gov\r\n' + mail(FORM).as_bytes()
    take_in(again)
    assert len(waiting()) == 1
    assert len(answers()) == 1
    take_in(mail(FORM, message_id='<form2@agency.example.gov>'))
    assert len(waiting()) == 2


@pytest.mark.parametrize(
    ('fields', 'envelope_sender'),
    [
        ({}, ''),
        ({'Auto_Submitted': 'auto-replied'}, SENDER),
        ({'Precedence': 'bulk'}, SENDER),
    ],
)
def test_what_a_program_wrote_is_no_request_and_gets_no_answer(
    fields: dict[str, str], envelope_sender: str
) -> None:
    take_in(mail(FORM, **fields), sender=envelope_sender)
    take_in(mail(**fields), sender=envelope_sender)
    assert not waiting() and not answers()


def test_whoever_wants_no_automatic_answer_gets_none() -> None:
    take_in(mail(FORM, X_Ack='no'))
    take_in(mail(X_Ack='no'))
    assert len(waiting()) == 1
    assert not answers()


@pytest.mark.parametrize('sender', [ADDRESS, 'news1@lists.example.gov'])
def test_mail_from_our_own_addresses_goes_nowhere(sender: str, make_list: Any) -> None:
    make_list()
    take_in(mail(FORM, sender=sender))
    assert not waiting() and not answers()


def test_our_own_answers_go_nowhere() -> None:
    take_in(mail())
    [answer] = answers()
    take_in(answer.as_bytes())
    assert not waiting() and len(answers()) == 1


def test_a_mail_without_a_form_is_answered_once_a_day() -> None:
    html = EmailMessage()
    html['From'] = SENDER
    html['Message-ID'] = '<html@agency.example.gov>'
    html.set_content('<p>Buy at https://spam.example.net/</p>', subtype='html')
    for message in (mail(), html, mail(('logo.png', b'\x89PNG'))):
        take_in(message)
    assert not waiting()
    [answer] = answers()
    assert answer['to'] == SENDER
    assert 'found no form in it' in text_of(answer)
    assert 'spam.example.net' not in answer.as_string()


def test_forged_senders_cause_only_so_many_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notices, 'MAX_NO_FORM', 2)
    for number in range(4):
        sender = f'victim{number}@agency.example.gov'
        take_in(mail(sender=sender), sender=sender)
    assert len(answers()) == 2


def test_a_forwarded_mail_with_a_form() -> None:
    outer = mail(message_id='<outer@agency.example.gov>')
    outer.add_attachment(mail(FORM, sender='pat@agency.example.gov'))
    take_in(outer)
    [one] = waiting()
    assert (one['kind'], one['sender']) == ('list-request', SENDER)


def _bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('xl/workbook.xml', b'0' * 50_000_000)
    return packed.getvalue()


@pytest.mark.parametrize(
    'file',
    [
        ('bomb.xlsx', _bomb()),
        ('large.yaml', b'#' * (5 * 1024 * 1024 + 1)),
        ('bytes.yaml', b'\xff\xfe\x00form: list-request'),
        ('no.pdf', b'%PDF-1.7 but no more'),
        ('deep.json', b'[' * 100_000),
    ],
    ids=lambda file: file[0],
)
def test_hostile_files_wait_for_an_operator(file: tuple[str, bytes]) -> None:
    take_in(mail(file))
    [one] = waiting()
    assert one['mistakes'] > 0 and not one['kind']
    assert not queued('shunt')


@pytest.mark.parametrize(
    'name',
    [
        '../../etc/cron.d/request.yaml',
        'C:\\Windows\\request.yaml',
        'a' * 3000 + '.yaml',
        'new\tline\x07.yaml',
    ],
)
def test_names_of_attachments_are_only_shown(name: str) -> None:
    take_in(mail((name, form())))
    [one] = waiting()
    shown = one['file'].removeprefix('request.eml: ')
    assert '/' not in shown and '\\' not in shown and shown.isprintable()
    assert len(shown) <= 200
    assert one['kind'] == 'list-request'


def test_hostile_header_fields() -> None:
    content = mail(FORM).as_bytes()
    field = (
        b'From: "=?utf-8?q?a=0d=0aBcc=3a_victim=40example.net?=" <rae@x.example.gov>'
    )
    for number, bad in enumerate(
        (
            field,
            b'From: rae@x.example.gov, victim@example.net',
            b'From: \xff\xfe\x00 <r\xe4@x.example.gov>',
            b'From: ' + b'(' * 100_000,
            b'Message-ID: <\xff\x00\r\n >\r\nFrom: rae@x.example.gov',
        )
    ):
        message = content.replace(
            b'From: Rae Requester <rae@agency.example.gov>', bad
        ).replace(b'<form1@', b'<form%d@' % number)
        take_in(message)
    assert len(waiting()) == 5
    assert not queued('shunt')
    assert {str(answer['to']) for answer in answers()} <= {'rae@x.example.gov'}
    assert not any('victim' in answer.as_string() for answer in answers())


def test_a_reader_that_raises_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> Any:
        raise RecursionError

    monkeypatch.setattr(reading.loading, 'send_attached', fail)
    sent = mail(FORM).as_bytes()
    take_in(sent)
    [one] = waiting()
    assert one['mistakes'] == 1
    assert sent == store().scalar(select(QNetSubmission.content))


def test_a_sender_is_put_off_for_the_day_and_the_others_are_not(
    configure: Any,
) -> None:
    configure(forms_address=ADDRESS, forms_mails_per_day='2')
    for number in range(4):
        message = mail(FORM, message_id=f'<m{number}@agency.example.gov>')
        expected = '250 Ok' if number < 2 else arrival.TOO_MANY_SENT
        assert deliver(message) == [expected]
    assert deliver(mail(FORM), sender='other@agency.example.gov') == ['250 Ok']
    run('forms')
    assert len(waiting()) == 3
    # The third was in the name of the same person, who has had two.
    assert len(answers()) == 2


def test_when_too_many_wait_the_mail_server_keeps_the_mail(configure: Any) -> None:
    configure(forms_address=ADDRESS, forms_max_waiting='2')
    assert deliver(mail(FORM)) == ['250 Ok']
    assert deliver(mail(FORM, message_id='<m2@x.example.gov>')) == ['250 Ok']
    # What the runner has not seen counts, too.
    assert deliver(mail(FORM)) == [arrival.TOO_MANY_WAIT]
    run('forms')
    assert deliver(mail(FORM)) == [arrival.TOO_MANY_WAIT]


def test_a_mail_that_is_too_large_is_refused() -> None:
    large = mail(('request.yaml', b'#' * (21 * 1024 * 1024)))
    [reply] = deliver(large)
    assert reply.startswith('552 5.3.4')
    assert not queued('forms')


def test_mail_for_lists_and_forms_at_once(make_list: Any) -> None:
    mlist = make_list()
    address = mlist.fqdn_listname
    assert deliver(mail(FORM), [address, ADDRESS.upper()]) == ['250 Ok', '250 Ok']
    assert len(queued('in')) == 1
    assert len(queued('forms')) == 1
    [refused] = deliver(mail(FORM), ['nobody@lists.example.gov'])
    assert refused.startswith('550')


def test_without_the_address_stock_decides(configure: Any) -> None:
    configure()
    [refused] = deliver(mail(FORM))
    assert refused.startswith('550')


def test_nothing_is_refused_for_good_while_a_setting_is_broken(
    core: Any, make_list: Any
) -> None:
    address = make_list().fqdn_listname
    write_settings(core.var / 'qnet.cfg', domain='')
    with pytest.raises(site.NotReady):
        startup.setup()
    [reply] = deliver(mail(FORM))
    assert reply.startswith('451')
    assert deliver(mail(FORM), [address]) == ['250 Ok']


def test_a_database_that_is_away_puts_the_mail_off(core: Any) -> None:
    with database_away():
        [reply] = deliver(mail(FORM))
    assert reply.startswith('451')
    assert deliver(mail(FORM)) == ['250 Ok']


def test_a_disk_that_is_full_puts_the_mail_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*args: Any, **kws: Any) -> None:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(config.switchboards['forms'], 'enqueue', full)
    [reply] = deliver(mail(FORM))
    assert reply.startswith('451')


def test_operators_are_told_that_a_request_waits() -> None:
    take_in(mail(FORM))
    do_due(periodic.TASKS, now())
    do_due(periodic.TASKS, now() + timedelta(minutes=1))
    [_answer, note] = answers()
    assert str(note['subject']) == '1 request form waits for you'
    assert note['to'] == 'help@example.gov, operators@example.gov'
