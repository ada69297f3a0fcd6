# SPDX-License-Identifier: GPL-3.0-or-later
"""What Mailman itself writes to people about our lists has our words, and a way on."""

from __future__ import annotations

import re
from typing import Any

import pytest
from mailman.app.membership import delete_member
from mailman.app.moderator import handle_message, hold_message
from mailman.config import config
from mailman.interfaces.action import Action

from qnet_mailman.subscriptions import one_click
from qnet_mailman.subscriptions.one_click import Kind, Outcome
from tests.adopting.stock_lists import stock_list
from tests.helpers import message, queued, run, subscribe, text_of
from tests.rest.client import ask
from tests.subscriptions.joiners import READER, mails, register

SIGN_UP = 'https://lists.example.gov/signup/?lists='


def the_mail() -> tuple[str, str]:
    """The subject and the text, without line ends in sentences, of the only mail."""
    run('virgin')
    ((msg, _),) = queued('out')
    return str(msg['subject']), text_of(msg)


@pytest.mark.parametrize('list_type', ['notification', 'discussion'])
def test_the_welcome_has_the_members_own_link(make_list: Any, list_type: str) -> None:
    mlist = make_list(list_type)
    mlist.description = 'News about $display_name.'
    subscribe(mlist, READER)
    subject, text = the_mail()
    assert subject == 'Welcome to HQR Updates'
    assert 'News about $display_name.' in text
    assert f'\n  {READER}\n' in text
    assert ('Only people with posting privileges' in text) == (
        list_type == 'notification'
    )
    (token,) = re.findall(
        r'\n  Leave the list:\n  https://lists.example.gov/unsubscribe/(\w{72})/\n',
        text,
    )
    claim = one_click.decode(token)
    assert claim is not None
    assert claim.kind is Kind.footer
    assert one_click.describe(token).outcome is Outcome.subscribed


def test_without_a_web_side_by_mail(make_list: Any, configure: Any) -> None:
    configure(web_url='')
    mlist = make_list()
    subscribe(mlist, READER)
    text = the_mail()[1]
    assert 'at any time, send a message with the subject "Unsubscribe" to' in text
    assert 'http' not in text


def test_a_command_of_mailmans_says_goodbye_in_our_words(make_list: Any) -> None:
    mlist = make_list('discussion', 'private')
    mlist.send_welcome_message = False
    subscribe(mlist, READER)
    delete_member(mlist, READER)
    subject, text = the_mail()
    assert subject == 'You are no longer subscribed to HQR Updates'
    assert f'If you want to come back, open\n\n  Sign up:\n  {SIGN_UP}' in text
    assert f'\n  {mlist.join_address}\n' in text
    assert 'An administrator of the list approves it' in text


REASONS = [
    ({}, 'They gave no reason.'),
    ({'reason': 'Not here.\nTry $listname.'}, '  Not here.\n  Try $listname.\n'),
]


@pytest.mark.parametrize(('fields', 'said'), REASONS)
def test_a_refused_request_to_join(
    make_list: Any, fields: dict[str, str], said: str
) -> None:
    mlist = make_list('discussion', 'private')
    token, _, _ = register(mlist)
    mails()
    list_id = mlist.list_id
    config.db.commit()
    ask('POST', f'lists/{list_id}/requests/{token}', {'action': 'reject', **fields})
    subject, text = the_mail()
    assert subject == 'Your request to join HQR Updates was refused'
    assert said in text
    assert '[' not in text
    assert '  See other lists:\n  https://lists.example.gov/signup/\n' in text


@pytest.mark.parametrize(('fields', 'said'), REASONS)
def test_a_refused_message(make_list: Any, fields: dict[str, str], said: str) -> None:
    mlist = make_list('discussion')
    msg = message(f'From: {READER}\nSubject: The "new" form\n\nHello.\n')
    held = hold_message(mlist, msg)
    config.db.commit()
    handle_message(mlist, held, Action.reject, fields.get('reason'))
    subject, text = the_mail()
    assert subject == 'Your message to HQR Updates was refused'
    assert '  Your message "The "new" form"\n' in text
    assert said in text
    assert '[' not in text


def test_lists_of_other_styles_keep_mailmans(core: Any) -> None:
    mlist = stock_list(send_welcome_message=True)
    subscribe(mlist, READER)
    delete_member(mlist, READER)
    msg = message(f'From: {READER}\nSubject: Hello\n\nHello.\n')
    handle_message(mlist, hold_message(mlist, msg), Action.reject)
    welcome, goodbye, refused = mails()
    assert 'Welcome to the "' in str(welcome['subject'])
    assert 'You have been unsubscribed' in str(goodbye['subject'])
    assert '[No reason given]' in refused.get_payload()
