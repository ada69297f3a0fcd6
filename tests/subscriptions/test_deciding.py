# SPDX-License-Identifier: GPL-3.0-or-later
"""Moderators decide by answering a notice, or by its link (R12, R25, R31)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from mailman.config import config
from mailman.interfaces.member import MemberRole
from mailman.interfaces.requests import IListRequests, RequestType

from qnet_mailman.mail.answers import ENGLISH, WORDINGS
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.roles import grants
from qnet_mailman.roles.rights import Identity, Role
from qnet_mailman.subscriptions import deciding
from qnet_mailman.subscriptions.verdicts import Verdict
from tests.clock import Clock
from tests.helpers import (
    appoint,
    empty,
    message,
    post,
    queued,
    run,
    subscribe,
    text_of,
)
from tests.lists import list_of_another_style
from tests.subscriptions.joiners import (
    READER,
    find_list,
    mails,
    members,
    register,
    rest,
    text,
    undecided,
)

ADMIN, MOD = 'admin@agency.example.gov', 'mod@agency.example.gov'
AUTHOR = 'author@example.org'
SHOWN = 'Authentication-Results: mx.example.gov; dmarc=pass header.from={}\r\n'


@pytest.fixture
def mlist(make_list: Any) -> Any:
    """A private list, and who looks after it."""
    found = make_list('discussion', 'private')
    appoint(found, ADMIN)
    appoint(found, MOD, 'moderator')
    empty('virgin')
    return found


def asked(mlist: Any) -> Any:
    """The notice to the moderator about a request to join."""
    register(mlist)
    return next(mail for mail in mails() if mail['to'] == MOD)


def held(mlist: Any) -> Any:
    """The notice to the moderator about a held post."""
    raw = (
        f'From: {AUTHOR}\r\nTo: {mlist.fqdn_listname}\r\nSubject: Hello\r\n'
        f'Message-ID: <held@example.org>\r\n\r\nHello.\r\n'
    )
    post(mlist, message(raw))
    run('in')
    return next(mail for mail in mails() if mail['to'] == MOD)


def held_count(mlist: Any) -> int:
    return int(IListRequests(mlist).count_of(RequestType.held_message))


def answer(
    mlist: Any, notice: Any, body: str, sender: str = MOD, fields: str | None = None
) -> list[Any]:
    """Answer a notice, as mail servers bring it; what is sent then."""
    shown = SHOWN.format(sender.partition('@')[2]) if fields is None else fields
    raw = (
        f'{shown}From: Mo <{sender}>\r\nTo: {notice["from"]}\r\n'
        f'Subject: Re: {notice["subject"]}\r\nMessage-ID: <a@example.net>\r\n\r\n'
        f'{body}\r\n'
    )
    config.switchboards['command'].enqueue(
        message(raw, sender), listid=mlist.list_id, subaddress='confirm'
    )
    run('command')
    assert not queued('shunt')
    return mails()


def link_in(notice: Any) -> str:
    """The token of the link in a notice."""
    found = re.search(r'/decide/(\w+)/', text_of(notice))
    assert found is not None
    return found[1]


def press(token: str, verdict: str, **more: str) -> Any:
    """Press a button of the link's page: what core says."""
    return rest('POST', 'plugins/qnet/decisions', token=token, verdict=verdict, **more)


def said(body: Any) -> dict[str, Any]:
    return dict(body.json)


def recorded() -> list[tuple[str, str, str, str]]:
    """What the audit log has of decisions."""
    wanted = {action.value for action in deciding._ACTIONS.values()}
    return [
        (row.actor, row.action, row.subject, json.loads(row.detail)['route'])
        for row in store().query(QNetAudit).order_by(QNetAudit.id)
        if row.action in wanted
    ]


# ----------------------------------------------------------------- answering


