# SPDX-License-Identifier: GPL-3.0-or-later
"""Joining a private list, and being added to one by its administrators (R12)."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

import pytest
from mailman.commands.cli_addmembers import add_members
from mailman.config import config
from mailman.interfaces.mailinglist import SubscriptionPolicy
from mailman.interfaces.subscriptions import (
    SubscriptionPendingError,
    TokenOwner,
)

from qnet_mailman.model import return_addresses
from qnet_mailman.subscriptions import confirming
from qnet_mailman.subscriptions.confirming import Kind
from tests.clock import Clock
from tests.expected import require_expected
from tests.helpers import appoint, make_user, subscribe
from tests.subscriptions.joiners import (
    READER,
    confirm,
    find_list,
    mails,
    members,
    register,
    rest,
    text,
    the_mail,
    token_of,
)
from tests.subscriptions.waiting import OWNERS, PROVEN, waiting


def decide(list_id: str, token: str, **fields: str) -> Any:
    return rest('POST', f'lists/{list_id}/requests/{token}', **fields).status_code


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


def test_the_notice_to_the_administrators(make_list: Any, clock: Clock) -> None:
    mlist = make_list('notification', 'private')
    appoint(mlist, 'admin@example.gov')
    appoint(mlist, 'mod@example.gov', 'moderator')
    token, _, _ = register(mlist)
    found = mails()
    assert [mail['to'] for mail in found] == ['admin@example.gov', 'mod@example.gov']
    for mail in found:
        assert mail['from'] == return_addresses.confirm_address(mlist, token)
        assert mail['subject'] == f'HQR Updates: {READER} asks to join'
    theirs = [re.search(r'/decide/(\w+)/', text(mail))[1] for mail in found]
    assert theirs[0] != theirs[1]
    name = 'notice-to-who-approves'
    require_expected(text(found[0]), __file__, name, TOKEN=theirs[0])
    # Once: asking again says nothing to anybody.
    with pytest.raises(SubscriptionPendingError):
        register(mlist)
    assert mails() == []


@pytest.mark.parametrize('switched_off', [True, False])
def test_the_notice_where_nobody_decides_by_mail(
    make_list: Any, configure: Any, switched_off: bool
) -> None:
    mlist = make_list('notification', 'private')
    appoint(mlist, 'mod@example.gov', 'moderator')
    if switched_off:
        configure(decide_by_mail='no')
        appoint(mlist, 'admin@example.gov')
    register(mlist)
    mail = the_mail(OWNERS)
    assert mail['from'] == OWNERS
    assert f'/lists/{mlist.list_id}/subscription_requests' in text(mail)
    assert '/decide/' not in text(mail)
    assert 'answer' not in text(mail)


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
        'Who      A confirm it $token ${support_contact} <reader@example.net>\n'
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
        '  Your request to join the list\n',
        'Their reason:\n\n  Only for staff of $listname hospitals.\n',
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
