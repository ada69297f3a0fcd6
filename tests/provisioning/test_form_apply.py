# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms into lists, on a real Mailman (R25, R30, R31, R34)."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest
from mailman.app.lifecycle import remove_list
from mailman.interfaces.bans import IBanManager
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.mailinglist import ReplyToMunging
from mailman.interfaces.member import MemberRole
from mailman.interfaces.usermanager import IUserManager
from zope.component import getUtility

from qnet_mailman.lists.description import describe
from qnet_mailman.provisioning.apply import apply_form
from tests.provisioning.applying import audited, provision, sent, the_list
from tests.provisioning.samples import ADDRESS, DOMAIN, data, form, grant_roles


def test_a_form_becomes_a_list(core: SimpleNamespace) -> None:
    grant_roles()
    result = provision(list__reply_to='answers@example.gov', list__mask='everyone')
    assert (result.outcome, result.errors) == ('created', ())
    mlist = the_list()
    found = describe(mlist)
    assert found == {
        **found,
        'list': ADDRESS,
        'type': 'notification',
        'visibility': 'public',
        'display_name': 'HQR Updates',
        'description': 'News about hospital quality reporting.',
        'mask': 'everyone',
        'replies': 'reject',
        'reply_to': 'answers@example.gov',
        'threshold': 5,
        'window_days': 7,
        'administrators': ['pat@agency.example.gov', 'sam@agency.example.gov'],
        'moderators': ['mo@example.org'],
        'posters': ['pat@agency.example.gov'],
        'members': 2,
        'tickets': ['REQ0001234'],
    }
    assert mlist.reply_goes_to_list is ReplyToMunging.explicit_header_only
    assert mlist.first_strip_reply_to
    member = mlist.members.get_member('reader@example.org')
    assert member.address.original_email == 'Reader@example.org'
    assert member.address.verified_on is not None
    assert member.display_name == member.user.display_name == 'Robin Reader'
    assert member.delivery_status is not None
    assert os.path.isdir(mlist.data_path)
    assert audited() == [
        ('operator:test', 'list created', ADDRESS),
        ('operator:test', 'assigned', 'pat@agency.example.gov'),
        ('operator:test', 'assigned', 'sam@agency.example.gov'),
        ('operator:test', 'assigned', 'mo@example.org'),
        ('operator:test', 'member added', ''),
        ('operator:test', 'form applied', 'REQ0001234'),
        ('operator:test', 'domain added', 'lists.example.gov'),
    ]


@pytest.mark.parametrize('visibility', ['public', 'private'])
@pytest.mark.parametrize('replies', ['accept', 'hold', 'reject'])
def test_every_kind_of_discussion_list(
    core: SimpleNamespace, visibility: str, replies: str
) -> None:
    result = provision(
        list__type='discussion',
        list__visibility=visibility,
        list__replies=replies,
        list__bounces={'threshold': 8, 'window_days': 30},
    )
    assert result.outcome == 'created'
    found = describe(the_list())
    assert (found['type'], found['visibility']) == ('discussion', visibility)
    assert (found['replies'], found['threshold']) == (replies, 8)
    assert found['window_days'] == 30
    assert found['reply_to'] == ''


def test_a_dry_run_touches_nothing(core: SimpleNamespace) -> None:
    result = apply_form(form(), actor='x', dry_run=True)
    assert result.outcome == 'planned'
    assert len(result.steps) == 11
    assert the_list() is None
    assert DOMAIN not in getUtility(IDomainManager)
    assert sent() == {}
    provision()
    assert apply_form(form(), actor='x', dry_run=True).outcome == 'unchanged'
    planned = apply_form(form(list__mask='off'), actor='x', dry_run=True, approved=True)
    assert [str(step) for step in planned.steps] == [
        'change mask from "administrators" to "off"'
    ]
    assert describe(the_list())['mask'] == 'administrators'


def test_again_is_unchanged_even_after_changes_elsewhere(core: SimpleNamespace) -> None:
    provision()
    mlist = the_list()
    mlist.display_name = 'Changed in Postorius'
    mlist.members.get_member('lee@example.org').unsubscribe()
    core.config.db.commit()
    before = audited()
    sent()
    again = provision()
    assert (again.outcome, again.steps) == ('unchanged', ())
    assert the_list().display_name == 'Changed in Postorius'
    assert the_list().members.get_member('lee@example.org') is None
    assert audited() == before
    assert sent() == {}


def test_who_has_no_role_waits_and_is_told_how_to_get_it(core: SimpleNamespace) -> None:
    result = provision()
    assert result.notes[-3:] == (
        'pat@agency.example.gov waits for the HARP role List Administrator',
        'sam@agency.example.gov waits for the HARP role List Administrator',
        'mo@example.org waits for the HARP role List Moderator',
    )
    found = describe(the_list())
    assert (found['administrators'], found['moderators'], found['posters']) == (
        [],
        [],
        [],
    )
    assert [each['grant'] for each in found['assignments']] == ['none'] * 3
    notes = sent()
    text = notes['pat@agency.example.gov'].get_payload()
    assert (
        '  1. Request this role in HARP. You can look after the list, and use' in text
    )
    grant_roles()
    provision(moderators=[{'name': 'Max Example', 'email': 'max@example.org'}])
    text = sent()['max@example.org'].get_payload()
    assert (
        '  1. You have the HARP role List Moderator. Sign in with HARP to look after\n'
        '     the list:\n'
    ) in text
    assert 'Request' not in text


