# SPDX-License-Identifier: GPL-3.0-or-later
"""`Unsubscribe` to the posting address, and the answer to what comes back (R14)."""

from __future__ import annotations

from typing import Any

import pytest
from mailman.config import config

from qnet_mailman.model.lists import set_replies
from qnet_mailman.model.return_addresses import confirm_address
from qnet_mailman.values import Replies
from tests.clock import Clock
from tests.expected import require_expected
from tests.helpers import (
    message,
    post,
    queued,
    run,
)
from tests.lists import furnish
from tests.subscriptions.joiners import (
    mails,
    members,
    text,
    the_mail,
    token_of,
)
from tests.subscriptions.leavers import READER, answer, to_list
from tests.subscriptions.subjects import (
    AUTOMATIC,
    ON_DISCUSSION,
    WITH_READER,
    unseen,
    waiting,
)

pytestmark = ON_DISCUSSION
KINDS = [
    ('notification', None),
    ('discussion', Replies.accept),
    ('discussion', Replies.hold),
    ('discussion', Replies.reject),
]


@pytest.mark.parametrize(('list_type', 'replies'), KINDS)
def test_the_whole_round(make_list: Any, list_type: str, replies: Any) -> None:
    mlist = furnish(make_list(list_type), **WITH_READER)
    mlist.send_goodbye_message = False
    if replies is not None:
        set_replies(mlist, replies)
    to_list(mlist, '  unSubscribe ')
    assert unseen(mlist)
    question = the_mail()
    assert str(question['subject']) == 'Unsubscribe'
    assert question['from'] == confirm_address(mlist, token_of(question))
    assert question['auto-submitted'] == 'auto-generated'
    assert members(mlist) == [READER]
    answer(mlist, question)
    assert members(mlist) == []
    # Whatever the list's setting: it is a promise.
    goodbye = the_mail()
    assert goodbye['subject'] == 'You are no longer subscribed to HQR Updates'
    assert READER in text(goodbye)
    assert not queued('shunt')


def test_what_the_question_says(mlist: Any, clock: Clock) -> None:
    to_list(mlist)
    question = the_mail()
    token = token_of(question)
    name = 'question-to-who-leaves'
    require_expected(text(question), __file__, name, TOKEN=token, ROW=f'{mlist.id:08x}')
    assert all(len(line) <= 78 or line[0] == ' ' for line in text(question).split('\n'))


def test_without_a_web_side_there_is_the_answer(mlist: Any, configure: Any) -> None:
    configure(web_url='')
    to_list(mlist)
    question = the_mail()
    assert 'http' not in text(question)
    assert 'If YOU WANT TO LEAVE, answer this message.' in text(question)
    answer(mlist, question)
    assert members(mlist) == []


@pytest.mark.parametrize(
    'subject',
    [
        'Unsubscribe',
        'Re: Unsubscribe',
        'AW: Unsubscribe',
        'Odp: [EXTERNAL] Re: "Unsubscribe"',
        '=?utf-8?b?5Zue5aSN77yaVW5zdWJzY3JpYmU=?=',
        'Re: [News1] Unsubscribe',
    ],
)
def test_the_subject_of_the_answer(mlist: Any, subject: str) -> None:
    to_list(mlist)
    answer(mlist, the_mail(), subject=subject)
    assert members(mlist) == []


@pytest.mark.parametrize('subject', ['', 'Re: Unsubscribe please', 'No!', 'Re:'])
def test_with_another_subject_nothing_is_confirmed(mlist: Any, subject: str) -> None:
    to_list(mlist)
    question = the_mail()
    answer(mlist, question, subject=subject)
    assert members(mlist) == [READER]
    told = the_mail()
    assert told['subject'] == 'You are still subscribed to HQR Updates'
    assert told['auto-submitted'] == 'auto-replied'
    assert 'Keep its subject' in text(told)
    # And it still can be.
    answer(mlist, question)
    assert members(mlist) == []


@pytest.mark.parametrize('fields', AUTOMATIC)
def test_an_automatic_reply_confirms_nothing(mlist: Any, fields: str) -> None:
    to_list(mlist)
    question = the_mail()
    subject = 'Automatic reply: Unsubscribe' if 'Suppress' in fields else None
    answer(mlist, question, fields=fields, subject=subject)
    assert members(mlist) == [READER]
    assert mails() == []
    answer(mlist, question)
    assert members(mlist) == []


def test_an_automatic_reply_that_only_its_subject_shows(mlist: Any) -> None:
    to_list(mlist)
    answer(mlist, the_mail(), subject='Automatische Antwort: Unsubscribe')
    assert members(mlist) == [READER]


@pytest.mark.parametrize('fields', AUTOMATIC)
def test_an_automatic_message_does_not_ask(mlist: Any, fields: str) -> None:
    subject = 'Automatic reply: Unsubscribe' if 'Suppress' in fields else 'Unsubscribe'
    to_list(mlist, subject, fields=fields)
    assert not any(str(mail['subject']) == 'Unsubscribe' for mail in mails())
    assert waiting() == 0 or 'Suppress' in fields


BODIES = {
    'none': b'\r\n',
    'html only': b'MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<p>Bye</p>\r\n',
    'signed': (
        b'MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b;\r\n'
        b' protocol="application/pkcs7-signature"; micalg=sha-256\r\n\r\n'
        b'--b\r\nContent-Type: text/plain\r\n\r\nBye.\r\n--b\r\n'
        b'Content-Type: application/pkcs7-signature\r\n\r\nabc\r\n--b--\r\n'
    ),
    'big': b'\r\n' + b'Good bye, and thanks for all the fish.\r\n' * 400_000,
    '8-bit': b'\r\n\xff\xfe\x00 bye\r\n',
    'unknown charset': b'Content-Type: text/plain; charset=bogus\r\n\r\nbye\r\n',
}


@pytest.mark.parametrize('body', BODIES)
def test_whatever_the_body(mlist: Any, body: str) -> None:
    head = f'From: {READER}\r\nTo: {mlist.fqdn_listname}\r\nSubject: Unsubscribe\r\n'
    post(mlist, message(head.encode() + BODIES[body]))
    run('in')
    assert unseen(mlist)
    question = the_mail()
    head = f'From: {READER}\r\nTo: {question["from"]}\r\nSubject: Re: Unsubscribe\r\n'
    config.switchboards['command'].enqueue(
        message(head.encode() + BODIES[body]),
        listid=mlist.list_id,
        subaddress='confirm',
    )
    run('command')
    assert not queued('shunt')
    assert members(mlist) == []
