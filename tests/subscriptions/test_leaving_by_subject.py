# SPDX-License-Identifier: GPL-3.0-or-later
"""`Unsubscribe` to the posting address, and the answer to what comes back (R14)."""

from __future__ import annotations

import email.message
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mailman.config import config
from mailman.interfaces.action import Action
from mailman.interfaces.archiver import ArchivePolicy
from mailman.interfaces.bans import IBanManager
from mailman.interfaces.member import DeliveryMode, DeliveryStatus, MemberRole
from mailman.interfaces.requests import IListRequests, RequestType
from mailman.interfaces.usermanager import IUserManager
from mailman.model.pending import Pended
from mailman.utilities.datetime import now
from sqlalchemy import func, select
from zope.component import getUtility

from qnet_mailman.bounces import ledger
from qnet_mailman.bounces.receiving import receive
from qnet_mailman.bounces.whose import Place
from qnet_mailman.model import return_addresses
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import set_replies
from qnet_mailman.subscriptions import leaving
from qnet_mailman.values import Replies
from tests.bounces.reports import report
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
    let_expire,
    mails,
    members,
    text,
    the_mail,
    token_of,
)
from tests.subscriptions.leavers import READER, answer, raw, to_list

SECOND = 'reader.two@example.net'
THIRD = 'reader.three@example.net'


@pytest.fixture
def mlist(make_list: Any) -> Any:
    return with_reader(make_list('discussion'))


def with_reader(mlist: Any) -> Any:
    mlist.send_welcome_message = False
    mlist.admin_notify_mchanges = False
    subscribe(mlist, READER)
    config.db.commit()
    return mlist


def unseen(mlist: Any) -> bool:
    """Whether the list never saw the message."""
    return (
        not any(queued(name) for name in ('pipeline', 'archive', 'out', 'shunt', 'bad'))
        and IListRequests(mlist).count_of(RequestType.held_message) == 0
    )


def waiting() -> int:
    return store().scalar(select(func.count()).select_from(Pended))


KINDS = [
    ('notification', None),
    ('discussion', Replies.accept),
    ('discussion', Replies.hold),
    ('discussion', Replies.reject),
]


@pytest.mark.parametrize(('list_type', 'replies'), KINDS)
def test_the_whole_round(make_list: Any, list_type: str, replies: Any) -> None:
    mlist = with_reader(make_list(list_type))
    mlist.send_goodbye_message = False
    if replies is not None:
        set_replies(mlist, replies)
    to_list(mlist, '  unSubscribe ')
    assert unseen(mlist)
    question = the_mail()
    assert str(question['subject']) == 'Unsubscribe'
    token = token_of(question)
    assert question['from'] == return_addresses.confirm_address(mlist, token)
    assert question['auto-submitted'] == 'auto-generated'
    assert members(mlist) == [READER]
    answer(mlist, question)
    assert members(mlist) == []
    # Whatever the list's setting: it is a promise.
    goodbye = the_mail()
    assert goodbye['subject'] == 'You are no longer subscribed to HQR Updates'
    assert READER in text(goodbye)
    assert not queued('shunt')


def test_what_the_question_says(mlist: Any) -> None:
    to_list(mlist)
    question = the_mail()
    token = token_of(question)
    words = ' '.join(text(question).split())
    assert f'https://lists.example.gov/signup/confirm/{token}/' in words
    assert return_addresses.confirm_address(mlist, token) in words
    assert f'the subscription of {READER} to the mailing list "HQR Updates"' in words
    assert 'If YOU DO NOT WANT TO LEAVE, do nothing' in words
    assert 'help@example.gov' in words
    assert all(len(line) <= 78 or line[0] == ' ' for line in text(question).split('\n'))


def test_without_a_web_side_there_is_the_answer(mlist: Any, configure: Any) -> None:
    configure(web_url='')
    to_list(mlist)
    question = the_mail()
    assert 'http' not in text(question)
    assert 'If YOU WANT TO LEAVE, answer this message.' in text(question)
    answer(mlist, question)
    assert members(mlist) == []


@pytest.mark.parametrize(
    'subject',
    [
        'Unsubscribe',
        'Re: Unsubscribe',
        'AW: Unsubscribe',
        'Odp: [EXTERNAL] Re: "Unsubscribe"',
        '=?utf-8?b?5Zue5aSN77yaVW5zdWJzY3JpYmU=?=',
        'Re: [News1] Unsubscribe',
    ],
)
def test_the_subject_of_the_answer(mlist: Any, subject: str) -> None:
    to_list(mlist)
    answer(mlist, the_mail(), subject=subject)
    assert members(mlist) == []


