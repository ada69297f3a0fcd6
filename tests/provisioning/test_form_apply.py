# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms into lists, on a real Mailman (R25, R30, R31, R34)."""

from __future__ import annotations

import os
import subprocess
import sys
from email.message import Message
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mailman.app.lifecycle import remove_list
from mailman.interfaces.bans import IBanManager
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.mailinglist import ReplyToMunging
from mailman.interfaces.member import MemberRole
from mailman.interfaces.usermanager import IUserManager
from sqlalchemy import inspect as sqlalchemy_inspect
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman.lists.description import describe
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.forms import QNetForm
from qnet_mailman.provisioning import notices
from qnet_mailman.provisioning.apply import Result, apply_form
from tests.effort import effort
from tests.provisioning.samples import ADDRESS, DOMAIN, LIST_ID, data, form, grant_roles


def provision(**changes: Any) -> Result:
    return apply_form(form(**changes), actor='operator:test', approved=True)


def the_list() -> Any:
    return getUtility(IListManager).get(ADDRESS)


def sent(core: SimpleNamespace) -> dict[str, Message]:
    """The notices that wait for delivery, by recipient; they are taken out."""
    switchboard = core.config.switchboards['virgin']
    found: dict[str, Message] = {}
    for name in switchboard.files:
        message, data = switchboard.dequeue(name)
        switchboard.finish(name)
        (recipient,) = data['recipients']
        assert recipient.lower() not in found
        found[recipient.lower()] = message
    return found


def audited() -> list[tuple[str, str, str]]:
    rows = store().scalars(select(QNetAudit).order_by(QNetAudit.id))
    return [(row.actor, row.action, row.subject) for row in rows]


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
    assert sent(core) == {}
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
    sent(core)
    again = provision()
    assert (again.outcome, again.steps) == ('unchanged', ())
    assert the_list().display_name == 'Changed in Postorius'
    assert the_list().members.get_member('lee@example.org') is None
    assert audited() == before
    assert sent(core) == {}


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
    notes = sent(core)
    text = notes['pat@agency.example.gov'].get_payload()
    assert (
        '  1. Request this role in HARP. You can look after the list, and use' in text
    )
    grant_roles()
    provision(moderators=[{'name': 'Max Example', 'email': 'max@example.org'}])
    text = sent(core)['max@example.org'].get_payload()
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
    sent(core)
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
    notes = sent(core)
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
    assert {'rae@agency.example.gov', 'sam@agency.example.gov'} < set(sent(core))
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


def test_notices_tell_everybody_what_to_do(core: SimpleNamespace) -> None:
    provision(approver={'name': 'Chris Chief', 'email': 'chris@example.gov'})
    notes = sent(core)
    assert set(notes) == {
        'pat@agency.example.gov',
        'sam@agency.example.gov',
        'mo@example.org',
        'rae@agency.example.gov',
        'chris@example.gov',
    }
    for note in notes.values():
        text = note.get_payload()
        assert note['Auto-Submitted'] == 'auto-generated'
        assert '$' not in text
        for part in (
            'HQR Updates',
            ADDRESS,
            'REQ0001234',
            'public notification list (one-way)',
            f'hqr-updates-owner@{DOMAIN}',
            f'hqr-updates-leave@{DOMAIN}',
            'help@example.gov',
            '1-800-555-0100',
        ):
            assert part in text
        assert max(map(len, text.splitlines())) <= 80
    for email, role in (
        ('pat@agency.example.gov', 'Administrator'),
        ('mo@example.org', 'Moderator'),
    ):
        text = notes[email].get_payload()
        assert 'Program:       QualityNet Workspace' in text
        assert 'Organization:  QualityNet Mailer' in text
        assert f'Role:          List {role}' in text
        assert 'https://lists.example.gov' in text
    assert (
        'You have posting privileges' in notes['pat@agency.example.gov'].get_payload()
    )
    assert 'You do not have posting' in notes['sam@agency.example.gov'].get_payload()
    assert 'You do not need to do' in notes['rae@agency.example.gov'].get_payload()


def test_a_requester_who_is_administrator_gets_one_notice(
    core: SimpleNamespace,
) -> None:
    provision(requester__email='PAT@agency.example.gov')
    assert len(sent(core)) == 3


