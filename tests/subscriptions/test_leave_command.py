# SPDX-License-Identifier: GPL-3.0-or-later
"""Leaving through the `-leave` and `-request` addresses (R14, R15)."""

from __future__ import annotations

from typing import Any

import pytest
from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.pending import IPendings
from mailman.interfaces.requests import IListRequests, RequestType
from zope.component import getUtility

from qnet_mailman.model import keys
from qnet_mailman.posting.confirmation import PEND_TYPE
from qnet_mailman.subscriptions import leave_command, one_click
from tests.helpers import appoint, message, post, queued, run
from tests.subscriptions.joiners import mails, members, text, the_mail, token_of
from tests.subscriptions.leavers import READER, answer, raw, to_command

pytestmark = pytest.mark.mlist(members=[READER], admin_notify_mchanges=False)


def test_they_take_the_place_of_mailmans(core: Any) -> None:
    for name in ('leave', 'unsubscribe'):
        assert isinstance(config.commands[name], leave_command.Leave)
        assert config.commands[name].name == name


@pytest.mark.parametrize('subject', ['', 'Hello', 'unsubscribe', 'Re: News'])
def test_the_leave_address(mlist: Any, subject: str) -> None:
    to_command(mlist, 'leave', raw(mlist.leave_address, subject))
    question = the_mail()
    assert str(question['subject']) == 'Unsubscribe'
    answer(mlist, question)
    assert members(mlist) == []
    assert the_mail()['subject'] == 'You are no longer subscribed to HQR Updates'


@pytest.mark.parametrize(
    ('subject', 'body'),
    [
        ('leave', ''),
        ('Unsubscribe', ''),
        ('Re: unsubscribe', ''),
        ('Hello', 'leave\r\nleave\r\n-- \r\nRea Reader\r\n'),
        ('', 'UNSUBSCRIBE'),
        ('unsubscribe', 'unsubscribe'),
    ],
)
def test_the_request_address(mlist: Any, subject: str, body: str) -> None:
    to = mlist.request_address
    to_command(mlist, 'request', raw(to, subject).replace('Good bye.', body))
    # One mail, and not Mailman's report besides.
    assert str(the_mail()['subject']) == 'Unsubscribe'


def test_somebody_else_gets_one_plain_answer(mlist: Any) -> None:
    sender = 'stranger@example.com'
    to_command(mlist, 'leave', raw(mlist.leave_address, '', sender))
    assert the_mail(sender)['subject'] == 'You are not subscribed to HQR Updates'


def test_nobody_gets_nothing(mlist: Any) -> None:
    to_command(mlist, 'leave', 'Subject: leave\r\n\r\n')
    assert mails() == []
    assert not queued('shunt')


@pytest.mark.parametrize('subaddress', ['leave', 'request'])
def test_automatic_messages_ask_for_nothing(mlist: Any, subaddress: str) -> None:
    fields = 'Auto-Submitted: auto-replied\r\n'
    to_command(mlist, subaddress, raw('x@y.z', 'unsubscribe', fields=fields))
    assert mails() == []


def test_only_from_says_who_asks(mlist: Any) -> None:
    fields = f'Reply-To: {READER}\r\nSender: {READER}\r\n'
    sender = 'stranger@example.com'
    to_command(mlist, 'leave', raw(mlist.leave_address, '', sender, fields))
    assert the_mail(sender)['subject'] == 'You are not subscribed to HQR Updates'


@pytest.mark.parametrize('fields', ['', 'Auto-Submitted: auto-generated\r\n'])
def test_a_token_in_the_subject_is_the_proof(mlist: Any, fields: str) -> None:
    mlist.send_goodbye_message = False
    (member,) = one_click.memberships(mlist, [READER]).values()
    token = one_click.token_for(mlist, member, keys.signing())
    config.db.commit()
    sender = 'somebody@example.com'
    request = raw(mlist.leave_address, f'unsubscribe {token}', sender, fields)
    to_command(mlist, 'leave', request)
    assert members(mlist) == []
    assert mails() == []
    # Again is harmless.
    to_command(mlist, 'leave', request)
    assert mails() == []


def test_with_a_token_that_is_no_good_it_is_a_request(mlist: Any) -> None:
    to_command(mlist, 'leave', raw(mlist.leave_address, 'unsubscribe ' + 'A' * 60))
    assert members(mlist) == [READER]
    assert str(the_mail()['subject']) == 'Unsubscribe'


