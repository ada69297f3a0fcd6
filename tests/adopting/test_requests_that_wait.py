# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to join and leave that wait while a list changes hands (R12, R14, R40)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from mailman.config import config
from mailman.interfaces.mailinglist import SubscriptionPolicy
from mailman.interfaces.subscriptions import ISubscriptionManager
from mailman.interfaces.usermanager import IUserManager
from mailman.model.pending import Pended
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman.model import keys
from qnet_mailman.model.base import store
from qnet_mailman.subscriptions import one_click, replies
from tests.adopting.stock_lists import ANN, adopt, again, release, stock_list
from tests.helpers import make_user, message, run, subscribe
from tests.subscriptions.joiners import mails

NEW = 'new@agency.test'


@pytest.fixture
def talk(core: SimpleNamespace) -> Any:
    """Makes a list of Mailman's own, with Ann; policies are of joining and leaving."""

    def make(policy: str) -> str:
        wanted = SubscriptionPolicy[policy]
        mlist = stock_list(subscription_policy=wanted, unsubscription_policy=wanted)
        subscribe(mlist, ANN)
        make_user(NEW, verified=False)
        config.db.commit()
        return str(mlist.list_id)

    return make


def ask_to_join(list_id: str) -> None:
    address = getUtility(IUserManager).get_address(NEW)
    ISubscriptionManager(again(list_id)).register(address)
    config.db.commit()


def ask_to_leave(list_id: str) -> None:
    address = getUtility(IUserManager).get_address(ANN)
    ISubscriptionManager(again(list_id)).unregister(address)
    config.db.commit()


def confirm(list_id: str) -> None:
    """Whoever has to answer answers yes."""
    ISubscriptionManager(again(list_id)).confirm(latest_token())
    config.db.commit()


def latest_token() -> Any:
    return store().scalar(select(Pended.token).order_by(Pended.id.desc()).limit(1))


def members(list_id: str) -> set[str]:
    return {one.email for one in again(list_id).members.addresses}


@pytest.mark.parametrize(
    ('policy', 'answers'),
    # For private lists: approval, if it is not what waits, and confirmation after it.
    [('confirm', 1), ('moderate', 3), ('confirm_then_moderate', 3)],
)
def test_mailmans_requests_to_join_go_on(talk: Any, policy: str, answers: int) -> None:
    list_id = talk(policy)
    ask_to_join(list_id)
    adopt(list_id)
    for number in range(answers):
        assert NEW not in members(list_id), number
        confirm(list_id)
    assert NEW in members(list_id)


@pytest.mark.parametrize('policy', ['confirm', 'moderate', 'confirm_then_moderate'])
def test_mailmans_requests_to_leave_go_on(talk: Any, policy: str) -> None:
    list_id = talk(policy)
    ask_to_leave(list_id)
    adopt(list_id)
    confirm(list_id)
    assert ANN not in members(list_id)


@pytest.mark.parametrize(
    ('policy', 'answers'),
    # What we let approve first is confirmed by the subscriber with Mailman, too.
    [('confirm', 1), ('moderate', 2), ('confirm_then_moderate', 2)],
)
def test_our_requests_to_join_go_on(talk: Any, policy: str, answers: int) -> None:
    list_id = talk(policy)
    adopt(list_id)
    ask_to_join(list_id)
    release(list_id)
    for number in range(answers):
        assert NEW not in members(list_id), number
        confirm(list_id)
    assert NEW in members(list_id)


def test_an_approved_request_to_join_needs_no_second_approval(talk: Any) -> None:
    list_id = talk('confirm_then_moderate')
    adopt(list_id)
    ask_to_join(list_id)
    confirm(list_id)
    release(list_id)
    assert NEW not in members(list_id)
    confirm(list_id)
    assert NEW in members(list_id)


@pytest.mark.parametrize(('policy', 'answers'), [('confirm', 1), ('moderate', 2)])
def test_our_requests_to_leave_go_on(talk: Any, policy: str, answers: int) -> None:
    list_id = talk(policy)
    adopt(list_id)
    ask_to_leave(list_id)
    release(list_id)
    for number in range(answers):
        assert ANN in members(list_id), number
        confirm(list_id)
    assert ANN not in members(list_id)


def test_our_question_is_answered_by_mail_after_the_list_has_gone(talk: Any) -> None:
    list_id = talk('confirm')
    adopt(list_id)
    ask_to_leave(list_id)
    [question] = mails()
    release(list_id)
    token = latest_token()
    answer = message(
        f'From: {ANN}\nTo: {question["from"]}\nSubject: Re: {question["subject"]}\n\n'
    )
    config.switchboards['command'].enqueue(
        answer, listid=list_id, subaddress='confirm', **{replies.PENDING: token}
    )
    run('command')
    assert ANN not in members(list_id)


@pytest.mark.parametrize(
    ('policy', 'outcome'),
    [
        ('open', one_click.Outcome.left),
        ('confirm', one_click.Outcome.to_confirm),
        ('moderate', one_click.Outcome.waits),
    ],
)
def test_our_links_do_what_the_list_says(
    talk: Any, policy: str, outcome: one_click.Outcome
) -> None:
    list_id = talk(policy)
    adopt(list_id)
    mlist = again(list_id)
    member = one_click.memberships(mlist, [ANN])[ANN]
    token = one_click.token_for(mlist, member, keys.signing())
    release(list_id)
    assert one_click.leave(token, route='web').outcome is outcome
    assert (ANN in members(list_id)) is (outcome is not one_click.Outcome.left)
