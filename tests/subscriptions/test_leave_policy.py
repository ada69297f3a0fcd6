# SPDX-License-Identifier: GPL-3.0-or-later
"""The link in a copy of a list of another style follows the list's policy (R40)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.mailinglist import SubscriptionPolicy
from mailman.interfaces.member import DeliveryMode
from mailman.interfaces.subscriptions import ISubscriptionManager
from zope.component import getUtility

from qnet_mailman.subscriptions.one_click import Kind
from tests.helpers import empty, make_user, queued
from tests.lists import list_of_another_style
from tests.rest.client import ask
from tests.subscriptions.test_one_click import token_of

READER = 'reader@example.net'
LIST_ID = 'stock.lists.example.gov'
UNSUBSCRIBE = 'plugins/qnet/unsubscribe'


def make(policy: SubscriptionPolicy, **furniture: Any) -> str:
    """A list with a member; the token of a copy."""
    mlist = list_of_another_style(
        unsubscription_policy=policy, **{'members': [READER], **furniture}
    )
    token = token_of(mlist)
    config.db.commit()
    return token


def the_list() -> Any:
    return getUtility(IListManager).get_by_list_id(LIST_ID)


def is_member() -> bool:
    return the_list().members.get_member(READER) is not None


def click(token: str, **more: str) -> str:
    answer = ask('POST', UNSUBSCRIBE, {'token': token, **more})
    assert answer.status_code == 200, answer.text
    return str(answer.json['outcome'])


def asked() -> list[str]:
    """Who was written to: the member, or the owners."""
    found = [str(msg['to']) for msg, _ in queued('virgin')]
    empty('virgin')
    return found


@pytest.fixture(autouse=True)
def wanted(configure: Any) -> None:
    configure(other_lists_one_click='yes')


@pytest.mark.parametrize('more', [{}, {'confirmed': 'yes'}])
@pytest.mark.parametrize(
    ('policy', 'outcome', 'to'),
    [
        ('open', 'left', READER),
        ('confirm', 'to confirm', READER),
        ('moderate', 'waits', 'stock-owner@lists.example.gov'),
        ('confirm_then_moderate', 'to confirm', READER),
    ],
)
def test_a_click_does_what_the_policy_says(
    policy: str, outcome: str, to: str, more: dict[str, str]
) -> None:
    """From a mail program and from the page's button alike (RFC 8058 section 3.2)."""
    token = make(SubscriptionPolicy[policy])
    described = ask('POST', f'{UNSUBSCRIBE}/describe', {'token': token}).json
    assert described['subscribed'] is True
    assert is_member()
    assert click(token, **more) == outcome
    assert asked() == [to]
    assert is_member() is (outcome != 'left')


def test_who_was_asked_leaves_by_the_answer() -> None:
    token = make(SubscriptionPolicy.confirm)
    click(token)
    ((mail, _),) = queued('virgin')
    assert 'Your confirmation is needed to leave' in str(mail['subject'])
    token_of_mail = re.search(r'-confirm\+([0-9a-f]{40})@', str(mail['from']))
    assert token_of_mail is not None
    ISubscriptionManager(the_list()).confirm(token_of_mail[1])
    config.db.commit()
    assert not is_member()
    assert click(token) == 'not subscribed'


def test_a_moderator_decides_and_is_asked_once() -> None:
    token = make(SubscriptionPolicy.moderate)
    assert [click(token) for _ in range(3)] == ['waits'] * 3
    assert asked() == ['stock-owner@lists.example.gov']
    path = f'lists/{LIST_ID}/requests?request_type=unsubscription'
    (entry,) = ask('GET', path).json['entries']
    assert entry['email'] == READER
    path = f'lists/{LIST_ID}/requests/{entry["token"]}'
    assert ask('POST', path, {'action': 'accept'}).status_code == 204
    assert not is_member()


def test_a_mailbox_is_asked_no_more_often_than_in_a_day_it_may_be() -> None:
    token = make(SubscriptionPolicy.confirm)
    outcomes = [click(token) for _ in range(7)]
    assert outcomes == ['to confirm'] * 5 + ['subscribed'] * 2
    assert asked() == [READER] * 5


@pytest.mark.parametrize('how', ['digest', 'user', 'both'])
def test_whoever_has_it_can_leave(how: str) -> None:
    members = [] if how == 'user' else [READER]
    mlist = list_of_another_style(
        unsubscription_policy=SubscriptionPolicy.open,
        members=['other@example.net', *members],
    )
    if how == 'digest':
        preferences = mlist.members.get_member(READER).preferences
        preferences.delivery_mode = DeliveryMode.mime_digests
    else:
        user = mlist.members.get_member(READER).user if members else make_user(READER)
        user.preferred_address = next(iter(user.addresses))
        mlist.subscribe(user)
    token = token_of(mlist)
    config.db.commit()
    assert click(token) == 'left'
    assert not is_member()
    assert the_list().members.get_member('other@example.net') is not None


def test_links_work_on_when_the_setting_is_taken_back(configure: Any) -> None:
    token = make(SubscriptionPolicy.moderate)
    configure()
    assert click(token) == 'waits'
    assert is_member()


def test_the_link_of_a_footer_too(configure: Any) -> None:
    """Of a list that was ours once."""
    make(SubscriptionPolicy.open)
    token = token_of(the_list(), kind=Kind.footer)
    config.db.commit()
    assert click(token, confirmed='yes') == 'left'