@pytest.mark.parametrize(
    'request_text',
    [
        b'From: =?bogus?q?x?= <reader@example.net>\r\nSubject: =?bogus?q?x?=\r\n\r\n',
        b'From: \xff <reader@example.net>\r\nSubject: \xff\r\nX-Ack: \xff\r\n\r\n',
        b'From: reader@example.net\r\nSubject: =?utf-8?b?abc?=\r\n'
        b'Content-Type: text/plain; charset=bogus\r\n\r\nhelp\r\n',
        b'From: reader@example.net\r\nContent-Type: text/plain;'
        b" charset*=x'y'%ff\r\nPrecedence: \xff\r\n\r\nleave\r\n",
        b'From: reader@example.net\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n'
        b'--a\r\nContent-Type: text/plain; charset="base64"\r\n\r\nleave\r\n--a--\r\n',
    ],
)
@pytest.mark.parametrize('subaddress', ['leave', 'request', 'confirm', 'join'])
def test_strange_commands_are_not_shunted(
    mlist: Any, request_text: bytes, subaddress: str
) -> None:
    to_command(mlist, subaddress, request_text)
    assert not queued('shunt')
    assert all(mail['to'] == READER for mail in mails())
    assert members(mlist) == [READER]


def test_other_lists_have_mailmans_commands(core: Any, make_list: Any) -> None:
    make_list()
    stock = create_list('stock@lists.example.gov', style_name='legacy-default')
    assert getUtility(IDomainManager).get('lists.example.gov') is not None
    to_command(stock, 'leave', raw(stock.leave_address, '', 'stranger@example.com'))
    (report,) = mails()
    assert report['subject'] == 'The results of your email commands'


def held(mlist: Any) -> int:
    return IListRequests(mlist).count_of(RequestType.held_message)


def test_an_answer_does_not_discard_a_held_message(make_list: Any) -> None:
    # Mailman's tokens of held messages confirm at the same address.
    from mailman.chains.hold import HeldMessagePendable

    mlist = make_list('discussion')
    post(mlist, message(raw(mlist.fqdn_listname, 'News', 'stranger@example.com')))
    run('in')
    assert held(mlist) == 1
    mails()
    ((request, *_),) = [(one.id,) for one in IListRequests(mlist).held_requests]
    pendable = HeldMessagePendable(id=request, list_id=mlist.list_id)
    token = getUtility(IPendings).add(pendable)
    config.db.commit()
    to = mlist.confirm_address(token)
    fields = 'Auto-Submitted: auto-replied\r\n'
    to_command(mlist, 'confirm', raw(to, 'Re: confirm', 'pat@x.gov', fields))
    assert mails() == []
    # Nobody knows whose the token is.
    to_command(mlist, 'confirm', raw(to, 'Re: confirm', 'pat@x.gov'))
    to_command(mlist, 'request', raw(to, f'confirm {token}', 'pat@x.gov'))
    assert held(mlist) == 1
    for result in mails():
        assert 'decided by answering the message' in ' '.join(text(result).split())


def test_posts_are_confirmed_as_ever(make_list: Any) -> None:
    mlist = make_list()
    appoint(mlist, 'pat@agency.example.gov', may_post=True)
    mails()
    text_of_post = raw(mlist.fqdn_listname, 'News', 'pat@agency.example.gov')
    post(mlist, message(text_of_post))
    run('in')
    (question,) = mails()
    assert token_of(question)
    assert PEND_TYPE
    # Not the subject but the token and the word are what counts there.
    pat = {'subject': 'Yes', 'sender': 'pat@agency.example.gov', 'body': 'deliver'}
    answer(mlist, question, **pat)
    assert len(queued('pipeline')) == 1
    # The second answer comes too late, and is told so in plain words.
    answer(mlist, question, **pat)
    assert 'There was nothing left to decide or to confirm' in text(
        the_mail('pat@agency.example.gov')
    )


def test_a_mail_without_any_token_is_answered(mlist: Any) -> None:
    to = f'{mlist.list_name}-confirm@{mlist.mail_host}'
    to_command(mlist, 'confirm', raw(to, 'Re: Unsubscribe'))
    assert the_mail()['subject'] == 'Your answer about HQR Updates'


def test_answers_that_come_too_late_are_limited(mlist: Any, configure: Any) -> None:
    configure(unproven_mails_per_day='2')
    for _ in range(4):
        to = mlist.confirm_address('0' * 40)
        to_command(mlist, 'confirm', raw(to, 'Re: x'))
    assert len(mails()) == 2
