# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking to leave again, answering late, twice and elsewhere (R14)."""

from __future__ import annotations

import email.message
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.interfaces.archiver import ArchivePolicy
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.usermanager import IUserManager
from mailman.model.pending import Pended
from mailman.utilities.datetime import now
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman.bounces import ledger
from qnet_mailman.bounces.receiving import Arrival, receive_all
from qnet_mailman.bounces.whose import Place
from qnet_mailman.model.base import store
from qnet_mailman.subscriptions import leaving
from tests.bounces.reports import report
from tests.helpers import (
    add_address,
    message,
    post,
    queued,
    run,
    subscribe,
)
from tests.lists import furnish
from tests.subscriptions.joiners import (
    let_expire,
    mails,
    members,
    text,
    the_mail,
    token_of,
)
from tests.subscriptions.leavers import READER, answer, raw, to_command, to_list
from tests.subscriptions.subjects import (
    AUTOMATIC,
    ON_DISCUSSION,
    SECOND,
    THIRD,
    WITH_READER,
    unseen,
    waiting,
)

pytestmark = ON_DISCUSSION


def test_asking_again_sends_the_same_token_within_the_limit(
    mlist: Any, configure: Any
) -> None:
    configure(unproven_mails_per_day='3')
    found = []
    for _ in range(5):
        to_list(mlist)
        found += mails()
    assert len(found) == 3
    assert len({token_of(mail) for mail in found}) == 1
    assert waiting() == 1
    # The first mail's answer is as good as the last one's.
    answer(mlist, found[0])
    assert members(mlist) == []
    # The final confirmation is outside the limit.
    assert len(mails()) == 1


def test_a_forger_costs_a_stranger_no_more(mlist: Any, configure: Any) -> None:
    configure(unproven_mails_per_day='2')
    found = []
    for sender in ('stranger@example.com', 'STRANGER@Example.COM') * 3:
        to_list(mlist, sender=sender)
        found += mails()
    assert len(found) == 2


