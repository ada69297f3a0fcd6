# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of post through the `in` queue: what becomes of it (R3-R6)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import pytest
from mailman.interfaces.action import Action
from mailman.interfaces.bans import IBanManager
from mailman.interfaces.mailinglist import IHeaderMatchList
from mailman.interfaces.member import DeliveryStatus, MemberRole
from mailman.interfaces.messages import IMessageStore
from mailman.interfaces.requests import IListRequests, RequestType
from zope.component import getUtility

from qnet_mailman.model.lists import set_replies
from qnet_mailman.values import Replies
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

VOUCHED = 'mx.example.gov; dkim=pass header.d=agency.example.gov'
FORGED_VOUCHER = 'mx.evil.example; dkim=pass header.d=agency.example.gov'

SENDERS: dict[str, dict[str, Any]] = {
    'poster, vouched for': {
        'sender': 'poster@agency.example.gov',
        'voucher': VOUCHED,
    },
    'poster by second address': {
        'sender': 'poster.two@agency.example.gov',
        'voucher': VOUCHED,
    },
    'forged poster': {'sender': 'poster@agency.example.gov'},
    'forged poster, untrusted voucher': {
        'sender': 'poster@agency.example.gov',
        'voucher': FORGED_VOUCHER,
    },
    'administrator': {'sender': 'admin@agency.example.gov', 'voucher': VOUCHED},
    'moderator': {'sender': 'moderator@agency.example.gov', 'voucher': VOUCHED},
    'member': {'sender': 'member@example.org'},
    'suspended member': {'sender': 'suspended@example.org'},
    'member by second address': {'sender': 'member.two@example.org'},
    'member by unverified address': {'sender': 'member.three@example.org'},
    'stranger': {'sender': 'stranger@example.com'},
    'stranger, Reply-To administrator': {
        'sender': 'stranger@example.com',
        'headers': (
            'Reply-To: poster@agency.example.gov\r\n'
            'Sender: poster@agency.example.gov\r\n'
        ),
    },
    'banned': {'sender': 'banned@example.com'},
}

POSTERS = {'poster, vouched for', 'poster by second address'}
FORGERIES = {'forged poster', 'forged poster, untrusted voucher'}
STAFF = {'administrator', 'moderator'}
MEMBERS = {'member', 'suspended member', 'member by second address'}
STRANGERS = {
    'stranger',
    'stranger, Reply-To administrator',
    'member by unverified address',
}


@dataclass
class Outcome:
    """What the queues and the requests say became of a post."""

    fate: str
    reason: str
    notices: list[Any]

    def notice_to(self, address: str) -> Any:
        return next((n for n in self.notices if address in n['to']), None)


@pytest.fixture
def populated(make_list: Any) -> Any:
    """Make a list with one person of every standing."""

    def make(list_type: str, replies: str | None = None) -> Any:
        mlist = make_list(list_type)
        mlist.send_welcome_message = False
        if replies is not None:
            set_replies(mlist, Replies(replies))
        appoint(mlist, 'poster@agency.example.gov', may_post=True)
        add_address(
            make_user('poster@agency.example.gov'), 'poster.two@agency.example.gov'
        )
        appoint(mlist, 'admin@agency.example.gov')
        appoint(mlist, 'moderator@agency.example.gov', 'moderator')
        member = make_user('member@example.org')
        add_address(member, 'member.two@example.org')
        add_address(member, 'member.three@example.org', verified=False)
        subscribe(mlist, 'member@example.org')
        suspended = subscribe(mlist, 'suspended@example.org')
        suspended.preferences.delivery_status = DeliveryStatus.by_bounces
        IBanManager(mlist).ban('banned@example.com')
        return mlist

    return make


def raw_post(
    mlist: Any,
    sender: str,
    *,
    voucher: str | None = None,
    headers: str = '',
    subject: str = 'A question',
    body: str = 'Hello.\r\n',
) -> bytes:
    lines = '' if voucher is None else f'Authentication-Results: {voucher}\r\n'
    return (
        f'{lines}Received: from laptop.example (laptop.example [192.0.2.7])\r\n'
        f'From: Some Body <{sender}>\r\n'
        f'To: {mlist.fqdn_listname}\r\n'
        f'Subject: {subject}\r\n'
        f'Message-ID: <m1@example.net>\r\n'
        f'{headers}\r\n{body}'
    ).encode()


