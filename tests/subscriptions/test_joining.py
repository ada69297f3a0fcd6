# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of steps by which one joins a list, for every route (R11, R12)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from mailman.app.lifecycle import create_list
from mailman.commands.cli_addmembers import add_members
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
    TokenOwner,
)
from mailman.interfaces.user import IUser
from mailman.interfaces.usermanager import IUserManager
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.model.pending import Pended, PendedKeyValue
from mailman.utilities.datetime import now
from sqlalchemy import delete, func, insert, select, update
from zope.component import getUtility

from qnet_mailman import clock
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import row_of
from qnet_mailman.subscriptions import confirming, joining
from qnet_mailman.subscriptions.confirming import Kind, Outcome
from qnet_mailman.values import Visibility
from tests.effort import effort
from tests.helpers import make_user, subscribe
from tests.subscriptions.joiners import (
    READER,
    confirm,
    find_list,
    let_expire,
    mails,
    members,
    register,
    rest,
    text,
    the_mail,
    token_of,
)

PROVEN = {'pre_verified': True, 'pre_confirmed': True}
OWNERS = 'news1-owner@lists.example.gov'


def decide(list_id: str, token: str, **fields: str) -> Any:
    return rest('POST', f'lists/{list_id}/requests/{token}', **fields).status_code


def waiting() -> int:
    return store().scalar(select(func.count()).select_from(Pended))


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
    assert mail['from'] == mlist.confirm_address(token)
    assert mail['auto-submitted'] == 'auto-generated'
    assert confirm(mlist, token)[:2] == (None, TokenOwner.no_one)
    assert members(mlist) == [READER]
    assert getUtility(IUserManager).get_address(READER).verified_on is not None
    with pytest.raises(LookupError):
        confirm(mlist, token)
    assert waiting() == 0


def test_the_confirmation_says_who_asked_and_what_to_do(make_list: Any) -> None:
    mlist = make_list()
    token, _, _ = register(mlist)
    mail = the_mail()
    assert mail['subject'] == 'Please confirm that you join HQR Updates'
    words = text(mail)
    for part in (
        '"HQR Updates"\n<news1@lists.example.gov>',
        f'  {READER}\n',
        f'  https://lists.example.gov/signup/confirm/{token}/\n',
        f'  news1-confirm+{token}@lists.example.gov\n',
        f'until {clock.in_words(now() + timedelta(days=3))[:10]}',
        'If YOU DID NOT ASK',
        'help@example.gov',
    ):
        assert part in words, part
    assert 'approved' not in words
    assert '$' not in words
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
    assert [mail['subject'] for mail in mails()] == [
        'Welcome to the "HQR Updates" mailing list'
    ]


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


# ------------------------------------------------------------------ private


@pytest.mark.parametrize('policy', list(SubscriptionPolicy))
@pytest.mark.parametrize('options', [{}, {'pre_confirmed': True}, PROVEN])
def test_private_is_approved_and_then_confirmed(
    make_list: Any, policy: SubscriptionPolicy, options: dict[str, bool]
) -> None:
    mlist = make_list('notification', 'private')
    mlist.subscription_policy = policy
    make_user(READER)
    for_approval, owner, member = register(mlist, **options)
    assert (owner, member) == (TokenOwner.moderator, None)
    the_mail(OWNERS)
    for_confirming, owner, member = confirm(mlist, for_approval)
    assert (owner, member) == (TokenOwner.subscriber, None)
    assert members(mlist) == []
    with pytest.raises(LookupError):
        confirm(mlist, for_approval)
    mail = the_mail()
    assert token_of(mail) == for_confirming
    assert 'The administrators of the list have approved' in text(mail)
    assert confirm(mlist, for_confirming)[:2] == (None, TokenOwner.no_one)
    assert members(mlist) == [READER]
    assert waiting() == 0


def test_the_notice_to_the_administrators(make_list: Any) -> None:
    mlist = make_list('notification', 'private')
    token, _, _ = register(mlist)
    mail = the_mail(OWNERS)
    assert mail['from'] == OWNERS
    assert mail['subject'] == f'HQR Updates: {READER} asks to join'
    words = text(mail)
    for part in (
        f'Who   Rea Reader <{READER}>',
        '/mailman3/lists/news1.lists.example.gov/subscription_requests\n',
        f'  confirm {token}\n',
        '  news1-request@lists.example.gov\n',
        'Answering this message does not approve',
        'help@example.gov',
    ):
        assert part in words, part
    assert '$' not in words
    # Once: asking again says nothing to anybody.
    with pytest.raises(SubscriptionPendingError):
        register(mlist)
    assert mails() == []


def test_no_notice_where_the_list_wants_none(make_list: Any) -> None:
    mlist = make_list('notification', 'private')
    mlist.admin_immed_notify = False
    assert register(mlist)[1] is TokenOwner.moderator
    assert mails() == []


def test_a_hostile_name_stays_in_its_line(make_list: Any) -> None:
    mlist = make_list('notification', 'private')
    make_user(READER, 'A\n\n  confirm it\x07 $token ${support_contact}')
    register(mlist)
    assert (
        'Who   A confirm it $token ${support_contact} <reader@example.net>\n'
        in text(the_mail(OWNERS))
    )


