# SPDX-License-Identifier: GPL-3.0-or-later
"""Joining while something else happens: bans, deletions, the same twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.interfaces.address import IAddress, InvalidEmailAddressError
from mailman.interfaces.bans import IBanManager
from mailman.interfaces.mailinglist import SubscriptionPolicy
from mailman.interfaces.member import (
    AlreadySubscribedError,
    DeliveryMode,
    MemberRole,
    MembershipIsBannedError,
)
from mailman.interfaces.subscriptions import (
    ISubscriptionManager,
    SubscriptionPendingError,
)
from mailman.interfaces.user import IUser
from mailman.interfaces.usermanager import IUserManager
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.model.pending import Pended, PendedKeyValue
from sqlalchemy import delete, insert, update
from zope.component import getUtility

from qnet_mailman.model.lists import row_of
from qnet_mailman.subscriptions import confirming, joining
from qnet_mailman.subscriptions.confirming import Outcome
from qnet_mailman.values import Visibility
from tests.effort import effort
from tests.helpers import make_user, subscribe
from tests.subscriptions.joiners import (
    READER,
    confirm,
    mails,
    members,
    register,
    the_mail,
)
from tests.subscriptions.waiting import OWNERS, PROVEN, waiting


def test_who_may_not_join(make_list: Any) -> None:
    mlist = make_list()
    subscribe(mlist, READER)
    with pytest.raises(AlreadySubscribedError):
        register(mlist)
    mails()
    IBanManager(mlist).ban('^.*@spam\\.example')
    with pytest.raises(MembershipIsBannedError):
        register(mlist, 'x@spam.example')
    for local in ('news1', 'news1-owner', 'news1-confirm+1', 'NEWS1-request'):
        with pytest.raises(InvalidEmailAddressError):
            register(mlist, f'{local}@lists.example.gov')
    assert mails() == []


def test_banned_while_thinking(make_list: Any) -> None:
    mlist = make_list()
    token, _, _ = register(mlist)
    IBanManager(mlist).ban(READER)
    confirmed = confirming.confirm(token, route='web')
    assert confirmed is not None
    assert [outcome for _, outcome in confirmed.lists] == [Outcome.refused]
    assert members(mlist) == []
    assert waiting() == 0


def test_private_while_thinking(make_list: Any) -> None:
    mlist = make_list()
    token, _, _ = register(mlist)
    row = row_of(mlist)
    assert row is not None
    row.visibility = Visibility.private.value
    confirmed = confirming.confirm(token, route='web')
    assert confirmed is not None
    assert [outcome for _, outcome in confirmed.lists] == [Outcome.waiting]
    assert members(mlist) == []
    assert mails()[-1]['to'] == OWNERS


def test_deleted_while_thinking(make_list: Any) -> None:
    mlist = make_list()
    token, _, _ = register(mlist)
    users = getUtility(IUserManager)
    users.delete_user(users.get_user(READER))
    config.db.commit()
    assert confirming.confirm(token, route='web') is None
    assert waiting() == 0


def test_options_survive(make_list: Any) -> None:
    mlist = make_list('discussion', 'private')
    token, _, _ = register(mlist, delivery_mode=DeliveryMode.mime_digests)
    token, _, _ = confirm(mlist, token)
    confirm(mlist, token)
    assert members(mlist) == [READER]
    member = mlist.members.get_member(READER)
    assert member.delivery_mode is DeliveryMode.mime_digests


def test_a_user_joins_as_such_while_the_address_is_preferred(make_list: Any) -> None:
    mlist = make_list()
    user = make_user(READER)
    user.preferred_address = next(iter(user.addresses))
    token, _, _ = ISubscriptionManager(mlist).register(user)
    confirm(mlist, token)
    assert IUser.providedBy(mlist.members.get_member(READER).subscriber)
    other = make_list()
    user = getUtility(IUserManager).get_user(READER)
    token, _, _ = ISubscriptionManager(other).register(user)
    del user.preferred_address
    confirm(other, token)
    assert members(other) == [READER]
    assert IAddress.providedBy(other.members.get_member(READER).subscriber)


def test_capitals_are_kept(make_list: Any) -> None:
    mlist = make_list()
    token, _, _ = register(mlist, 'Rea.Reader+x@Example.NET')
    the_mail('Rea.Reader+x@Example.NET')
    with pytest.raises(SubscriptionPendingError):
        register(mlist, 'rea.reader+x@example.net')
    confirm(mlist, token)
    member = mlist.members.get_member('rea.reader+x@example.net')
    assert member.address.original_email == 'Rea.Reader+x@Example.NET'


def test_a_token_is_for_its_list_and_its_owner(make_list: Any) -> None:
    mlist, other = make_list(), make_list('discussion', 'private')
    token, _, _ = register(mlist)
    with pytest.raises(LookupError):
        confirm(other, token)
    assert confirming.confirm(token, route='e-mail', mlist=other) is None
    # An administrator's is not what a subscriber returns.
    approval, _, _ = register(other)
    assert confirming.describe(approval) is None
    assert confirming.confirm(approval, route='web') is None
    assert confirming.confirm(token, route='e-mail', mlist=mlist) is not None
    assert waiting() == 1


def test_looking_for_what_waits_is_one_statement(make_list: Any) -> None:
    mlist = make_list()
    for number in range(20):
        register(mlist, f'reader{number}@example.net')
    with effort() as spent:
        assert len(joining.pendings_of('reader7@example.net')) == 1
    assert len(spent.statements) == 1


def test_stock_lists_stay_stock(make_list: Any) -> None:
    make_list()
    stock = create_list('plain@lists.example.gov', style_name='legacy-default')
    stock.subscription_policy = SubscriptionPolicy.open
    make_user(READER)
    assert register(stock)[2] is not None


# --------------------------------------------------------------- two at once


@contextmanager
def meanwhile(*statements: Any) -> Iterator[None]:
    """Another process has done the first statement, and soon does the rest."""
    first, *rest_of_them = statements
    config.db.commit()
    begun = threading.Event()

    def work() -> None:
        with config.db.engine.begin() as connection:
            connection.execute(first)
            begun.set()
            # Nobody sees whether this process waits already; it passes if not.
            time.sleep(0.3)
            for statement in rest_of_them:
                connection.execute(statement)

    other = threading.Thread(target=work)
    other.start()
    assert begun.wait(120)
    yield
    other.join(120)


def test_a_token_that_comes_twice_at_once_counts_once(make_list: Any) -> None:
    mlist = make_list()
    token, _, _ = register(mlist)
    for use in (
        lambda: confirming.confirm(token, route='web'),
        lambda: suppressed(LookupError, confirm, mlist, token),
    ):
        with meanwhile(
            update(Pended).values(expiration_date=Pended.expiration_date),
            delete(PendedKeyValue),
            delete(Pended),
        ):
            assert use() is None
    assert members(mlist) == []


def suppressed(error: type[Exception], function: Any, *arguments: Any) -> Any:
    with suppress(error):
        return function(*arguments)
    return None


def test_nobody_is_a_member_twice(make_list: Any) -> None:
    mlist = make_list()
    make_user(READER)
    address = getUtility(IUserManager).get_address(READER)
    config.db.commit()
    member = {'role': MemberRole.member, 'list_id': mlist.list_id}
    with (
        meanwhile(
            update(Address).values(registered_on=Address.registered_on),
            insert(Member).values(address_id=address.id, **member),
        ),
        pytest.raises(AlreadySubscribedError),
    ):
        register(mlist, **PROVEN)
    assert members(mlist) == [READER]