def test_a_request_is_approved_by_an_answer(mlist: Any) -> None:
    notice = asked(mlist)
    to_reader, to_moderator = answer(mlist, notice, 'Approve.\r\n\r\n> APPROVE ...')
    assert to_reader['to'] == READER
    assert 'The administrators of the list have approved' in text(to_reader)
    assert to_moderator['to'] == MOD
    assert 'they join, once they confirm it' in ' '.join(text(to_moderator).split())
    assert to_moderator['auto-submitted'] == 'auto-replied'
    assert recorded() == [(MOD, 'joining approved', READER, 'e-mail')]
    assert members(mlist) == []
    # Once: a second answer, whoever's, comes too late.
    for sender in (MOD, ADMIN):
        (late,) = answer(mlist, notice, 'REFUSE', sender)
        assert 'nothing left to decide' in text(late)
    assert len(recorded()) == 1


def test_a_request_is_refused_by_an_answer(mlist: Any) -> None:
    to_reader, _ = answer(mlist, asked(mlist), 'refuse', ADMIN)
    assert to_reader['to'] == READER
    assert deciding.NO_REASON in text(to_reader)
    assert recorded() == [(ADMIN, 'joining refused', READER, 'e-mail')]


@pytest.mark.parametrize(
    ('word', 'action'),
    [
        ('DELIVER', 'post accepted'),
        ('refuse', 'post rejected'),
        ('Discard!', 'post discarded'),
    ],
)
def test_a_held_post_is_decided_by_an_answer(
    mlist: Any, word: str, action: str
) -> None:
    notice = held(mlist)
    assert [part.get_content_type() for part in notice.get_payload()] == [
        'text/plain',
        'message/rfc822',
    ]
    told = answer(mlist, notice, word)
    assert held_count(mlist) == 0
    assert recorded() == [(MOD, action, '<held@example.org>', 'e-mail')]
    assert len(queued('pipeline')) == (action == 'post accepted')
    assert (AUTHOR in [mail['to'] for mail in told]) is (action == 'post rejected')
    assert 'nothing left' in text(answer(mlist, notice, word)[-1])


@pytest.mark.parametrize(
    ('body', 'sender', 'fields', 'words'),
    [
        ('APPROVE', MOD, '', 'could not verify'),
        ('APPROVE', MOD, SHOWN.format('example.org'), 'could not verify'),
        (
            'APPROVE',
            MOD,
            'Authentication-Results: mx.example.gov; dmarc=fail '
            'header.from=agency.example.gov; dkim=pass header.d=agency.example.gov\r\n',
            'could not verify',
        ),
        ('APPROVE', 'stranger@example.org', None, 'do not decide anything'),
        ('Yes, please approve', MOD, None, 'must be one of these words'),
        ('DISCARD', MOD, None, 'must be one of these words'),
        ('> APPROVE', MOD, None, 'must be one of these words'),
        ('', MOD, None, 'must be one of these words'),
    ],
)
def test_answers_that_decide_nothing(
    mlist: Any, body: str, sender: str, fields: str | None, words: str
) -> None:
    notice = asked(mlist)
    (told,) = answer(mlist, notice, body, sender, fields)
    assert (told['to'], recorded()) == (sender, [])
    assert words in ' '.join(text(told).split())
    # It is still to be decided.
    assert undecided(mlist)


def test_posts_in_anybodys_name_let_nobody_decide(mlist: Any, configure: Any) -> None:
    notice = asked(mlist)
    configure(poster_authentication='off')
    answer(mlist, notice, 'APPROVE', fields='')
    assert recorded() == []


def test_the_words_of_a_language_are_different() -> None:
    for wording in (ENGLISH, *WORDINGS.values()):
        words = [
            wording.join,
            wording.post,
            wording.approve,
            wording.refuse,
            wording.discard,
        ]
        assert len(set(words)) == len(words)


# --------------------------------------------------------------------- links


def test_a_link_approves_once(mlist: Any) -> None:
    token = link_in(asked(mlist))
    found = said(rest('POST', 'plugins/qnet/decisions/describe', token=token))
    assert (found['outcome'], found['by']) == ('waits', 'm***@agency.example.gov')
    assert (found['kind'], found['who']) == ('join', f'Rea Reader <{READER}>')
    assert mails() == []
    # Whatever the case of the link.
    assert said(press(token.upper(), 'accept'))['outcome'] == 'done'
    assert said(press(token, 'reject'))['outcome'] == 'late'
    assert recorded() == [(MOD, 'joining approved', READER, 'web')]
    (to_reader,) = mails()
    assert to_reader['to'] == READER


