# SPDX-License-Identifier: GPL-3.0-or-later
"""The tokens of lists of other styles, at our page: Mailman's policies (R40)."""

from __future__ import annotations

from typing import Any

import pytest
from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.mailinglist import SubscriptionPolicy
from mailman.interfaces.subscriptions import ISubscriptionManager
from zope.component import getUtility

from tests.subscriptions.joiners import READER, mails, register, rest, token_of

LIST_ID = 'talk.lists.example.gov'
ENDS = {
    'confirm': 'subscribed',
    'confirm_then_moderate': 'waiting',
    'open': 'subscribed',
}


@pytest.fixture
def talk(mlist: Any) -> Any:
    """A list with one of Mailman's styles."""
    return create_list('talk@lists.example.gov', style_name='legacy-default')


def found() -> Any:
    return getUtility(IListManager).get_by_list_id(LIST_ID)


def at(what: str, token: str) -> Any:
    return rest('POST', f'plugins/qnet/confirmations/{what}', token=token)


def outcome(answer: Any) -> tuple[str, str]:
    assert answer.status_code == 200
    [one] = answer.json['lists']
    assert (one['list_id'], one['visibility']) == (LIST_ID, None)
    return answer.json['kind'], one.get('outcome', '')


@pytest.mark.parametrize('policy', ENDS)
def test_joining(talk: Any, policy: str) -> None:
    talk.subscription_policy = SubscriptionPolicy[policy]
    register(talk)
    [question] = mails()
    token = token_of(question)
    assert outcome(at('describe', token)) == ('subscription', '')
    assert found().members.get_member(READER) is None
    assert outcome(at('confirm', token)) == ('subscription', ENDS[policy])
    welcomed = [msg['subject'] for msg in mails() if 'Welcome' in str(msg['subject'])]
    subscribed = ENDS[policy] == 'subscribed'
    assert (found().members.get_member(READER) is not None) == subscribed
    assert len(welcomed) == subscribed
    assert at('confirm', token).status_code == 410


@pytest.mark.parametrize(
    ('policy', 'end'), [('confirm', 'left'), ('confirm_then_moderate', 'waiting')]
)
def test_leaving(talk: Any, policy: str, end: str) -> None:
    register(talk, pre_verified=True, pre_confirmed=True, pre_approved=True)
    mails()
    mlist = found()
    mlist.unsubscription_policy = SubscriptionPolicy[policy]
    address = mlist.members.get_member(READER).address
    ISubscriptionManager(mlist).unregister(address)
    config.db.commit()
    token = token_of(mails()[0])
    assert outcome(at('describe', token)) == ('unsubscription', '')
    assert outcome(at('confirm', token)) == ('unsubscription', end)
    assert (found().members.get_member(READER) is None) == (end == 'left')


def test_what_waits_for_a_moderator_is_no_link(talk: Any) -> None:
    """Postorius's page takes such a token from whoever has it."""
    talk.subscription_policy = SubscriptionPolicy.moderate
    register(talk, pre_verified=True)
    [request] = rest('GET', f'lists/{LIST_ID}/requests').json['entries']
    assert request['token_owner'] == 'moderator'
    for what in ('describe', 'confirm'):
        assert at(what, request['token']).status_code == 404
    assert found().members.get_member(READER) is None