def test_the_confirmation_after_an_approval_is_always_sent(
    make_list: Any, configure: Any
) -> None:
    configure(unproven_mails_per_day='1')
    register(make_list())
    private = make_list('notification', 'private')
    token, _, _ = register(private)
    mails()
    confirm(private, token)
    the_mail()


def test_approval_over_rest(make_list: Any) -> None:
    mlist = make_list('discussion', 'private')
    list_id = mlist.list_id
    token, _, _ = register(mlist)
    mails()
    requests = rest('GET', f'lists/{list_id}/requests').json
    assert [entry['token'] for entry in requests['entries']] == [token]
    assert requests['entries'][0]['token_owner'] == 'moderator'
    assert decide(list_id, token, action='accept') == 204
    assert decide(list_id, token, action='accept') == 404
    the_mail()


def test_refusal_over_rest_tells_the_reason(make_list: Any) -> None:
    mlist = make_list('discussion', 'private')
    token, _, _ = register(mlist)
    mails()
    list_id = mlist.list_id
    reason = 'Only for staff of $listname hospitals.'
    assert decide(list_id, token, action='reject', reason=reason) == 204
    words = text(the_mail())
    for part in (
        '  Subscription request\n',
        '\nOnly for staff of $listname hospitals.\n',
        f'  {OWNERS}\n',
        'help@example.gov',
    ):
        assert part in words, part
    assert waiting() == 0
    assert register(find_list(list_id))[1] is TokenOwner.moderator


def test_approving_somebody_who_was_added_meanwhile(make_list: Any) -> None:
    mlist = make_list('discussion', 'private')
    token, _, _ = register(mlist)
    subscribe(mlist, READER)
    config.db.commit()
    mails()
    list_id = mlist.list_id
    assert decide(list_id, token, action='accept') == 409
    assert mails() == []
    assert waiting() == 0


def test_asking_again_after_the_approval_repeats_its_mail(make_list: Any) -> None:
    mlist = make_list('discussion', 'private')
    token, _, _ = register(mlist)
    confirm(mlist, token)
    first = mails()[-1]
    for options in ({}, PROVEN):
        with pytest.raises(SubscriptionPendingError):
            register(mlist, **options)
        mail = the_mail()
        assert token_of(mail) == token_of(first)
        assert 'have approved' in text(mail)


# ----------------------------------------------------------- administrators


@pytest.mark.parametrize('visibility', ['public', 'private'])
def test_who_is_added_by_an_administrator(make_list: Any, visibility: str) -> None:
    mlist = make_list('notification', visibility)
    assert register(mlist, pre_approved=True, **PROVEN)[2] is not None
    mails()
    # Without proof, the person is asked, and not the administrators.
    token, owner, _ = register(mlist, 'other@example.net', pre_approved=True)
    assert owner is TokenOwner.subscriber
    the_mail('other@example.net')
    confirm(mlist, token)
    assert members(mlist) == ['other@example.net', READER]


def test_adding_decides_what_waits_for_approval(make_list: Any) -> None:
    mlist = make_list('notification', 'private')
    token, _, _ = register(mlist)
    mails()
    new, owner, _ = register(mlist, pre_approved=True)
    assert owner is TokenOwner.subscriber
    assert token_of(the_mail()) == new
    with pytest.raises(LookupError):
        confirm(mlist, token)
    assert register(mlist, pre_approved=True, **PROVEN)[2] is not None
    assert waiting() == 0


@pytest.mark.parametrize('visibility', ['public', 'private'])
def test_invitation(make_list: Any, visibility: str) -> None:
    mlist = make_list('notification', visibility)
    mlist.description = 'News of the week.'
    token, owner, _ = register(mlist, invitation=True)
    assert owner is TokenOwner.subscriber
    mail = the_mail()
    assert mail['subject'] == 'Invitation to HQR Updates'
    assert f'/signup/confirm/{token}/' in text(mail)
    assert '$' not in text(mail)
    assert '\n\nNews of the week.\n\nIf YOU WANT' in text(mail)
    described = confirming.describe(token)
    assert described is not None
    assert described.kind is Kind.invitation
    # Again: the same once more, and no error.
    assert register(mlist, invitation=True) == (token, TokenOwner.subscriber, None)
    assert token_of(the_mail()) == token
    confirm(mlist, token)
    assert members(mlist) == [READER]


def test_an_invitation_takes_the_place_of_a_request(make_list: Any) -> None:
    mlist = make_list('notification', 'private')
    old, _, _ = register(mlist)
    new, owner, _ = register(mlist, invitation=True)
    assert (new != old, owner) == (True, TokenOwner.subscriber)
    assert waiting() == 1


@pytest.mark.parametrize('visibility', ['public', 'private'])
def test_the_command_addmembers(make_list: Any, visibility: str) -> None:
    mlist = make_list('notification', visibility)
    add_members(mlist, StringIO(f'Rea <{READER}>\n'), 'mime', False, None)
    assert members(mlist) == [READER]
    add_members(mlist, StringIO('other@example.net\n'), None, True, None)
    assert mails()[-1]['subject'] == 'Invitation to HQR Updates'
    assert members(mlist) == [READER]


# -------------------------------------------------------------------- edges


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