def test_a_reason_goes_to_who_asked_and_into_the_log(mlist: Any) -> None:
    token = link_in(asked(mlist))
    reason = 'Only for $listname staff.'
    assert said(press(token, 'reject', reason=reason))['outcome'] == 'done'
    assert reason in text(mails()[0])
    detail = json.loads(
        store().query(QNetAudit).order_by(QNetAudit.id.desc())[0].detail
    )
    assert detail == {'route': 'web', 'reason': reason}


def test_a_held_post_by_its_link(mlist: Any) -> None:
    list_id = mlist.list_id
    token = link_in(held(mlist))
    found = said(rest('POST', 'plugins/qnet/decisions/describe', token=token))
    assert (found['kind'], found['who'], found['subject']) == ('post', AUTHOR, 'Hello')
    assert found['verdicts'] == ['accept', 'reject', 'discard']
    assert said(press(token, 'accept'))['outcome'] == 'done'
    assert held_count(find_list(list_id)) == 0
    assert len(queued('pipeline')) == 1
    assert said(press(token, 'discard'))['outcome'] == 'late'


def test_what_core_does_not_take(mlist: Any) -> None:
    list_id = mlist.list_id
    token = link_in(asked(mlist))
    assert press(token, 'discard').status_code == 400
    assert press(token, 'yes').status_code == 400
    assert press(token, 'reject', reason='x' * 1001).status_code == 400
    for wrong in ('', 'x', token[:-1], '2m' + 'a' * 62, f'{token}\0'):
        assert press(wrong, 'accept').status_code in (400, 404)
    other = token[:-1] + ('a' if token[-1] != 'a' else 'b')
    assert press(other, 'accept').status_code == 404
    assert undecided(find_list(list_id))


def lose_role(clock: Clock) -> None:
    grants.revoke(Identity.of(MOD), Role.moderator, reason='Gone.')
    config.db.commit()
    empty('virgin')


def let_role_expire(clock: Clock) -> None:
    soon = clock.moment + timedelta(minutes=1)
    grants.expire_at(Identity.of(MOD), Role.moderator, soon)
    config.db.commit()
    # Nothing periodic has seen it: the rosters have them still.
    clock.forward(minutes=2)


@pytest.mark.parametrize('how', [lose_role, let_role_expire])
def test_who_has_lost_the_role_decides_nothing(
    mlist: Any, clock: Clock, how: Callable[[Clock], None]
) -> None:
    notice = asked(mlist)
    token = link_in(notice)
    how(clock)
    (told,) = answer(mlist, notice, 'APPROVE')
    assert 'do not decide anything' in text(told)
    described = said(rest('POST', 'plugins/qnet/decisions/describe', token=token))
    assert described['outcome'] == 'not allowed'
    assert 'who' not in described
    assert said(press(token, 'accept'))['outcome'] == 'not allowed'
    assert recorded() == []


def test_where_the_site_wants_none_of_it(mlist: Any, configure: Any) -> None:
    notice = asked(mlist)
    configure(decide_by_mail='no')
    answer(mlist, notice, 'APPROVE')
    assert said(press(link_in(notice), 'accept'))['outcome'] == 'not allowed'
    assert recorded() == []


def test_another_message_in_its_place_is_not_decided(mlist: Any) -> None:
    """A number and a Message-ID that are used again are not what was asked about."""
    notice = held(mlist)
    token = link_in(notice)
    (request,) = IListRequests(mlist).of_type(RequestType.held_message)
    pending = deciding.offer(
        mlist, request.id, message('Message-ID: <held@example.org>\r\n\r\nOther.\r\n')
    )
    outcome, _ = deciding.decide(pending, Verdict.accept, by=MOD, route='web')
    assert outcome is deciding.Outcome.late
    assert held_count(mlist) == 1
    assert said(press(token, 'accept'))['outcome'] == 'done'


def test_a_list_of_another_style_goes_by_its_rosters(core: Any) -> None:
    stock = list_of_another_style(moderators=[])
    assert not deciding.may_decide(stock, MOD)
    subscribe(stock, MOD, MemberRole.moderator)
    assert deciding.may_decide(stock, MOD)