def test_a_changed_form_changes_just_that(core: SimpleNamespace) -> None:
    grant_roles()
    provision()
    the_list().members.get_member('lee@example.org').unsubscribe()
    core.config.db.commit()
    sent()
    changes = {
        'list__mask': 'off',
        'administrators__0__may_post': False,
        'moderators': [{'name': 'Max Example', 'email': 'max@example.org'}],
        'subscribers': [*data()['subscribers'], {'email': 'new@example.org'}],
    }
    result = provision(**changes)
    assert result.outcome == 'changed'
    found = describe(the_list())
    assert (found['mask'], found['posters'], found['members']) == ('off', [], 2)
    assert found['moderators'] == ['max@example.org']
    assert the_list().members.get_member('lee@example.org') is None
    assert ('operator:test', 'setting changed', 'mask') in audited()
    assert provision(**changes).outcome == 'unchanged'
    notes = sent()
    assert set(notes) == {
        'pat@agency.example.gov',
        'sam@agency.example.gov',
        'max@example.org',
    }
    text = notes['sam@agency.example.gov'].get_payload()
    assert (
        '  * Masking: off (before: administrators)\n'
        '  * Change the administrator Pat Example <pat@agency.example.gov>: posting\n'
        '    privileges from true to false\n'
        '  * Add the moderator Max Example <max@example.org>, without posting\n'
        '    privileges\n'
        '  * Remove the moderator mo@example.org\n'
        '  * Subscribe new@example.org\n'
    ) in text
    assert 'List Moderator' in notes['max@example.org'].get_payload()


def test_a_list_made_otherwise_is_taken_over(
    core: SimpleNamespace, make_list: Any
) -> None:
    mlist = make_list('notification', 'public')
    result = provision(list__name=mlist.fqdn_listname)
    assert result.outcome == 'changed'
    assert {'rae@agency.example.gov', 'sam@agency.example.gov'} < set(sent())
    assert describe(mlist)['members'] == 2
    assert provision(list__name=mlist.fqdn_listname).outcome == 'unchanged'
    other = provision(list__name=mlist.fqdn_listname, ticket='REQ2')
    assert other.outcome == 'invalid'
    assert other.errors[0].field == 'ticket'


def test_a_deleted_list_is_made_again(core: SimpleNamespace) -> None:
    provision()
    remove_list(the_list())
    core.config.db.commit()
    assert provision().outcome == 'created'


def test_people_who_are_known_already(core: SimpleNamespace) -> None:
    manager = getUtility(IUserManager)
    user = manager.create_user('reader@example.org', 'Already Here')
    manager.create_address('lee@example.org')
    core.config.db.commit()
    assert provision().outcome == 'created'
    assert manager.get_user('reader@example.org') is user
    assert user.display_name == 'Already Here'
    assert manager.get_user('lee@example.org') is not None
    for email in ('reader@example.org', 'lee@example.org'):
        assert manager.get_address(email).verified_on is not None
        assert the_list().members.get_member(email) is not None


def test_who_joined_as_a_user_is_not_subscribed_twice(make_list: Any) -> None:
    mlist = make_list('notification', 'public')
    user = getUtility(IUserManager).create_user('lee@example.org')
    address = next(iter(user.addresses))
    address.verified_on = mlist.created_at
    user.preferred_address = address
    mlist.subscribe(user)
    assert provision(list__name=mlist.fqdn_listname).outcome == 'changed'
    assert mlist.members.member_count == 2


def test_a_stranger_who_wrote_before_becomes_a_member(make_list: Any) -> None:
    mlist = make_list('notification', 'public')
    address = getUtility(IUserManager).create_address('lee@example.org')
    mlist.subscribe(address, MemberRole.nonmember)
    assert provision(list__name=mlist.fqdn_listname).outcome == 'changed'
    assert mlist.nonmembers.member_count == 0


@pytest.mark.parametrize('ban', ['lee@example.org', r'^.*@example\.org$'])
def test_banned_subscribers_make_a_form_invalid(
    core: SimpleNamespace, ban: str
) -> None:
    IBanManager(None).ban(ban)
    core.config.db.commit()
    result = provision()
    assert result.outcome == 'invalid'
    assert result.errors[-1].field == 'subscribers, 2nd subscriber, email'
    assert the_list() is None


@pytest.mark.parametrize('suffix', ['-owner', '-request'])
def test_addresses_of_lists_as_subscribers_make_a_form_invalid(
    core: SimpleNamespace, suffix: str
) -> None:
    # Of the very list that the form makes, too.
    own = f'{ADDRESS.partition("@")[0]}{suffix}@{DOMAIN}'
    people = [{'email': 'lee@example.org'}, {'email': own}]
    result = provision(subscribers=people)
    assert result.outcome == 'invalid'
    assert result.errors[-1].field == 'subscribers, 2nd subscriber, email'
    assert 'the address of a list' in str(result.errors[-1])
    assert the_list() is None


def test_banned_administrators_make_a_form_invalid(core: SimpleNamespace) -> None:
    IBanManager(None).ban('sam@agency.example.gov')
    IBanManager(None).ban('mo@example.org')
    core.config.db.commit()
    result = provision()
    assert result.outcome == 'invalid'
    assert [error.field for error in result.errors] == [
        'administrators, 2nd person, email',
        'moderators, 1st person, email',
    ]


def test_a_site_may_take_fewer_characters_in_names(core: SimpleNamespace) -> None:
    core.config.push('chars', '[mailman]\nlistname_chars: [a-z]\n')
    try:
        result = provision()
    finally:
        core.config.pop('chars')
    assert result.outcome == 'invalid'
    assert result.errors[0].field == 'list, name'
    assert 'characters this site refuses' in result.errors[0].message
    assert the_list() is None