def outcome_of(
    mlist: Any, raw: bytes, envelope: str | None = 'x@example.net'
) -> Outcome:
    """Post, work the `in` queue off, and see."""
    post(mlist, message(raw, envelope))
    run('in')
    assert not queued('shunt')
    notices = [msg for msg, _ in queued('virgin')]
    delivered = queued('pipeline')
    held = list(IListRequests(mlist).of_type(RequestType.held_message))
    if delivered:
        assert len(delivered) == 1 and not held and not notices
        return Outcome('deliver', '', notices)
    if held:
        assert len(held) == 1
        _, data = IListRequests(mlist).get_request(held[0].id)
        to_author = [n for n in notices if 'Did you write' in str(n['subject'])]
        return Outcome('confirm' if to_author else 'hold', data['_mod_reason'], notices)
    if notices:
        return Outcome('reject', notices[0].get_payload(decode=True).decode(), notices)
    return Outcome('discard', '', notices)


def expected(list_type: str, replies: str, who: str) -> str:
    """R3, R4 and R6 in the fewest words."""
    if who == 'banned':
        return 'discard'
    if who in POSTERS:
        return 'deliver'
    if who in FORGERIES:
        return 'confirm'
    if who in STRANGERS:
        return 'hold'
    assert who in MEMBERS | STAFF
    if list_type == 'notification':
        return 'reject'
    return {'accept': 'deliver'}.get(replies, replies)


LISTS = [
    ('notification', 'reject'),
    ('discussion', 'accept'),
    ('discussion', 'hold'),
    ('discussion', 'reject'),
]


@pytest.mark.parametrize(
    ('kind', 'who'), itertools.product(LISTS, SENDERS), ids=lambda value: str(value)
)
@pytest.mark.parametrize('is_reply', [False, True], ids=['ordinary', 'reply'])
def test_a_persons_post(
    populated: Any, kind: tuple[str, str], who: str, is_reply: bool
) -> None:
    mlist = populated(*kind)
    how = dict(SENDERS[who])
    if is_reply:
        how['subject'] = 'Re: News'
        how['headers'] = how.get('headers', '') + 'In-Reply-To: <n1@example.gov>\r\n'
    outcome = outcome_of(mlist, raw_post(mlist, **how))
    assert outcome.fate == expected(*kind, who), outcome
    if outcome.fate == 'reject':
        words = {
            'notification': 'carries announcements only',
            'discussion': 'does not take messages from its members',
        }[kind[0]]
        text = ' '.join(outcome.reason.split())
        assert words in text
        if kind[0] == 'notification':
            assert ('do not have posting privileges' in text) is (who in STAFF)
    if outcome.fate == 'hold':
        words = 'read by a moderator first' if who in MEMBERS | STAFF else 'not from a'
        assert words in outcome.reason


@pytest.mark.parametrize('kind', LISTS, ids=str)
@pytest.mark.parametrize('who', [w for w in SENDERS if w != 'banned'])
@pytest.mark.parametrize(
    'marks',
    [
        {'headers': 'Auto-Submitted: auto-replied\r\n'},
        {'headers': 'Precedence: bulk\r\n'},
        {'headers': 'X-Autoreply: yes\r\n'},
        {
            'headers': 'X-Auto-Response-Suppress: All\r\n',
            'subject': 'Automatic reply: News',
        },
        {'envelope': ''},
    ],
    ids=['auto-submitted', 'bulk', 'x-autoreply', 'out-of-office', 'empty-envelope'],
)
def test_automatic_mail_is_discarded_without_a_word(
    populated: Any, kind: tuple[str, str], who: str, marks: dict[str, str]
) -> None:
    mlist = populated(*kind)
    how = dict(SENDERS[who])
    envelope = marks.get('envelope', 'x@example.net')
    how['headers'] = how.get('headers', '') + marks.get('headers', '')
    how['subject'] = marks.get('subject', 'News')
    outcome = outcome_of(mlist, raw_post(mlist, **how), envelope)
    if who in POSTERS | FORGERIES and 'bulk' in how['headers']:
        # It may be an announcement that a tool has sent; the person is told.
        (notice,) = outcome.notices
        assert notice['to'] == how['sender']
        assert 'mail that a program wrote' in outcome.reason
    else:
        assert outcome.fate == 'discard'


