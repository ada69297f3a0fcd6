# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may leave by a subject, and whom it speaks for (R14)."""

from __future__ import annotations

from typing import Any

import pytest
from mailman.interfaces.action import Action
from mailman.interfaces.bans import IBanManager
from mailman.interfaces.member import DeliveryMode, DeliveryStatus, MemberRole
from mailman.interfaces.usermanager import IUserManager
from zope.component import getUtility

from tests.helpers import (
    add_address,
    appoint,
    make_user,
    subscribe,
)
from tests.subscriptions.joiners import (
    mails,
    members,
    text,
    the_mail,
)
from tests.subscriptions.leavers import READER, answer, to_list
from tests.subscriptions.subjects import ON_DISCUSSION, SECOND, THIRD, unseen, waiting

pytestmark = ON_DISCUSSION


STANDINGS: dict[str, Any] = {
    'banned': lambda mlist, member: IBanManager(mlist).ban(READER),
    'moderated': lambda mlist, member: setattr(
        member, 'moderation_action', Action.discard
    ),
    'emergency': lambda mlist, member: setattr(mlist, 'emergency', True),
    'digest': lambda mlist, member: setattr(
        member.preferences, 'delivery_mode', DeliveryMode.mime_digests
    ),
    'disabled': lambda mlist, member: setattr(
        member.preferences, 'delivery_status', DeliveryStatus.by_bounces
    ),
    'unverified': lambda mlist, member: setattr(member.address, 'verified_on', None),
    'size limit': lambda mlist, member: setattr(mlist, 'max_message_size', 1),
}


@pytest.mark.parametrize('standing', STANDINGS)
def test_every_member_may_leave(make_list: Any, standing: str) -> None:
    mlist = make_list('discussion')
    mlist.send_welcome_message = False
    STANDINGS[standing](mlist, subscribe(mlist, READER))
    to_list(mlist)
    assert unseen(mlist)
    answer(mlist, mails()[0])
    assert members(mlist) == []


def test_the_address_of_a_user(make_list: Any) -> None:
    mlist = make_list()
    user = make_user(READER)
    user.preferred_address = next(iter(user.addresses))
    mlist.subscribe(user)
    # By the address itself, too: who leaves gets nothing more.
    mlist.subscribe(user.preferred_address)
    mails()
    to_list(mlist)
    answer(mlist, the_mail())
    assert members(mlist) == []
    assert len([one for one in mails() if one['to'] == READER]) == 1


def test_a_second_verified_address_speaks_for_the_first(mlist: Any) -> None:
    user = getUtility(IUserManager).get_user(READER)
    add_address(user, SECOND)
    to_list(mlist, sender=SECOND)
    question = the_mail(SECOND)
    assert f'end the subscription of\n\n  {READER}\n' in text(question)
    answer(mlist, question, sender=SECOND)
    assert members(mlist) == []
    # Where the subscription was, and where somebody waits for it.
    assert sorted(str(mail['to']) for mail in mails()) == [SECOND, READER]


def test_from_a_third_address_all_of_the_users_leave(mlist: Any) -> None:
    user = getUtility(IUserManager).get_user(READER)
    add_address(user, SECOND)
    subscribe(mlist, SECOND)
    add_address(user, THIRD)
    to_list(mlist, sender=THIRD)
    question = the_mail(THIRD)
    assert f'  {SECOND}\n  {READER}\n' in text(question)
    answer(mlist, question, sender=THIRD)
    assert members(mlist) == []
    assert sorted(str(mail['to']) for mail in mails()) == sorted(
        [READER, SECOND, THIRD]
    )


def test_of_two_subscribed_addresses_the_one_that_asks_leaves(mlist: Any) -> None:
    add_address(getUtility(IUserManager).get_user(READER), SECOND)
    subscribe(mlist, SECOND)
    to_list(mlist, sender=SECOND)
    answer(mlist, the_mail(SECOND), sender=SECOND)
    assert members(mlist) == [READER]


@pytest.mark.parametrize(('mine', 'asking'), [(True, False), (False, True)])
def test_an_unverified_address_speaks_for_nobody(
    make_list: Any, mine: bool, asking: bool
) -> None:
    mlist = make_list()
    user = make_user(READER, verified=mine)
    subscribe(mlist, READER)
    add_address(user, SECOND, verified=asking)
    mails()
    to_list(mlist, sender=SECOND)
    told = the_mail(SECOND)
    assert told['subject'] == 'You are not subscribed to HQR Updates'
    assert READER not in text(told)


def test_somebody_else_gets_a_plain_answer(mlist: Any) -> None:
    to_list(mlist, sender='Stranger <Stranger@Example.COM>')
    told = the_mail('stranger@example.com')
    assert told['subject'] == 'You are not subscribed to HQR Updates'
    assert told['auto-submitted'] == 'auto-replied'
    # Who wrote it is not shown, and so nothing of it is quoted.
    assert told['in-reply-to'] is None
    assert 'stranger@example.com' in text(told)
    assert 'help@example.gov' in text(told)
    assert unseen(mlist)
    assert waiting() == 0


def test_owners_and_nonmembers_are_not_subscribed(mlist: Any) -> None:
    subscribe(mlist, 'owner@example.gov', MemberRole.owner)
    subscribe(mlist, 'known@example.com', MemberRole.nonmember)
    for sender in ('owner@example.gov', 'known@example.com'):
        to_list(mlist, sender=sender)
        assert the_mail(sender)['subject'] == 'You are not subscribed to HQR Updates'
    assert mlist.owners.member_count == 1


def test_a_poster_leaves_without_confirming_a_post(mlist: Any) -> None:
    appoint(mlist, READER, may_post=True)
    mails()
    to_list(mlist)
    assert unseen(mlist)
    assert str(the_mail()['subject']) == 'Unsubscribe'


@pytest.mark.parametrize(
    'sender',
    [
        'a@example.net, b@example.net',
        'undisclosed',
        '"" <>',
        'reader@localhost',
        'news1@lists.example.gov',
        'news1-owner@lists.example.gov',
        'r^der@example.net',
    ],
)
def test_nobody_in_particular_gets_nothing(mlist: Any, sender: str) -> None:
    to_list(mlist, sender=sender)
    assert unseen(mlist)
    assert mails() == []