def test_the_limit_is_for_all_lists_and_a_day(
    mlist: Any, make_list: Any, configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(unproven_mails_per_day='1')
    other = furnish(make_list(), **WITH_READER)
    to_list(mlist)
    to_list(other)
    assert len(mails()) == 1
    moment = now() + timedelta(days=1)
    monkeypatch.setattr('qnet_mailman.model.limits.now', lambda: moment)
    to_list(mlist)
    assert len(mails()) == 1


def test_another_membership_is_another_token(mlist: Any) -> None:
    user = getUtility(IUserManager).get_user(READER)
    add_address(user, SECOND)
    add_address(user, THIRD)
    to_list(mlist, sender=THIRD)
    first = the_mail(THIRD)
    subscribe(mlist, SECOND)
    to_list(mlist, sender=THIRD)
    second = the_mail(THIRD)
    assert token_of(first) != token_of(second)
    # What the first question named leaves, and nobody else.
    answer(mlist, first, sender=THIRD)
    assert members(mlist) == [SECOND]


def test_a_question_repeated_is_good_for_the_whole_time(
    mlist: Any, configure: Any
) -> None:
    configure(signup_lifetime='2h')
    to_list(mlist)
    token = token_of(the_mail())
    pended = store().scalars(select(Pended).where(Pended.token == token)).one()
    pended.expiration_date -= timedelta(minutes=119)
    config.db.commit()
    to_list(mlist)
    assert token_of(the_mail()) == token
    store().refresh(pended)
    assert pended.expiration_date > now() + timedelta(minutes=119)


def test_an_answer_that_comes_too_late(mlist: Any) -> None:
    to_list(mlist)
    question = the_mail()
    let_expire(token_of(question))
    answer(mlist, question)
    assert members(mlist) == [READER]
    told = the_mail()
    assert told['subject'] == 'Your answer about HQR Updates'
    assert told['auto-submitted'] == 'auto-replied'
    assert f'"Unsubscribe"\nto\n\n  {mlist.fqdn_listname}\n' in text(told)
    # What expired is asked anew.
    to_list(mlist)
    assert token_of(the_mail()) != token_of(question)


def test_answering_twice(mlist: Any) -> None:
    to_list(mlist)
    question = the_mail()
    answer(mlist, question)
    assert the_mail()['subject'] == 'You are no longer subscribed to HQR Updates'
    answer(mlist, question)
    assert the_mail()['subject'] == 'Your answer about HQR Updates'


def test_whoever_was_removed_meanwhile_is_told(mlist: Any) -> None:
    to_list(mlist)
    question = the_mail()
    mlist.members.get_member(READER).unsubscribe()
    answer(mlist, question)
    assert the_mail()['subject'] == 'You are not subscribed to HQR Updates'


def test_a_token_of_another_list_confirms_nothing(mlist: Any, make_list: Any) -> None:
    other = furnish(make_list(), **WITH_READER)
    to_list(mlist)
    token = token_of(the_mail())
    question = email.message.Message()
    question['From'] = other.confirm_address(token)
    question['Subject'] = 'Unsubscribe'
    answer(other, question)
    assert members(mlist) == members(other) == [READER]
    assert the_mail()['subject'] == 'Your answer about HQR Updates'


def test_an_answer_to_the_list_asks_once_more(mlist: Any) -> None:
    # Where a mail program puts the posting address in place of ours.
    to_list(mlist)
    question = the_mail()
    to_list(mlist, 'Re: Unsubscribe')
    assert unseen(mlist)
    again = the_mail()
    assert token_of(again) == token_of(question)
    assert 'It must go to\n\n  ' + question['from'] in text(again)
    answer(mlist, again)
    assert members(mlist) == []


def test_an_answer_to_both_addresses_is_answered_once(mlist: Any) -> None:
    to_list(mlist)
    question = the_mail()
    both = f'{mlist.fqdn_listname}, "{question["from"]}" <{question["from"]}>'
    answer(mlist, question)
    the_mail()
    post(mlist, message(raw(both, 'Re: Unsubscribe')))
    run('in')
    assert mails() == []
    assert unseen(mlist)


def test_the_token_among_several_recipients(mlist: Any) -> None:
    to_list(mlist)
    question = the_mail()
    to = f'Jane <jane+lists@example.org>, {question["from"].upper()}'
    to_command(mlist, 'confirm', raw(to, 'Re: Unsubscribe'))
    assert members(mlist) == []


def test_the_administrators_are_told_if_the_list_says_so(mlist: Any) -> None:
    mlist.admin_notify_mchanges = True
    hostile = 'Rea\r\nBcc: all@example.org\r\n\r\n$support_contact'
    getUtility(IUserManager).get_address(READER).display_name = hostile
    to_list(mlist)
    answer(mlist, mails()[0])
    goodbye, told = sorted(mails(), key=lambda mail: mail['to'] != READER)
    assert goodbye['to'] == READER
    assert told['to'] == mlist.owner_address
    assert told['subject'] == 'HQR Updates: a subscription has ended'
    words = 'Rea Bcc: all@example.org $support_contact'
    assert f'\n  {words} <{READER}>\n' in text(told)


def test_who_comes_back_starts_from_zero(mlist: Any) -> None:
    # R22: what was counted belongs to the membership that ended.
    msg = report(mlist, READER)
    arrival = Arrival(Place.of(mlist), msg, recipient=str(msg['to']))
    receive_all([arrival], now=now())
    config.db.commit()
    before = mlist.members.get_member(READER)
    window = range(7)
    score = ledger.half_score(str(before.member_id), len(window), now().date())
    assert score > 0
    to_list(mlist)
    answer(mlist, mails()[-1])
    assert members(mlist) == []
    after = subscribe(mlist, READER)
    store().flush()
    assert ledger.half_score(str(after.member_id), len(window), now().date()) == 0
    assert after.bounce_score == 0
    assert after.preferences.delivery_status is None


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    sender=st.binary(max_size=60),
    more=st.binary(max_size=60),
    subaddress=st.sampled_from([None, 'confirm', 'leave']),
)
@example(b'=?bogus?q?x?= <reader@example.net>', b'\xff', None)
@example(b'=?bogus?q?x?= <reader@example.net>', b'\xff', 'confirm')
@example(b'=?utf-8?b?abc?= <reader@example.net>', b'\xff', 'leave')
def test_no_message_is_shunted(
    core: Any, sender: bytes, more: bytes, subaddress: Any
) -> None:
    mlist = _any_list()
    clean = [data.replace(b'\n', b' ').replace(b'\r', b' ') for data in (sender, more)]
    msg = message(
        b'From: %b\r\nTo: news-confirm+%b@x\r\nSubject: Unsubscribe\r\n'
        b'Precedence: %b\r\nX-Ack: %b\r\n\r\nBye.\r\n' % (*clean, *reversed(clean))
    )
    if subaddress is None:
        post(mlist, msg)
        run('in')
    else:
        config.switchboards['command'].enqueue(
            msg, listid=mlist.list_id, subaddress=subaddress
        )
        run('command')
    assert not queued('shunt')
    mails()


def _any_list() -> Any:
    found = getUtility(IListManager).get('strange@lists.example.gov')
    if found is None:
        getUtility(IDomainManager).add('lists.example.gov')
        found = create_list(
            'strange@lists.example.gov', style_name='qnet-discussion-public'
        )
        config.db.commit()
    return found


def test_the_log_has_no_whole_token(
    mlist: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level('DEBUG'):
        to_list(mlist)
        question = the_mail()
        answer(mlist, question, fields=AUTOMATIC[0])
        answer(mlist, question, subject='Re: What?')
        answer(mlist, question)
    assert token_of(question) not in caplog.text


def test_archives_never_see_it(mlist: Any) -> None:
    mlist.archive_policy = ArchivePolicy.public
    to_list(mlist)
    run('pipeline')
    assert not queued('archive')
    assert leaving.subscribed_addresses(mlist, READER) == (READER,)