@pytest.mark.parametrize(
    ('mode', 'who', 'fate'),
    [
        ('required', 'poster, vouched for', 'deliver'),
        ('required', 'forged poster', 'hold'),
        ('required', 'forged poster, untrusted voucher', 'hold'),
        ('confirm', 'forged poster', 'confirm'),
        ('off', 'forged poster', 'deliver'),
        ('off', 'stranger, Reply-To administrator', 'hold'),
    ],
)
@pytest.mark.parametrize('list_type', ['notification', 'discussion'])
def test_poster_authentication(
    configure: Any, populated: Any, mode: str, who: str, fate: str, list_type: str
) -> None:
    configure(poster_authentication=mode)
    mlist = populated(list_type)
    outcome = outcome_of(mlist, raw_post(mlist, **SENDERS[who]))
    assert outcome.fate == fate
    if mode == 'required' and fate == 'hold':
        assert 'nothing shows that it comes from that person' in outcome.reason
        # The person named may be the victim: nothing can be released by them.
        notice = outcome.notice_to('poster@agency.example.gov')
        assert notice is not None and 'confirm+' not in notice.as_string()


MALFORMED = {
    'several From addresses': (
        'From: poster@agency.example.gov, member@example.org\r\n',
        'hold',
        'who wrote it',
    ),
    'two From fields': (
        'From: poster@agency.example.gov\r\nFrom: stranger@example.com\r\n',
        'hold',
        'who wrote it',
    ),
    'no From': ('', 'hold', 'who wrote it'),
    'empty From': ('From: \r\n', 'hold', 'who wrote it'),
    'From without a domain': ('From: poster\r\n', 'hold', 'who wrote it'),
    'poster as a display name': (
        'From: "poster@agency.example.gov" <stranger@example.com>\r\n',
        'hold',
        'not from a member',
    ),
    'poster in a comment': (
        'From: stranger@example.com (poster@agency.example.gov)\r\n',
        'hold',
        'not from a member',
    ),
    'address split by a comment': (
        'From: <poster@agency.example.gov>stranger@example.com\r\n',
        'hold',
        'who wrote it',
    ),
    '8-bit bytes in From': (
        b'From: "Caf\xe9" <member@example.org>\r\n',
        'reject',
        'announcements only',
    ),
    '8-bit bytes in the subject': (
        b'From: member@example.org\r\nSubject: Caf\xe9 \xff\r\n',
        'reject',
        'announcements only',
    ),
    "8-bit bytes in a stranger's subject": (
        b'From: stranger@example.com\r\nSubject: Caf\xe9 \xff\r\n',
        'hold',
        'not from a member',
    ),
    'unknown charset in the subject': (
        'From: stranger@example.com\r\nSubject: =?x-none?Q?abc?=\r\n',
        'hold',
        'not from a member',
    ),
    'banned among others': (
        'From: banned@example.com, member@example.org\r\n',
        'discard',
        '',
    ),
    'loop': (
        'From: poster@agency.example.gov\r\nList-Id: News <{list_id}>\r\n',
        'discard',
        '',
    ),
}


@pytest.mark.parametrize('case', MALFORMED)
def test_malformed_posts(configure: Any, populated: Any, case: str) -> None:
    # The laxest mode, so that nothing here is held for want of a voucher.
    configure(poster_authentication='off')
    mlist = populated('notification')
    fields, fate, words = MALFORMED[case]
    if isinstance(fields, str):
        fields = fields.format(list_id=mlist.list_id).encode()
    raw = (
        fields
        + f'To: {mlist.fqdn_listname}\r\n'.encode()
        + b'Message-ID: <m1@example.net>\r\n\r\nHello.\r\n'
    )
    outcome = outcome_of(mlist, raw)
    assert outcome.fate == fate
    assert words in ' '.join(outcome.reason.split())


@pytest.mark.parametrize(
    ('kind', 'who', 'fate'),
    [
        (('notification', 'reject'), 'poster, vouched for', 'hold'),
        (('discussion', 'accept'), 'poster, vouched for', 'hold'),
        (('discussion', 'accept'), 'member', 'hold'),
        (('notification', 'reject'), 'member', 'reject'),
        (('notification', 'reject'), 'stranger', 'hold'),
        (('notification', 'reject'), 'forged poster', 'confirm'),
    ],
    ids=str,
)
def test_too_large(populated: Any, kind: tuple[str, str], who: str, fate: str) -> None:
    mlist = populated(*kind)
    mlist.max_message_size = 1
    raw = raw_post(mlist, **SENDERS[who], body='x' * 70 + '\r\n' * 2000)
    outcome = outcome_of(mlist, raw)
    assert outcome.fate == fate
    if who in POSTERS | {'member'} and fate == 'hold':
        assert 'larger than the 1 KB maximum' in outcome.reason


