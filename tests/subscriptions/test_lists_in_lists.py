# SPDX-License-Identifier: GPL-3.0-or-later
"""A list's address joins a list by `mailman qnet sublists add` and in no other way."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mailman.commands.cli_addmembers import add_members
from mailman.config import config
from mailman.interfaces.action import Action
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.mailinglist import IAcceptableAliasSet
from mailman.interfaces.member import MemberRole
from mailman.interfaces.usermanager import IUserManager
from zope.component import getUtility

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.model import finding
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import set_mask
from qnet_mailman.provisioning import sublists
from qnet_mailman.subscriptions import confirming
from qnet_mailman.subscriptions.confirming import Outcome
from qnet_mailman.subscriptions.deciding import Outcome as Decided
from qnet_mailman.subscriptions.deciding import decide
from qnet_mailman.subscriptions.joining import AddressOfList
from qnet_mailman.subscriptions.verdicts import Verdict
from qnet_mailman.values import Mask
from tests.helpers import (
    add_address,
    appoint,
    make_user,
    message,
    post,
    queued,
    run,
    subscribe,
)
from tests.subscriptions.joiners import (
    find_list,
    mails,
    members,
    register,
    rest,
)

AUTHOR = 'lee@example.org'
PROVEN = {'pre_verified': True, 'pre_confirmed': True, 'pre_approved': True}
OURS = ('', '-owner', '-request', '-join', '-bounces', '-confirm+0123', '-unsubscribe')


def step(*arguments: str) -> Result:
    result = CliRunner().invoke(qnet, ('sublists', *arguments))
    assert isinstance(result.exception, SystemExit | None), result.exc_info
    return result


def address_of(mlist: Any, suffix: str) -> str:
    return f'{mlist.list_name}{suffix}@{mlist.mail_host}'


def audited() -> list[tuple[str, str | None, str]]:
    rows = store().query(QNetAudit).order_by(QNetAudit.id)
    return [
        (row.action, row.list_id, row.subject)
        for row in rows
        if row.action.startswith('sublist')
    ]


# ------------------------------------------------------------ ordinary ways in


@pytest.mark.parametrize('visibility', ['public', 'private'])
@pytest.mark.parametrize('suffix', OURS)
@pytest.mark.parametrize('options', [{}, PROVEN, {'invitation': True}])
def test_the_manager_refuses_and_sends_nothing(
    make_list: Any, visibility: str, suffix: str, options: dict[str, Any]
) -> None:
    mlist, other = make_list('discussion', visibility), make_list()
    for whose in (mlist, other):
        with pytest.raises(AddressOfList):
            register(mlist, address_of(whose, suffix).upper(), **options)
    assert members(mlist) == []
    assert mails() == []


def test_rest(make_list: Any) -> None:
    list_id, other = make_list().list_id, make_list()
    for subscriber in [address_of(other, suffix) for suffix in OURS]:
        answer = rest(
            'POST', 'members', list_id=list_id, subscriber=subscriber, **PROVEN
        )
        assert answer.status_code == 400
    assert members(find_list(list_id)) == []
    assert mails() == []


def test_rest_moves_no_membership_there(make_list: Any) -> None:
    mlist, other = make_list(), make_list()
    user = make_user(AUTHOR)
    add_address(user, other.owner_address)
    add_address(user, 'second@example.org')
    member = mlist.subscribe(getUtility(IUserManager).get_address(AUTHOR))
    list_id, path = mlist.list_id, f'members/{member.member_id.hex}'
    config.db.commit()
    assert rest('PATCH', path, address=other.owner_address).status_code == 400
    assert members(find_list(list_id)) == [AUTHOR]
    assert rest('PATCH', path, address='second@example.org').status_code == 204
    assert members(find_list(list_id)) == ['second@example.org']


def test_addmembers_adds_nobody(make_list: Any) -> None:
    mlist, other = make_list(), make_list()
    list_id, people = mlist.list_id, [AUTHOR, other.posting_address]
    with pytest.raises(click.ClickException, match='sublists add'):
        add_members(mlist, people, None, False, None)
    assert members(find_list(list_id)) == []


def test_import_members(make_list: Any, tmp_path: Path) -> None:
    mlist, other = make_list(), make_list()
    file, report = tmp_path / 'members.csv', tmp_path / 'report.csv'
    wrong = [address_of(each, suffix) for each in (mlist, other) for suffix in OURS]
    rows = '\n'.join([f'{wrong[0]},Own', *wrong[1:], AUTHOR])
    file.write_text(f'EmailAddr_,FullName_\n{rows}\n', encoding='utf-8')
    arguments = ['import-members', mlist.fqdn_listname, str(file)]
    done = CliRunner().invoke(qnet, [*arguments, '--report', str(report), '--json'])
    assert done.exit_code == 0, done.output
    counts = json.loads(done.output)
    assert (counts['subscribed'], counts['list_address']) == (1, len(wrong))
    assert members(mlist) == [AUTHOR]
    assert 'address of a list' in report.read_text(encoding='utf-8')


def test_a_list_that_is_made_while_somebody_thinks(make_list: Any) -> None:
    mlist = make_list()
    appoint(mlist, AUTHOR)
    token, _, _ = register(mlist, 'news2@lists.example.gov')
    mails()
    make_list()
    confirmed = confirming.confirm(token, route='web')
    assert confirmed is not None
    assert [outcome for _, outcome in confirmed.lists] == [Outcome.refused]
    assert members(mlist) == []


@pytest.mark.parametrize('by_mail', [False, True])
def test_a_list_that_is_made_before_the_approval(make_list: Any, by_mail: bool) -> None:
    mlist = make_list('discussion', 'private')
    list_id = mlist.list_id
    appoint(mlist, AUTHOR)
    token, _, _ = register(mlist, 'news2@lists.example.gov')
    mails()
    make_list()
    if by_mail:
        outcome, why = decide(token, Verdict.accept, by=AUTHOR, route='web')
        assert outcome is Decided.failed
        assert 'is the address of a list' in why
    else:
        path = f'lists/{list_id}/requests/{token}'
        assert rest('POST', path, action='accept').status_code == 400
    assert members(find_list(list_id)) == []
    assert mails() == []
    assert not queued('shunt')


@pytest.fixture
def named_lists(make_list: Any) -> None:
    make_list()
    domain = getUtility(IDomainManager).get('lists.example.gov')
    domain.alias_domain = 'alias.example.gov'
    config.db.commit()


LOCAL_PARTS = st.sampled_from(
    [
        *('news1', 'news1-owner', 'news1-owner-join', 'news1+x', 'news1-', 'news2'),
        *('news1-bounces+ann=example.org', '-owner', 'owner', '', 'news1-nothing'),
        *('bounces', 'confirm+' + 'a' * 48, 'bounces+' + 'aaaaaai' + 'a' * 41),
        *('confirm+00000001' + 'a' * 40, 'BOUNCES+AAAAAAI' + 'a' * 41),
    ]
)
DOMAINS = st.sampled_from(['lists.example.gov', 'alias.example.gov', 'example.org'])


@settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(LOCAL_PARTS, DOMAINS)
def test_many_are_found_as_one_is(named_lists: None, local: str, domain: str) -> None:
    email = f'{local}@{domain}'
    one = finding.list_at(email)
    assert finding.lists_at([email]) == ({} if one is None else {email: one.list_id})


# ------------------------------------------------------------ the explicit step


def test_the_step_and_its_undoing_are_audited(make_list: Any) -> None:
    parent, child = make_list(), make_list()
    assert step().output == 'no list is a member of another\n'
    for words in ('is a member now', 'unchanged'):
        done = step('add', parent.list_id, child.fqdn_listname)
        assert done.exit_code == 0, done.output
        assert done.output == f'{parent.fqdn_listname}: news2@lists.example.gov: ' + (
            f'{words}\n'
        )
    assert members(parent) == [child.posting_address]
    assert json.loads(step('--json').output) == [
        {
            'parent': parent.list_id,
            'child': child.list_id,
            'email': child.posting_address,
        }
    ]
    for words in ('is no member any more', 'unchanged'):
        done = step('remove', parent.fqdn_listname, child.list_id)
        assert done.exit_code == 0, done.output
        assert words in done.output
    assert members(parent) == []
    about = (parent.list_id, child.posting_address)
    assert audited() == [('sublist added', *about), ('sublist removed', *about)]
    actors = {
        row.actor
        for row in store().query(QNetAudit)
        if row.action.startswith('sublist')
    }
    assert all(actor.startswith('operator') for actor in actors)
    assert mails() == []


def test_rings_are_refused(make_list: Any) -> None:
    lists = [make_list() for _ in range(3)]
    first, second, third = (each.fqdn_listname for each in lists)
    assert step('add', first, first).exit_code == 1
    assert step('add', first, second).exit_code == 0
    assert step('add', second, third).exit_code == 0
    assert step('add', first, third).exit_code == 0
    before = audited()
    for parent, child in ((second, first), (third, first), (third, second)):
        done = step('add', parent, child)
        assert done.exit_code == 1
        assert 'posts would go round' in done.output
    assert audited() == before
    assert members(lists[2]) == []
    assert step('add', first, 'nothing@lists.example.gov').exit_code == 1


def test_a_membership_from_before_the_list_counts(make_list: Any) -> None:
    first = make_list()
    subscribe(first, 'news2-owner@lists.example.gov')
    second = make_list()
    config.db.commit()
    assert step('add', second.list_id, first.list_id).exit_code == 1
    assert step('remove', first.list_id, second.list_id).exit_code == 0
    assert members(first) == []
    assert step('add', second.list_id, first.list_id).exit_code == 0


@given(
    st.sets(st.tuples(st.sampled_from('abcdef'), st.sampled_from('abcdef'))),
    st.sampled_from('abcdef'),
    st.sampled_from('abcdef'),
)
def test_ways(edges: set[tuple[str, str]], start: str, goal: str) -> None:
    found = sublists.way(edges, start, goal)
    reached = {start}
    for _ in 'abcdef':
        reached |= {child for parent, child in edges if parent in reached}
    assert bool(found) == (goal in reached)
    if found:
        assert (found[0], found[-1]) == (start, goal)
        assert set(pairwise(found)) <= edges


# ------------------------------------------------------------ posts


def pass_on(parent: Any, child: Any) -> None:
    """Do what the mail server does with the copy for the other list."""
    (copy,) = (
        msg
        for msg, data in queued('out')
        if data['listid'] == parent.list_id
        and child.posting_address in data['recipients']
    )
    post(child, message(copy.as_bytes(), parent.bounces_address))
    run('in', 'pipeline')


def copies(mlist: Any, reader: str) -> list[Any]:
    return [
        msg
        for msg, data in queued('out')
        if data['listid'] == mlist.list_id and reader in data['recipients']
    ]


@pytest.mark.parametrize('mask', [Mask.off, Mask.everyone])
def test_a_post_reaches_the_members_of_the_other_once(
    make_list: Any, mask: Mask
) -> None:
    parent, child = make_list('discussion'), make_list('discussion')
    for mlist in (parent, child):
        mlist.send_welcome_message = False
        set_mask(mlist, mask)
    subscribe(parent, AUTHOR)
    subscribe(child, 'reader@example.net')
    assert step('add', parent.list_id, child.list_id).exit_code == 0
    # What the guide for operators says.
    IAcceptableAliasSet(child).add(parent.posting_address)
    author = AUTHOR if mask is Mask.off else parent.posting_address
    subscribe(child, author, MemberRole.nonmember).moderation_action = Action.accept
    config.db.commit()
    raw = (
        f'From: Lee <{AUTHOR}>\r\nTo: {parent.fqdn_listname}\r\n'
        'Subject: News\r\nMessage-ID: <1@example.org>\r\n\r\nHello.\r\n'
    )
    post(parent, message(raw, AUTHOR))
    run('in', 'pipeline')
    pass_on(parent, child)
    assert len(copies(child, 'reader@example.net')) == 1
    assert not queued('shunt')


def test_without_settings_the_other_holds_it(make_list: Any) -> None:
    parent, child = make_list('discussion'), make_list('discussion')
    parent.send_welcome_message = False
    subscribe(parent, AUTHOR)
    subscribe(child, 'reader@example.net')
    assert step('add', parent.list_id, child.list_id).exit_code == 0
    raw = (
        f'From: {AUTHOR}\r\nTo: {parent.fqdn_listname}\r\nSubject: News\r\n\r\nHi.\r\n'
    )
    post(parent, message(raw, AUTHOR))
    run('in', 'pipeline')
    pass_on(parent, child)
    assert copies(child, 'reader@example.net') == []
    assert rest('GET', f'lists/{child.list_id}/held').json['total_size'] == 1