@pytest.mark.parametrize('subject', ['', 'Re: Unsubscribe please', 'No!', 'Re:'])
def test_with_another_subject_nothing_is_confirmed(mlist: Any, subject: str) -> None:
    to_list(mlist)
    question = the_mail()
    answer(mlist, question, subject=subject)
    assert members(mlist) == [READER]
    told = the_mail()
    assert told['subject'] == 'You are still subscribed to HQR Updates'
    assert told['auto-submitted'] == 'auto-replied'
    assert 'Keep its subject' in text(told)
    # And it still can be.
    answer(mlist, question)
    assert members(mlist) == []


AUTOMATIC = [
    'Auto-Submitted: auto-replied\r\n',
    'Auto-Submitted: auto-generated\r\n',
    'Precedence: bulk\r\n',
    'X-Autoreply: yes\r\n',
    'X-Auto-Response-Suppress: All\r\n',
    'Return-Path: <>\r\n',
]


@pytest.mark.parametrize('fields', AUTOMATIC)
def test_an_automatic_reply_confirms_nothing(mlist: Any, fields: str) -> None:
    to_list(mlist)
    question = the_mail()
    subject = 'Automatic reply: Unsubscribe' if 'Suppress' in fields else None
    answer(mlist, question, fields=fields, subject=subject)
    assert members(mlist) == [READER]
    assert mails() == []
    answer(mlist, question)
    assert members(mlist) == []


def test_an_automatic_reply_that_only_its_subject_shows(mlist: Any) -> None:
    to_list(mlist)
    answer(mlist, the_mail(), subject='Automatische Antwort: Unsubscribe')
    assert members(mlist) == [READER]


@pytest.mark.parametrize('fields', AUTOMATIC)
def test_an_automatic_message_does_not_ask(mlist: Any, fields: str) -> None:
    subject = 'Automatic reply: Unsubscribe' if 'Suppress' in fields else 'Unsubscribe'
    to_list(mlist, subject, fields=fields)
    assert not any(str(mail['subject']) == 'Unsubscribe' for mail in mails())
    assert waiting() == 0 or 'Suppress' in fields


BODIES = {
    'none': b'\r\n',
    'html only': b'MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<p>Bye</p>\r\n',
    'signed': (
        b'MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b;\r\n'
        b' protocol="application/pkcs7-signature"; micalg=sha-256\r\n\r\n'
        b'--b\r\nContent-Type: text/plain\r\n\r\nBye.\r\n--b\r\n'
        b'Content-Type: application/pkcs7-signature\r\n\r\nabc\r\n--b--\r\n'
    ),
    'big': b'\r\n' + b'Good bye, and thanks for all the fish.\r\n' * 400_000,
    '8-bit': b'\r\n\xff\xfe\x00 bye\r\n',
    'unknown charset': b'Content-Type: text/plain; charset=bogus\r\n\r\nbye\r\n',
}


@pytest.mark.parametrize('body', BODIES)
def test_whatever_the_body(mlist: Any, body: str) -> None:
    head = f'From: {READER}\r\nTo: {mlist.fqdn_listname}\r\nSubject: Unsubscribe\r\n'
    post(mlist, message(head.encode() + BODIES[body]))
    run('in')
    assert unseen(mlist)
    question = the_mail()
    head = f'From: {READER}\r\nTo: {question["from"]}\r\nSubject: Re: Unsubscribe\r\n'
    config.switchboards['command'].enqueue(
        message(head.encode() + BODIES[body]),
        listid=mlist.list_id,
        subaddress='confirm',
    )
    run('command')
    assert not queued('shunt')
    assert members(mlist) == []


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
    to_list(mlist)
    to_list(with_reader(make_list()))
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
    other = with_reader(make_list())
    to_list(mlist)
    token = token_of(the_mail())
    question = email.message.Message()
    question['From'] = return_addresses.confirm_address(other, token)
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
    from tests.subscriptions.leavers import to_command

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
    receive(Place.of(mlist), msg, now=now(), recipient=str(msg['to']))
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
    from mailman.app.lifecycle import create_list
    from mailman.interfaces.domain import IDomainManager
    from mailman.interfaces.listmanager import IListManager

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
