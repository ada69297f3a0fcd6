# SPDX-License-Identifier: GPL-3.0-or-later
"""Joining, confirming and approving by mail (R11-R14)."""

from __future__ import annotations

from typing import Any

import pytest
from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.interfaces.bans import IBanManager
from mailman.interfaces.member import DeliveryMode

from tests.helpers import appoint, empty, run, subscribe
from tests.subscriptions.joiners import (
    READER,
    command,
    mails,
    members,
    register,
    text,
    the_mail,
    token_of,
    undecided,
)

JOIN = f'From: Rea Reader <{READER}>\nTo: news1-join@lists.example.gov\n\n'
OUT_OF_OFFICE = f'Auto-Submitted: auto-replied\n{JOIN}'
RESULTS = 'The results of your email commands'


def tell(mlist: Any, subaddress: str, raw: str, **more: Any) -> None:
    command(mlist, subaddress, raw, **more)
    run('command')


@pytest.mark.parametrize('subject', ['', 'Subject: join\n', 'Subject: subscribe\n'])
def test_a_public_list(make_list: Any, subject: str) -> None:
    mlist = make_list()
    tell(mlist, 'request' if subject else 'join', subject + JOIN)
    mail = the_mail()
    assert mail['subject'] == 'Please confirm your request for e-mail updates'
    answer = f'From: {READER}\nTo: {mail["from"]}\nSubject: Re: x\n\nJOIN\n'
    tell(mlist, 'confirm', answer)
    assert members(mlist) == [READER]
    assert mlist.members.get_member(READER).address.display_name == 'Rea Reader'


def test_nobody_approves_with_the_command_confirm(make_list: Any) -> None:
    mlist = make_list('discussion', 'private')
    appoint(mlist, 'admin@example.gov')
    token, _, _ = register(mlist)
    mails()
    for word in (token, token.upper(), '0' * 40, ''):
        raw = f'From: admin@example.gov\nSubject: confirm {word}\n\nAPPROVE\n'
        tell(mlist, 'request', raw)
    assert {str(mail['subject']) for mail in mails()} == {RESULTS}
    assert undecided(mlist) == token


def test_a_subscribers_token_confirms_as_a_command_too(make_list: Any) -> None:
    mlist = make_list()
    token, _, _ = register(mlist)
    tell(mlist, 'request', f'From: {READER}\nSubject: confirm {token}\n\n')
    assert members(mlist) == [READER]


def test_automatic_mail_does_not_join(make_list: Any) -> None:
    mlist = make_list()
    tell(mlist, 'join', OUT_OF_OFFICE)
    tell(mlist, 'request', 'Subject: join\n' + OUT_OF_OFFICE)
    assert mails() == []


def test_the_sender_learns_nothing(make_list: Any) -> None:
    mlist, other = make_list(), make_list()
    subscribe(mlist, 'member@example.net')
    IBanManager(mlist).ban('banned@example.net')
    register(mlist, 'pending@example.net')
    empty('virgin')
    for who in ('member', 'banned', 'pending', 'unknown'):
        victim = f'{who}@example.net'
        raw = f'From: spy@example.org\nSubject: join address={victim}\n\njoin\n'
        tell(mlist, 'request', raw, sender='spy@example.org')
        assert the_mail(victim)['from'] != 'spy@example.org'
    # Nor does a list join another.
    tell(mlist, 'join', f'From: {other.posting_address}\n\n')
    tell(mlist, 'join', f'From: {mlist.posting_address}\n\n')
    assert mails() == []


def test_the_digest_option(make_list: Any) -> None:
    mlist = make_list()
    tell(mlist, 'request', 'Subject: join digest=mime\n' + JOIN)
    token = token_of(the_mail())
    tell(mlist, 'request', f'From: {READER}\nSubject: confirm {token}\n\n')
    member = mlist.members.get_member(READER)
    assert member.delivery_mode is DeliveryMode.mime_digests


@pytest.mark.parametrize(
    'raw',
    [
        'Subject: no author\n\n',
        'From: nobody\n\n',
        'From: <>\n\n',
        'From: a@b@example.net\n\n',
        'From: =?utf-8?q?=FF=FE?= <\xffx@example.net>\n\n',
        f'From: {"(" * 200}\n\n',
        f'From: x <{"x" * 5000}@example.net>\n\n',
    ],
)
def test_nobody_joins(make_list: Any, raw: str) -> None:
    mlist = make_list()
    command(mlist, 'join', raw.encode('latin-1').decode('latin-1'), sender='')
    run('command')
    assert mails() == []
    assert not config.switchboards['shunt'].files


def test_a_hostile_name(make_list: Any) -> None:
    mlist = make_list('discussion', 'private')
    name = '=?utf-8?q?A=0A=0D=00B?='
    tell(mlist, 'join', f'From: {name} <{READER}>\n\n')
    assert f'Who      A B <{READER}>\n' in text(mails()[0])


def test_other_lists_have_mailmans_commands(make_list: Any) -> None:
    make_list()
    stock = create_list('plain@lists.example.gov', style_name='legacy-default')
    config.db.commit()
    tell(stock, 'join', JOIN)
    mail = the_mail()
    assert str(mail['subject']).startswith('Your confirmation is needed to join')
    tell(stock, 'request', f'From: {READER}\nSubject: confirm {token_of(mail)}\n\n')
    assert members(stock) == [READER]
