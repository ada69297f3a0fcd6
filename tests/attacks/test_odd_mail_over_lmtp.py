# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail that others refuse for its form: LMTP takes what somebody can read.

A report has nobody whom a refusal could tell, and so every one is taken.
"""

from __future__ import annotations

from typing import Any

import pytest
from mailman.app.lifecycle import create_list
from mailman.config import config

from qnet_mailman.mail import intake
from qnet_mailman.runners.bounce import BounceRunner
from tests.attacks.lmtp_server import Deliver, deliver
from tests.bounces.conftest import corpus, samples
from tests.bounces.reports import report_text, rows, verp
from tests.helpers import queued, run, subscribe

__all__ = ['corpus', 'deliver', 'samples']

READER = 'reader@example.net'
FORMS = 'requests@lists.example.gov'


@pytest.fixture
def mlist(make_list: Any) -> Any:
    mlist = make_list('discussion')
    subscribe(mlist, READER)
    config.db.commit()
    return mlist


def work_off() -> None:
    runner: Any = BounceRunner('bounces')
    runner._do_periodic = lambda: None
    while runner._one_iteration():
        pass
    assert not queued('shunt')


def nested(depth: int, head: bytes = b'') -> bytes:
    inner = b'Subject: x\nMIME-Version: 1.0\nContent-Type: message/rfc822\n\n'
    return head + inner * depth + b'Subject: end\n\nThe end.\n'


def boxes(depth: int) -> bytes:
    begin = b'Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n'
    return (
        b''.join(begin % (number, number) for number in range(depth)) + b'\nThe end.\n'
    )


HEAD = b'From: %s\nTo: x@lists.example.gov\nSubject: Odd\n' % READER.encode()
PART = b'--b\nContent-Type: text/plain\n\nHello there.\n'
MIXED = b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n'
ODD = {
    'no last boundary': HEAD + MIXED + b'Message-ID: <1@x.example>\n\n' + PART,
    'no boundary': HEAD + MIXED + b'Message-ID: <2@x.example>\n\nHello there.\n',
    'a body in the header': HEAD + b'Message-ID: <3@x.example>\nHello there.\n',
    'a folded first line': b' folded\n'
    + HEAD
    + b'Message-ID: <4@x.example>\n\nHello\n',
    'UTF-8 in Message-ID': HEAD + 'Message-ID: <grüße@x.example>\n\nHello\n'.encode(),
    'bytes in Message-ID': HEAD + b'Message-ID: <\xfc\xff@x.example>\n\nHello\n',
    'two Message-IDs': HEAD + b'Message-ID: <5@x>\nMessage-ID: <\xfc@x>\n\nHello\n',
    'an encoding that is none': HEAD
    + b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n'
    + b'Content-Transfer-Encoding: base64\nMessage-ID: <6@x>\n\n'
    + PART
    + b'--b--\n',
    'a very long line': HEAD + b'Message-ID: <8@x>\n\n' + b'x' * 100_000 + b'\n',
    'nothing': b'',
    'half a line': b'From',
}
DEEP = {
    'messages': nested(500, HEAD),
    'very many messages': nested(5000, HEAD),
    'parts': HEAD + boxes(500),
}


@pytest.mark.parametrize('name', [*ODD, *DEEP])
def test_each_report_is_taken(mlist: Any, deliver: Deliver, name: str) -> None:
    data = {**ODD, **DEEP}[name]
    for to in (verp(mlist, READER), mlist.bounces_address):
        assert deliver(to, data) == b'250 Ok'
    work_off()
    assert rows() == []


def test_the_reports_of_the_corpus_are_taken(
    mlist: Any, deliver: Deliver, samples: list[bytes]
) -> None:
    refused = [
        reply
        for data in samples
        if (reply := deliver(verp(mlist, READER), data)) != b'250 Ok'
    ]
    assert refused == []
    work_off()


def test_a_report_beyond_ascii(mlist: Any, deliver: Deliver) -> None:
    text = report_text('x', READER)
    data = text.replace('Message-ID: <', 'Message-ID: <grüße').encode()
    options = ' BODY=8BITMIME SMTPUTF8'
    assert deliver(verp(mlist, READER), data, '', options) == b'250 Ok'
    work_off()
    assert [row.reason for row in rows()] == ['address unknown']


def test_mail_of_somebody_beyond_ascii(mlist: Any, deliver: Deliver) -> None:
    author = 'grüße@example.org'
    data = ODD['UTF-8 in Message-ID'].replace(READER.encode(), author.encode())
    options = ' BODY=8BITMIME SMTPUTF8'
    for to in (mlist.posting_address, mlist.request_address, mlist.owner_address):
        assert deliver(to, data, author, options) == b'250 Ok'
    run('in', 'pipeline', 'command', 'virgin')
    assert not queued('shunt')


def test_a_report_that_is_broken_is_read_all_the_same(
    mlist: Any, deliver: Deliver
) -> None:
    text = report_text('x', READER)
    deliver(verp(mlist, READER), text.encode().replace(b'--b--\n', b''))
    work_off()
    assert [row.reason for row in rows()] == ['address unknown']


def test_a_report_with_a_returned_message_in_500_others(
    mlist: Any, deliver: Deliver
) -> None:
    text = report_text('x', READER)
    head, _, _ = text.partition('--b\nContent-Type: text/rfc822-headers')
    returned = b'--b\nContent-Type: message/rfc822\n\n' + nested(500) + b'--b--\n'
    assert deliver(verp(mlist, READER), head.encode() + returned) == b'250 Ok'
    work_off()
    assert [row.reason for row in rows()] == ['address unknown']


@pytest.mark.parametrize('name', ODD)
def test_a_post_is_taken_and_worked(mlist: Any, deliver: Deliver, name: str) -> None:
    assert deliver(mlist.posting_address, ODD[name], READER) == b'250 Ok'
    run('in', 'pipeline')
    assert not queued('shunt')


@pytest.mark.parametrize('name', ODD)
def test_a_command_is_taken_and_worked(mlist: Any, deliver: Deliver, name: str) -> None:
    assert deliver(mlist.request_address, ODD[name], READER) == b'250 Ok'
    run('command')
    assert not queued('shunt')


@pytest.mark.parametrize('name', [*ODD, *DEEP])
def test_mail_with_forms_is_taken(
    core: Any, configure: Any, make_list: Any, deliver: Deliver, name: str
) -> None:
    make_list()
    configure(forms_address=FORMS)
    assert deliver(FORMS, {**ODD, **DEEP}[name], READER).startswith(b'250')


@pytest.mark.parametrize('name', DEEP)
def test_who_sent_what_nobody_can_read_is_told_in_words(
    mlist: Any, deliver: Deliver, name: str
) -> None:
    for to in (mlist.posting_address, mlist.request_address, mlist.owner_address):
        reply = deliver(to, DEEP[name], READER)
        assert reply.startswith(b'554 5.6.0 The message has more than 50 parts or')
    assert not queued('in')
    assert not queued('command')


def test_a_post_as_deep_as_can_be(mlist: Any, deliver: Deliver) -> None:
    data = nested(intake.MAX_DEPTH - 1, HEAD + b'Message-ID: <7@x.example>\n')
    assert deliver(mlist.posting_address, data, READER) == b'250 Ok'
    run('in', 'pipeline')
    assert not queued('shunt')
    assert queued('out') or queued('virgin')


def test_refusals_say_what_is_wrong(mlist: Any, deliver: Deliver) -> None:
    domain = mlist.mail_host
    wrong = (
        (f'nolist@{domain}', '', b'550 5.1.1 There is no mailing list nolist@'),
        (f'grüße@{domain}', ' SMTPUTF8', b'550 5.1.1 There is no mailing list'),
        (
            mlist.posting_address,
            ' SIZE=99999999',
            b'552 5.3.4 The message is too large',
        ),
        (mlist.posting_address, ' SIZE=x', b'501 5.5.4 '),
        (mlist.posting_address, ' NO=x', b'555 5.5.4 '),
    )
    for to, options, begin in wrong:
        reply = deliver(to, b'\r\n', READER, options)
        assert reply.startswith(begin), reply


def test_lists_of_other_styles_are_as_on_stock_mailman(
    mlist: Any, deliver: Deliver
) -> None:
    stock = create_list(f'stock@{mlist.mail_host}', style_name='legacy-default')
    data = ODD['no last boundary']
    assert deliver(stock.posting_address, data, READER) == b'501 Message has defects'
    assert deliver(stock.bounces_address, data) == b'250 Ok'


def test_a_message_id_stays_the_same(mlist: Any, deliver: Deliver) -> None:
    deliver(mlist.posting_address, ODD['UTF-8 in Message-ID'], READER)
    ((msg, _msgdata),) = queued('in')
    assert msg['message-id'] == '<gr%C3%BC%C3%9Fe@x.example>'
    assert msg['x-message-id-hash'] == msg['message-id-hash']
