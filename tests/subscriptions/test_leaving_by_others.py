# SPDX-License-Identifier: GPL-3.0-or-later
"""Leaving by REST, Postorius's calls and the command line: goodbyes as set (R14)."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner
from mailman.commands.cli_delmembers import delmembers
from mailman.config import config
from mailman.interfaces.mailinglist import SubscriptionPolicy
from mailman.interfaces.member import DeliveryMode, DeliveryStatus, MemberRole
from mailman.interfaces.pending import IPendings
from mailman.interfaces.subscriptions import (
    ISubscriptionManager,
    ISubscriptionService,
    TokenOwner,
)
from mailman.interfaces.usermanager import IUserManager
from zope.component import getUtility

from qnet_mailman.model.base import store
from qnet_mailman.subscriptions import leaving
from tests.helpers import make_user, subscribe
from tests.subscriptions.joiners import find_list, mails, members, rest, text, token_of
from tests.subscriptions.leavers import READER, answer

OTHER = 'other@example.net'

pytestmark = pytest.mark.mlist(members=[READER], admin_notify_mchanges=False)


@pytest.fixture(params=[True, False], ids=['goodbye', 'no goodbye'])
def goodbye(request: pytest.FixtureRequest) -> bool:
    return request.param


def with_goodbye(mlist: Any, goodbye: bool) -> str:
    mlist.send_goodbye_message = goodbye
    config.db.commit()
    return mlist.list_id


def goodbyes() -> list[str]:
    found = mails()
    assert all('are no longer subscribed' in text(mail) for mail in found)
    return sorted(mail['to'] for mail in found)


@pytest.mark.parametrize('mode', DeliveryMode)
@pytest.mark.parametrize('policy', SubscriptionPolicy)
def test_an_administrator_removes_a_member(
    mlist: Any, goodbye: bool, mode: Any, policy: Any
) -> None:
    list_id = with_goodbye(mlist, goodbye)
    mlist.unsubscription_policy = policy
    mlist.members.get_member(READER).preferences.delivery_mode = mode
    config.db.commit()
    # As `MailingList.unsubscribe()` of mailmanclient does, and so Postorius.
    path = f'lists/{list_id}/member/{READER}'
    answered = rest('DELETE', path, pre_confirmed=True, pre_approved=True)
    assert answered.status_code == 204
    assert members(find_list(list_id)) == []
    assert goodbyes() == ([READER] if goodbye else [])


def test_over_rest_without_options(mlist: Any, goodbye: bool) -> None:
    list_id = with_goodbye(mlist, goodbye)
    member_id = mlist.members.get_member(READER).member_id.hex
    assert rest('DELETE', f'members/{member_id}').status_code == 204
    assert members(find_list(list_id)) == []
    assert goodbyes() == ([READER] if goodbye else [])
    assert rest('DELETE', f'members/{member_id}').status_code == 404


@pytest.mark.parametrize('policy', SubscriptionPolicy)
@pytest.mark.parametrize('mode', [DeliveryMode.regular, DeliveryMode.mime_digests])
@pytest.mark.parametrize('approved', [True, False])
def test_unconfirmed_needs_the_members_answer_and_no_moderators(
    mlist: Any, policy: Any, mode: Any, approved: bool
) -> None:
    mlist.unsubscription_policy = policy
    mlist.members.get_member(READER).preferences.delivery_mode = mode
    list_id = with_goodbye(mlist, False)
    path = f'lists/{list_id}/member/{READER}'
    answered = rest('DELETE', path, pre_confirmed=False, pre_approved=approved)
    assert answered.status_code == 202
    assert answered.json['token_owner'] == 'subscriber'
    (question,) = mails()
    assert token_of(question) == answered.json['token']
    mlist = find_list(list_id)
    assert members(mlist) == [READER]
    answer(mlist, question)
    assert members(mlist) == []
    assert goodbyes() == [READER]


def test_it_is_listed_and_decided_over_rest(mlist: Any) -> None:
    list_id = mlist.list_id
    rest('DELETE', f'lists/{list_id}/member/{READER}', pre_confirmed=False)
    path = f'lists/{list_id}/requests'
    (entry,) = rest('GET', f'{path}?request_type=unsubscription').json['entries']
    assert entry['email'] == READER
    assert entry['token_owner'] == 'subscriber'
    mails()
    answered = rest('POST', f'{path}/{entry["token"]}', action='accept')
    assert answered.status_code == 204
    assert members(find_list(list_id)) == []
    assert goodbyes() == [READER]


def test_asking_over_rest_is_limited(mlist: Any, configure: Any) -> None:
    configure(unproven_mails_per_day='2')
    path = f'lists/{mlist.list_id}/member/{READER}'
    answers = [rest('DELETE', path, pre_confirmed=False) for _ in range(4)]
    assert {answered.status_code for answered in answers} == {202}
    assert len({answered.json['token'] for answered in answers}) == 1
    assert len(mails()) == 2


def test_a_request_that_mailman_made_before(mlist: Any) -> None:
    # Of the time before our workflow: its pending has no addresses of ours.
    from mailman.app.subscriptions import PendableUnsubscription

    token = getUtility(IPendings).add(
        PendableUnsubscription(
            list_id=mlist.list_id,
            email=READER,
            display_name='',
            when='2027-01-01T00:00:00',
            token_owner='moderator',
        )
    )
    assert ISubscriptionManager(mlist).confirm(token) == (
        None,
        TokenOwner.no_one,
        None,
    )
    assert members(mlist) == []


def test_delmembers(mlist: Any, goodbye: bool) -> None:
    mlist.admin_notify_mchanges = True
    list_id = with_goodbye(mlist, goodbye)
    done = CliRunner().invoke(delmembers, ['-l', list_id, '-m', READER])
    assert done.exit_code == 0, done.output
    assert members(find_list(list_id)) == []
    found = {mail['to']: mail for mail in mails()}
    assert (READER in found) is goodbye
    told = found[find_list(list_id).owner_address]
    assert f'  {READER}\n' in text(told)
    if goodbye:
        assert 'news1-join@lists.example.gov' in text(found[READER])
        assert 'help@example.gov' in text(found[READER])


def test_an_address_without_a_user_leaves(mlist: Any) -> None:
    # Mailman's `delete_member` fails there when administrators are to be told.
    mlist.admin_notify_mchanges = True
    mlist.subscribe(getUtility(IUserManager).create_address(OTHER))
    list_id = with_goodbye(mlist, True)
    mails()
    path = f'lists/{list_id}/member/{OTHER}'
    assert rest('DELETE', path).status_code == 204
    mlist = find_list(list_id)
    assert sorted(str(mail['to']) for mail in mails()) == [mlist.owner_address, OTHER]


def test_who_is_subscribed_twice_leaves_once_and_for_all(mlist: Any) -> None:
    user = getUtility(IUserManager).get_user(READER)
    user.preferred_address = next(iter(user.addresses))
    mlist.subscribe(user)
    list_id = with_goodbye(mlist, True)
    mails()
    assert rest('DELETE', f'lists/{list_id}/member/{READER}').status_code == 204
    assert members(find_list(list_id)) == []
    assert goodbyes() == [READER]


def test_a_user_without_an_address_can_be_removed(mlist: Any) -> None:
    user = make_user(OTHER)
    user.preferred_address = next(iter(user.addresses))
    member = mlist.subscribe(user)
    del user.preferred_address
    store().flush()
    mails()
    mlist.admin_notify_mchanges = True
    assert leaving.end(mlist, [member], goodbye=True) == ()
    assert mlist.members.member_count == 1
    assert [mail['to'] for mail in mails()] == [mlist.owner_address]


def test_nobody_left_is_nobody_told(mlist: Any) -> None:
    mlist.admin_notify_mchanges = True
    assert leaving.end(mlist, [], goodbye=True) == ()
    assert mails() == []


def test_the_mass_removal(mlist: Any, goodbye: bool) -> None:
    mlist.admin_notify_mchanges = True
    subscribe(mlist, OTHER).preferences.delivery_status = DeliveryStatus.by_user
    subscribe(mlist, 'owner@example.gov', MemberRole.owner)
    list_id = with_goodbye(mlist, goodbye)
    mails()
    emails = [
        READER,
        OTHER,
        OTHER.upper(),
        'owner@example.gov',
        'nobody',
        'no@where.org',
    ]
    answered = rest('DELETE', f'lists/{list_id}/roster/member', emails=emails)
    assert answered.status_code == 200
    done = {email for email, success in answered.json.items() if success is True}
    assert done == {READER, OTHER, OTHER.upper()}
    mlist = find_list(list_id)
    assert members(mlist) == []
    assert mlist.owners.member_count == 1
    found = mails()
    (told,) = [mail for mail in found if mail['to'] == mlist.owner_address]
    assert told['subject'] == 'HQR Updates: 2 subscriptions have ended'
    left = sorted(str(mail['to']) for mail in found if mail is not told)
    assert left == ([OTHER, READER] if goodbye else [])


def test_the_service_is_ours(core: Any) -> None:
    assert isinstance(getUtility(ISubscriptionService), leaving.SubscriptionService)
