# SPDX-License-Identifier: GPL-3.0-or-later
"""`From: <a member>` is no member, where a discussion list says so (R6)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from mailman.config import config
from mailman.interfaces.action import Action
from mailman.interfaces.member import MemberRole
from mailman.interfaces.requests import IListRequests, RequestType

from qnet_mailman.commands.cli_qnet import QNet
from qnet_mailman.model.lists import member_authentication_of, set_member_authentication
from qnet_mailman.posting.decision import Fate, Standing, decide
from qnet_mailman.settings import PosterAuthentication
from qnet_mailman.values import ListType, Replies
from tests.helpers import appoint, empty, message, post, queued, run, subscribe
from tests.subscriptions.joiners import mails

MEMBER = 'member@agency.test'
SHOWN = 'Authentication-Results: mx.example.gov; dmarc=pass header.from=agency.test\r\n'
FORGED = 'Authentication-Results: mx.evil.test; dmarc=pass header.from=agency.test\r\n'

pytestmark = pytest.mark.mlist('discussion', members=[MEMBER])
on_both = pytest.mark.parametrize('mlist', ['public', 'private'], indirect=True)


def forge(mlist: Any, sender: str = MEMBER, fields: str = '') -> str:
    """Post in somebody's name; what becomes of it."""
    config.db.commit()
    empty('virgin')
    raw = (
        f'{fields}From: {sender}\r\nTo: {mlist.fqdn_listname}\r\nSubject: News\r\n'
        'Message-ID: <1@agency.test>\r\n\r\nBuy!\r\n'
    )
    post(mlist, message(raw, 'forger@evil.test'))
    run('in')
    assert not queued('shunt')
    if queued('pipeline'):
        empty('pipeline')
        return 'delivered'
    assert IListRequests(mlist).count_of(RequestType.held_message) == 1
    return 'held'


def questions() -> list[str]:
    return [str(m['to']) for m in mails() if 'Did you write' in str(m['subject'])]


@on_both
def test_off_believes_whatever_is_written(mlist: Any) -> None:
    assert member_authentication_of(mlist) is PosterAuthentication.off
    assert forge(mlist) == 'delivered'


@on_both
@pytest.mark.parametrize('word', ['confirm', 'required'])
@pytest.mark.parametrize('who', ['member', 'accepted', 'moderator', 'administrator'])
@pytest.mark.parametrize('fields', ['', FORGED])
def test_a_forged_author_is_not_delivered(
    mlist: Any, word: str, who: str, fields: str
) -> None:
    set_member_authentication(mlist, PosterAuthentication(word))
    sender = f'{who}@agency.test'
    if who == 'accepted':
        # "Accept all from this address", as Postorius offers it.
        role = MemberRole.nonmember
        subscribe(mlist, sender, role).moderation_action = Action.accept
    elif who != 'member':
        appoint(mlist, sender, who)
    assert forge(mlist, sender, fields) == 'held'
    # The person is asked, or the moderators decide.
    assert questions() == ([sender] if word == 'confirm' else [])


@on_both
@pytest.mark.parametrize('word', ['confirm', 'required'])
def test_a_shown_member_is_delivered(mlist: Any, word: str) -> None:
    set_member_authentication(mlist, PosterAuthentication(word))
    assert forge(mlist, fields=SHOWN) == 'delivered'


@on_both
def test_a_forged_poster_is_no_way_around(mlist: Any, configure: Any) -> None:
    configure(poster_authentication='off')
    appoint(mlist, 'poster@agency.test', may_post=True)
    assert forge(mlist, 'poster@agency.test') == 'delivered'
    set_member_authentication(mlist, PosterAuthentication.required)
    assert forge(mlist, 'poster@agency.test') == 'held'
    assert questions() == []


def test_operators_set_and_see_it(make_list: Any) -> None:
    def qnet(*arguments: str) -> Any:
        result = CliRunner().invoke(QNet().command, arguments)
        config.db.commit()
        return result

    talk, news = make_list('discussion'), make_list('notification')
    name = talk.fqdn_listname
    changed = qnet('set', name, 'member-authentication=confirm')
    assert changed.output == 'member-authentication: "off" -> "confirm"\n'
    shown = json.loads(qnet('show', '--json', name).output)
    assert shown['member_authentication'] == 'confirm'
    rows = json.loads(qnet('audit', '--list', name, '--json').output)
    assert [r['detail'] for r in rows if r['subject'] == 'member_authentication'] == [
        {'old': 'off', 'new': 'confirm'}
    ]
    wrong = qnet('set', name, 'member-authentication=maybe')
    assert wrong.exit_code == 1
    assert 'expected required, confirm or off' in wrong.stderr
    refused = qnet('set', news.fqdn_listname, 'member-authentication=required')
    assert refused.exit_code == 1
    assert 'nobody is delivered for being a member' in refused.stderr


@given(
    st.sampled_from(ListType),
    st.sampled_from(Replies),
    st.sampled_from(Standing),
    st.sampled_from(PosterAuthentication),
    st.sampled_from([PosterAuthentication.confirm, PosterAuthentication.required]),
    st.none() | st.sampled_from(Fate),
    st.sampled_from(Fate),
)
def test_nothing_unshown_is_delivered_and_nothing_else_changes(
    list_type: ListType,
    replies: Replies,
    standing: Standing,
    site: PosterAuthentication,
    word: PosterAuthentication,
    personal: Fate | None,
    nonmember: Fate,
) -> None:
    def fate(**kws: Any) -> Fate:
        return decide(
            list_type,
            replies,
            standing,
            site,
            personal=personal,
            nonmember=nonmember,
            **kws,
        ).fate

    strict = fate(members=word)
    if list_type is ListType.discussion:
        assert strict is not Fate.deliver
    else:
        assert strict is fate()
    assert fate(members=word, shown=True) is fate(shown=True)