def test_notices_that_were_not_sent_are_sent_the_next_time(
    core: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise OSError('no space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(notices, 'send_all', fail)
        result = provision()
    assert result.outcome == 'created'
    assert 'no space left on device' in result.notes[-1]
    assert store().scalar(select(QNetForm.notified_at)) is None
    assert provision().outcome == 'unchanged'
    assert 'sam@agency.example.gov' in sent(core)
    assert store().scalar(select(QNetForm.notified_at)) is not None
    provision()
    assert sent(core) == {}


def test_hostile_names_stay_names(core: SimpleNamespace) -> None:
    name = 'Ä "quoted" <x@example.org>, $listname %s'
    result = provision(
        administrators__0__name=name,
        list__display_name=name,
        requester__name=name,
        subscribers__0__name=name,
    )
    assert result.outcome == 'created'
    note = sent(core)['pat@agency.example.gov']
    assert name in note.get_payload(decode=True).decode('utf-8')
    assert note.get_all('To') == ['Pat@agency.example.gov']


def test_what_one_list_costs(core: SimpleNamespace) -> None:
    with effort() as spent:
        provision()
    assert len(spent.statements) < 300


def test_what_a_thousand_subscribers_cost(core: SimpleNamespace) -> None:
    people = [{'email': f'p{n}@example.org', 'name': f'P {n}'} for n in range(1000)]
    wanted = form(subscribers=people)
    with effort() as spent:
        result = apply_form(wanted, actor='x')
    assert result.outcome == 'created'
    assert the_list().members.member_count == 1000
    # As many as for one; none of them looks through all people for each.
    assert len(spent.statements) < 300
    assert spent.kilosteps < 3000
    (row,) = [
        row for row in store().scalars(select(QNetAudit)) if 'member' in row.action
    ]
    assert '"count": 1000' in row.detail


def test_members_are_as_mailman_makes_them(core: SimpleNamespace) -> None:
    provision(subscribers=[{'email': 'Ours@example.org', 'name': 'Ann'}])
    user = getUtility(IUserManager).make_user('Theirs@example.org', 'Ann')
    address = next(iter(user.addresses))
    address.verified_on = user.created_on
    the_list().subscribe(address)
    core.config.db.commit()
    unlike = {'id', '_member_id', '_user_id', 'email', '_original'}
    unlike |= {'user_id', 'address_id', 'preferences_id'}

    def columns(row: Any) -> dict[str, Any]:
        found = {
            name: getattr(row, name)
            for name in sqlalchemy_inspect(type(row)).column_attrs.keys()  # noqa: SIM118
        }
        return {
            name: 'a time' if name.endswith(('_on', 'created')) else value
            for name, value in found.items()
            if name not in unlike
        }

    ours = the_list().members.get_member('ours@example.org')
    theirs = the_list().members.get_member('theirs@example.org')
    for part in ('', 'address', 'user', 'preferences', 'address.preferences'):
        mine, stock = (
            attrgetter(part)(member) if part else member for member in (ours, theirs)
        )
        assert columns(mine) == columns(stock), part
    assert ours.address.original_email == 'Ours@example.org'
    assert ours.member_id != ours.user.user_id


CHILD = """
import os, sys
from mailman.core.initialize import initialize
initialize(sys.argv[1])
from tests.provisioning.samples import form
from qnet_mailman.provisioning import apply, notices
if sys.argv[2] == 'before the commit':
    apply._require_queue = lambda: os._exit(9)
if sys.argv[2] == 'before the notices':
    notices.send_all = lambda *args: os._exit(9)
result = apply.apply_form(form(), actor='test')
print(result.outcome, *result.errors)
"""


def child(core: SimpleNamespace, killed: str = 'never') -> subprocess.Popen[str]:
    """Another process that applies the good form."""
    core.config.db.store.close()
    return subprocess.Popen(
        [sys.executable, '-c', CHILD, core.cfg, killed],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )


@pytest.mark.parametrize(
    ('killed', 'outcome'),
    [('before the commit', 'created'), ('before the notices', 'unchanged')],
)
def test_a_killed_process_is_made_good_by_the_next(
    core: SimpleNamespace, killed: str, outcome: str
) -> None:
    assert child(core, killed).wait(timeout=60) == 9
    assert provision().outcome == outcome
    assert len(sent(core)) == 4
    assert describe(the_list())['members'] == 2


def test_two_processes_make_one_list(core: SimpleNamespace) -> None:
    processes = [child(core) for _ in range(2)]
    outcomes = sorted(
        process.communicate(timeout=60)[0].strip() for process in processes
    )
    assert outcomes == ['created', 'unchanged']
    assert len(sent(core)) == 4
    assert LIST_ID in list(getUtility(IListManager).list_ids)
