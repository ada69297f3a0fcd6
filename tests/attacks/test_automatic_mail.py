# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that answer programs, and a person's program that is taken for one (R5)."""

from __future__ import annotations

from typing import Any

import pytest
from mailman.interfaces.action import Action

from tests.attacks.automatic_answers import KINDS
from tests.attacks.lmtp_server import Deliver, deliver
from tests.helpers import empty, queued, run
from tests.subscriptions.joiners import mails

__all__ = ['deliver']

POSTER = 'pat@agency.example.gov'
MODERATOR = 'mo@agency.example.gov'
MEMBER = 'member@agency.test'
SHOWN = (
    'Authentication-Results: mx.example.gov; dmarc=pass '
    'header.from=agency.example.gov\r\n'
)

pytestmark = pytest.mark.mlist(
    'notification', administrators=[POSTER], moderators=[MODERATOR], members=[MEMBER]
)


def a_mail(mlist: Any, fields: str, sender: str = POSTER, number: int = 1) -> bytes:
    return (
        f'{fields}From: {sender}\r\nTo: {mlist.fqdn_listname}\r\n'
        f'Message-ID: <{number}@agency.test>\r\n\r\nText.\r\n'
    ).encode()


# ------------------------------------------------------------- to -owner (RFC 3834)


def test_a_moderators_absence_goes_round_to_nobody(
    mlist: Any, deliver: Deliver
) -> None:
    to, asked = mlist.owner_address, 'A message waits for your decision'
    for kind in KINDS:
        data = kind.message(MODERATOR, to, asked, marked=True)
        for sender in (MODERATOR, ''):
            assert deliver(to, data.encode(), sender).startswith(b'250')
    run('in')
    assert not queued('pipeline')
    assert not queued('virgin')


def test_absences_without_the_fields_of_the_standard(
    mlist: Any, deliver: Deliver
) -> None:
    subject = 'Subject: Automatic reply: A message waits\r\n'
    for sender, field in (
        ('', ''),
        (MODERATOR, 'In-Reply-To: <1@lists.example.gov>\r\n'),
        (MODERATOR, 'X-Auto-Response-Suppress: All\r\n'),
        (MODERATOR, 'X-Autoreply: yes\r\n'),
    ):
        data = a_mail(mlist, subject + field, MODERATOR)
        deliver(mlist.owner_address, data, sender)
    run('in')
    assert not queued('pipeline')


@pytest.mark.parametrize(
    ('fields', 'sender'),
    [
        ('Subject: Hello\r\n', MEMBER),
        ('Subject: Automatic reply: what is it?\r\n', MEMBER),
        ('Subject: Out of office hours\r\nX-Autoreply: no\r\n', MEMBER),
        # A monitor, a bounce, and a calendar that accepts (R9).
        ('Subject: Disk\r\nAuto-Submitted: auto-generated\r\n', 'root@agency.test'),
        ('Content-Type: multipart/report; boundary=b\r\nSubject: Bounce\r\n', ''),
        (
            'Subject: Accepted: Meeting\r\nAuto-Submitted: auto-replied\r\n'
            'Content-Type: text/calendar; method=REPLY\r\n',
            MEMBER,
        ),
    ],
)
def test_what_is_meant_for_them_arrives(
    mlist: Any, deliver: Deliver, fields: str, sender: str
) -> None:
    data = a_mail(mlist, fields, sender or 'mailer-daemon@agency.test')
    assert deliver(mlist.owner_address, data, sender).startswith(b'250')
    run('in')
    assert len(queued('pipeline')) == 1


def test_our_notices_ask_exchange_for_no_answer(mlist: Any, deliver: Deliver) -> None:
    mlist.default_nonmember_action = Action.hold
    # A notice of ours, an answer to a command, and one of Mailman's own.
    deliver(mlist.fqdn_listname, a_mail(mlist, 'Subject: x\r\n', MEMBER), MEMBER)
    deliver(mlist.fqdn_listname, a_mail(mlist, '', 'a@b.test', 2), 'a@b.test')
    deliver(
        mlist.request_address, a_mail(mlist, 'Subject: help\r\n', MEMBER, 3), MEMBER
    )
    run('in', 'command', 'virgin')
    sent = [msg for msg, _ in queued('out')] + [msg for msg, _ in queued('pipeline')]
    assert len(sent) >= 3
    for msg in sent:
        assert msg.get_all('x-auto-response-suppress') == ['All']
        assert len(msg.get_all('auto-submitted')) == 1


# ------------------------------------------------- an announcement of a tool (R5)


@pytest.mark.parametrize(
    'fields', ['Precedence: bulk\r\n', 'Auto-Submitted: auto-generated\r\n']
)
def test_who_may_post_is_told_once_a_day(
    mlist: Any, deliver: Deliver, clock: Any, fields: str
) -> None:
    to = mlist.fqdn_listname
    for number in range(3):
        data = a_mail(mlist, f'{SHOWN}{fields}Subject: Survey\r\n', number=number)
        assert deliver(to, data, 'bounce@survey.test').startswith(b'250')
    run('in')
    assert not queued('pipeline')
    (notice,) = mails()
    assert notice['to'] == POSTER
    assert notice['auto-submitted'] == 'auto-replied'
    assert fields.strip() in notice.get_payload(decode=True).decode()
    empty('virgin')
    clock.forward(days=1)
    deliver(to, a_mail(mlist, f'{fields}Subject: Survey\r\n'), 'bounce@survey.test')
    run('in')
    assert len(mails()) == 1


@pytest.mark.parametrize(
    ('fields', 'author', 'sender'),
    [
        # R5 stands for everybody else,
        ('Precedence: bulk\r\n', MEMBER, MEMBER),
        ('Precedence: bulk\r\n', MODERATOR, MODERATOR),
        ('Precedence: bulk\r\n', 'evil@evil.test', 'evil@evil.test'),
        # and for answers.
        ('Precedence: bulk\r\n', POSTER, ''),
        ('Auto-Submitted: auto-replied\r\n', POSTER, POSTER),
        ('Precedence: auto_reply\r\n', POSTER, POSTER),
        ('Precedence: bulk\r\nX-Autoreply: yes\r\n', POSTER, POSTER),
        ('Precedence: bulk\r\nSubject: Automatic reply: News\r\n', POSTER, POSTER),
        (
            'Precedence: bulk\r\nContent-Type: multipart/report; boundary=b\r\n',
            POSTER,
            POSTER,
        ),
        ('Auto-Submitted: Buy!\r\n', POSTER, POSTER),
    ],
)
def test_nobody_else_is_told(
    mlist: Any, deliver: Deliver, fields: str, author: str, sender: str
) -> None:
    data = a_mail(mlist, fields, author)
    assert deliver(mlist.fqdn_listname, data, sender).startswith(b'250')
    run('in')
    assert not queued('pipeline')
    assert mails() == []
