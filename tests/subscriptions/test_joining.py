# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of steps by which one joins a list, for every route (R11, R12)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from mailman.interfaces.mailinglist import SubscriptionPolicy
from mailman.interfaces.subscriptions import (
    SubscriptionPendingError,
    TokenOwner,
)
from mailman.interfaces.usermanager import IUserManager
from mailman.model.pending import Pended
from mailman.utilities.datetime import now
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman.model import return_addresses
from qnet_mailman.model.base import store
from qnet_mailman.subscriptions import confirming
from tests.clock import Clock
from tests.expected import require_expected
from tests.helpers import make_user
from tests.subscriptions.joiners import (
    READER,
    confirm,
    let_expire,
    mails,
    members,
    register,
    rest,
    text,
    the_mail,
    token_of,
)
from tests.subscriptions.waiting import PROVEN, waiting

# ------------------------------------------------------------------- public


@pytest.mark.parametrize('policy', list(SubscriptionPolicy))
def test_public_needs_a_confirmation_whatever_the_policy(
    make_list: Any, policy: SubscriptionPolicy
) -> None:
    mlist = make_list()
    mlist.subscription_policy = policy
    token, owner, member = register(mlist)
    assert (owner, member) == (TokenOwner.subscriber, None)
    assert members(mlist) == []
    mail = the_mail()
    assert token_of(mail) == token
    assert mail['from'] == return_addresses.confirm_address(mlist, token)
    assert mail['auto-submitted'] == 'auto-generated'
    assert confirm(mlist, token)[:2] == (None, TokenOwner.no_one)
    assert members(mlist) == [READER]
    assert getUtility(IUserManager).get_address(READER).verified_on is not None
    with pytest.raises(LookupError):
        confirm(mlist, token)
    assert waiting() == 0


def test_the_confirmation_says_who_asked_and_what_to_do(
    mlist: Any, clock: Clock
) -> None:
    token, _, _ = register(mlist)
    mail = the_mail()
    assert mail['subject'] == 'Please confirm that you join HQR Updates'
    words = text(mail)
    require_expected(
        words, __file__, 'question-to-who-joins', TOKEN=token, ROW=f'{mlist.id:08x}'
    )
    assert all(len(line) <= 78 for line in words.splitlines() if line[:1] != ' ')


def test_without_a_web_side_there_is_the_answer(make_list: Any, configure: Any) -> None:
    configure(web_url='')
    register(make_list())
    words = text(the_mail())
    assert 'https://' not in words
    assert 'If YOU WANT THEM, answer this message.' in words


@pytest.mark.parametrize('policy', list(SubscriptionPolicy))
def test_public_signed_in_is_a_member_at_once(
    make_list: Any, policy: SubscriptionPolicy
) -> None:
    mlist = make_list()
    mlist.subscription_policy = policy
    make_user(READER)
    assert register(mlist, pre_confirmed=True)[2] is not None
    assert [mail['subject'] for mail in mails()] == ['Welcome to HQR Updates']


def test_public_signed_in_with_an_unproven_address_confirms(make_list: Any) -> None:
    mlist = make_list()
    assert register(mlist, pre_confirmed=True)[1] is TokenOwner.subscriber
    assert members(mlist) == []


def test_asking_again_repeats_the_mail_within_limits(
    make_list: Any, configure: Any
) -> None:
    configure(unproven_mails_per_day='2')
    mlist = make_list()
    token, _, _ = register(mlist)
    with pytest.raises(SubscriptionPendingError):
        register(mlist)
    assert [token_of(mail) for mail in mails()] == [token, token]
    with pytest.raises(SubscriptionPendingError):
        register(mlist)
    assert mails() == []
    # The limit is over all lists.
    assert register(make_list())[1] is TokenOwner.subscriber
    assert mails() == []
    assert waiting() == 2


def test_over_rest_asking_again_is_a_conflict_that_writes(make_list: Any) -> None:
    mlist = make_list()
    fields = {'list_id': mlist.list_id, 'subscriber': READER}
    assert rest('POST', 'members', **fields).status_code == 202
    assert rest('POST', 'members', **fields).status_code == 409
    assert len({token_of(mail) for mail in mails()}) == 1


def test_a_repeated_mail_is_good_for_the_whole_time(make_list: Any) -> None:
    mlist = make_list()
    register(mlist)
    pended = store().scalars(select(Pended)).one()
    pended.expiration_date = now() + timedelta(minutes=1)
    with pytest.raises(SubscriptionPendingError):
        register(mlist)
    assert pended.expiration_date > now() + timedelta(days=2)


def test_who_signs_in_need_not_confirm_any_more(make_list: Any) -> None:
    mlist = make_list()
    token, _, _ = register(mlist)
    assert register(mlist, **PROVEN)[2] is not None
    with pytest.raises(LookupError):
        confirm(mlist, token)
    assert waiting() == 0


def test_what_expired_is_no_more(make_list: Any) -> None:
    mlist = make_list()
    token, _, _ = register(mlist)
    let_expire(token)
    with pytest.raises(LookupError):
        confirm(mlist, token)
    assert members(mlist) == []
    assert confirming.describe(token) is None
    assert register(mlist)[0] != token


def test_the_lifetimes(make_list: Any, configure: Any) -> None:
    configure(signup_lifetime='5d')
    register(make_list())
    register(make_list('discussion', 'private'))
    days = [
        (expiry - now() + timedelta(minutes=1)).days
        for expiry in store().scalars(select(Pended.expiration_date).order_by('id'))
    ]
    assert days == [5, 180]
