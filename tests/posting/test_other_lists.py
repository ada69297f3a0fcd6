# SPDX-License-Identifier: GPL-3.0-or-later
"""Posting rights on lists of other styles, where a site wants them (R3, R4, R40)."""

from __future__ import annotations

from typing import Any

import pytest
from mailman.config import config
from mailman.interfaces.action import Action
from mailman.interfaces.member import MemberRole
from mailman.interfaces.requests import IListRequests

from tests.helpers import message, post, queued, run, subscribe
from tests.lists import list_of_another_style

OWNER = 'owner@agency.example.gov'
MEMBER = 'lee@example.org'
TRUSTED = 'kim@example.org'
STRANGER = 'eve@else.example.net'


def make(style: str, **settings: Any) -> Any:
    mlist = list_of_another_style(style=style, members=[MEMBER, TRUSTED], **settings)
    subscribe(mlist, OWNER, MemberRole.owner)
    mlist.members.get_member(TRUSTED).moderation_action = Action.accept
    return mlist


def fate_of(mlist: Any, author: str, more: str = '', subject: str = 'News') -> str:
    """What becomes of a post."""
    name = f'{author}{len(queued("pipeline"))}{len(queued("virgin"))}{subject}'
    text = (
        f'From: {author}\nTo: {mlist.posting_address}\nSubject: {subject}\n'
        f'Message-ID: <{name}@example.net>\n{more}\nHello.\n'
    )
    held = IListRequests(mlist).count
    passed, told = len(queued('pipeline')), len(queued('virgin'))
    post(mlist, message(text, author))
    run('in')
    assert not queued('shunt')
    if len(queued('pipeline')) > passed:
        return 'delivered'
    if IListRequests(mlist).count > held:
        return 'held'
    return 'rejected' if len(queued('virgin')) > told else 'discarded'


OFF = {OWNER: 'held', TRUSTED: 'delivered', MEMBER: 'delivered', STRANGER: 'held'}
"""What Mailman does: on a list for announcements, too, members simply post."""


@pytest.mark.parametrize(
    ('style', 'on'),
    [
        ('legacy-announce', {**OFF, OWNER: 'delivered', MEMBER: 'rejected'}),
        ('legacy-default', {**OFF, OWNER: 'delivered'}),
    ],
)
def test_who_may_post(
    core: Any, configure: Any, style: str, on: dict[str, str]
) -> None:
    mlist = make(style)
    for word, expected in (('no', OFF), ('yes', on), ('no', OFF)):
        configure(other_lists_posting_rights=word, poster_authentication='off')
        assert {who: fate_of(mlist, who) for who in expected} == expected


def test_from_alone_counts_and_has_to_be_shown(core: Any, configure: Any) -> None:
    mlist = make('legacy-announce')
    forged = f'Sender: {OWNER}\nReply-To: {OWNER}\n'
    passed = (
        'Authentication-Results: mx.example.gov; dkim=pass'
        ' header.d=agency.example.gov\n'
    )
    configure(other_lists_posting_rights='yes')
    assert fate_of(mlist, OWNER) == 'held'
    assert fate_of(mlist, OWNER, passed) == 'delivered'
    assert fate_of(mlist, STRANGER, forged) == 'held'
    assert fate_of(mlist, MEMBER, 'Precedence: bulk\n') == 'discarded'


def test_a_password_in_the_post_gives_no_right(core: Any, configure: Any) -> None:
    mlist = make('legacy-announce')
    mlist.moderator_password = config.password_context.encrypt('opensesame').encode()
    seen = {}
    for word in ('no', 'yes'):
        configure(other_lists_posting_rights=word)
        seen[word] = fate_of(mlist, STRANGER, 'Approved: opensesame\n')
    assert seen == {'no': 'delivered', 'yes': 'held'}


def test_members_are_moderated_as_the_list_says(core: Any, configure: Any) -> None:
    configure(other_lists_posting_rights='yes', poster_authentication='off')
    mlist = make('legacy-default', default_member_action=Action.hold)
    assert fate_of(mlist, MEMBER) == 'held'
    assert fate_of(mlist, TRUSTED) == 'delivered'


def test_leaving_is_as_ever(core: Any, configure: Any) -> None:
    """A post with the subject Unsubscribe asks nobody (R14 is for ours)."""
    mlist = make('legacy-default')
    seen = []
    for word in ('no', 'yes'):
        configure(other_lists_posting_rights=word, poster_authentication='off')
        seen.append(fate_of(mlist, MEMBER, subject='Unsubscribe'))
    assert seen[0] == seen[1]


def test_a_chain_of_the_sites_own_stays(core: Any, configure: Any) -> None:
    configure(other_lists_posting_rights='yes', poster_authentication='off')
    mlist = make('legacy-announce', posting_chain='accept')
    assert fate_of(mlist, STRANGER) == 'delivered'