def test_emergency_moderation_holds_everybody(populated: Any) -> None:
    mlist = populated('notification')
    mlist.emergency = True
    raw = raw_post(mlist, **SENDERS['poster, vouched for'])
    assert outcome_of(mlist, raw).fate == 'hold'


@pytest.mark.parametrize(
    ('list_type', 'chain', 'fate'),
    [
        ('notification', 'accept', 'hold'),
        ('discussion', 'accept', 'deliver'),
        ('notification', 'discard', 'discard'),
        ('notification', 'reject', 'reject'),
        ('notification', 'hold', 'hold'),
    ],
)
def test_header_filters_cannot_give_posting_rights(
    populated: Any, list_type: str, chain: str, fate: str
) -> None:
    mlist = populated(list_type)
    IHeaderMatchList(mlist).append('X-Passport', 'yes', chain)
    raw = raw_post(mlist, 'stranger@example.com', headers='X-Passport: yes\r\n')
    assert outcome_of(mlist, raw).fate == fate


@pytest.mark.parametrize(
    ('list_type', 'role', 'action', 'fate'),
    [
        ('notification', 'member', 'accept', 'reject'),
        ('notification', 'member', 'hold', 'reject'),
        ('notification', 'member', 'discard', 'discard'),
        ('notification', 'nonmember', 'accept', 'hold'),
        ('notification', 'nonmember', 'reject', 'reject'),
        ('discussion', 'member', 'accept', 'deliver'),
        ('discussion', 'member', 'hold', 'hold'),
        ('discussion', 'member', 'reject', 'reject'),
        ('discussion', 'nonmember', 'accept', 'deliver'),
        ('discussion', 'nonmember', 'discard', 'discard'),
    ],
)
def test_moderation_of_one_person(
    populated: Any, list_type: str, role: str, action: str, fate: str
) -> None:
    mlist = populated(list_type, None if list_type == 'notification' else 'hold')
    subscribe(mlist, 'one@example.org', MemberRole[role]).moderation_action = Action[
        action
    ]
    assert outcome_of(mlist, raw_post(mlist, 'one@example.org')).fate == fate


def test_notices_name_list_reason_and_contact(populated: Any) -> None:
    mlist = populated('notification')
    shown = 'mx.example.gov; dmarc=pass header.from=example.org'
    outcome = outcome_of(mlist, raw_post(mlist, 'member@example.org', voucher=shown))
    (notice,) = outcome.notices
    text = notice.get_payload(decode=True).decode()
    assert notice['auto-submitted'] == 'auto-replied'
    assert notice['in-reply-to'] == '<m1@example.net>'
    for words in (
        'HQR Updates',
        mlist.fqdn_listname,
        'A question',
        'announcements only',
        mlist.owner_address,
        'help@example.gov',
        '1-800-555-0100',
    ):
        assert words in text


def test_a_hold_tells_author_and_moderators(populated: Any) -> None:
    mlist = populated('notification')
    outcome = outcome_of(mlist, raw_post(mlist, 'stranger@example.com'))
    to_author = outcome.notice_to('stranger@example.com')
    to_moderators = outcome.notice_to('moderator@agency.example.gov')
    to_administrator = outcome.notice_to('admin@agency.example.gov')
    assert to_administrator['from'] == to_moderators['from']
    assert to_author['auto-submitted'] == 'auto-replied'
    assert to_moderators['auto-submitted'] == 'auto-generated'
    text = to_moderators.get_payload(0).get_payload(decode=True).decode()
    assert 'stranger@example.com' in text
    assert f'https://lists.example.gov/mailman3/lists/{mlist.list_id}' in text


def test_notices_to_one_address_are_limited(configure: Any, populated: Any) -> None:
    configure(notices_per_day='2')
    mlist = populated('notification')
    for number in range(4):
        raw = raw_post(mlist, 'member@example.org')
        post(mlist, message(raw.replace(b'<m1@', f'<n{number}@'.encode())))
    run('in')
    assert len(queued('virgin')) == 2
    assert not queued('shunt')


def test_two_held_posts_with_one_message_id_are_both_kept(populated: Any) -> None:
    mlist = populated('discussion')
    for body in ('First.\r\n', 'Second.\r\n'):
        post(mlist, message(raw_post(mlist, 'stranger@example.com', body=body)))
    run('in')
    requests = IListRequests(mlist)
    bodies = set()
    for request in requests.of_type(RequestType.held_message):
        key, _ = requests.get_request(request.id)
        msg = getUtility(IMessageStore).get_message_by_id(key)
        bodies.add(msg.get_payload())
    assert bodies == {'First.\r\n', 'Second.\r\n'}
