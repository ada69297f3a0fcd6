# SPDX-License-Identifier: GPL-3.0-or-later
"""Nobody makes us flood somebody else, nor say what they want said (RFC 3834).

A forger writes to every address of several lists in a victim's name, and types the
victim's address into pages.  The victim gets a few mails a day of all kinds together,
and nothing in them is of the forger's making.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailman.config import config
from mailman.interfaces.action import FilterAction
from mailman.interfaces.autorespond import ResponseAction
from mailman.interfaces.mailinglist import DMARCMitigateAction
from mailman.interfaces.requests import IListRequests, RequestType
from mailman.utilities.datetime import now

from qnet_mailman.model.lists import set_replies
from qnet_mailman.posting import backscatter
from qnet_mailman.review import arrival
from qnet_mailman.rules import dmarc as rules_dmarc
from qnet_mailman.values import Replies
from tests.helpers import appoint, empty, message, post, queued, run, subscribe
from tests.subscriptions.joiners import (
    find_list,
    members,
    rest,
    text,
    token_of,
)

VICTIM = 'victim@agency.test'
FORMS = 'forms@lists.example.gov'
EVIL = 'buy-at-evil.test'
LIMIT = 5
_numbers = itertools.count(1)


@pytest.fixture
def lists(make_list: Any, configure: Any) -> list[str]:
    """The List-Ids of a discussion list and two notification lists."""
    configure(forms_address=FORMS)
    made = [make_list('discussion'), make_list('notification'), make_list()]
    for mlist in made:
        mlist.send_welcome_message = False
    config.db.commit()
    return [mlist.list_id for mlist in made]


def forged(to: str, subject: str = EVIL, body: str = EVIL, fields: str = '') -> bytes:
    """A mail in the victim's name, with the forger's words wherever they fit."""
    return (
        f'{fields}From: "{EVIL}" <{VICTIM}>\r\nTo: {EVIL} <{to}>\r\n'
        f'Subject: {subject}\r\nDate: {EVIL}\r\nReferences: <1@{EVIL}>\r\n'
        f'Message-ID: <{next(_numbers)}@{EVIL}>\r\n\r\n{body}\r\n'
    ).encode()


def to_command(mlist: Any, subaddress: str, raw: bytes) -> None:
    config.switchboards['command'].enqueue(
        message(raw, 'forger@evil.test'),
        listid=mlist.list_id,
        subaddress=subaddress,
        to_request=subaddress == 'request',
    )
    run('command')


def to_request(subject: str, body: str = '') -> Callable[[Any], None]:
    def attack(mlist: Any) -> None:
        to_command(mlist, 'request', forged(mlist.request_address, subject, body))

    return attack


def to_list(mlist: Any, subject: str = EVIL, fields: str = '') -> None:
    post(mlist, message(forged(mlist.fqdn_listname, subject, fields=fields)))
    run('in', 'pipeline')


def answer_nothing(mlist: Any) -> None:
    address = mlist.confirm_address('0' * 40)
    to_command(mlist, 'confirm', forged(address))


def ask_on_the_page(mlist: Any) -> None:
    answer = rest(
        'POST',
        'plugins/qnet/signup',
        address=VICTIM,
        lists=mlist.list_id,
        display_name=EVIL,
        client='192.0.2.1',
    )
    assert answer.status_code == 202
    run('command')


def ask_for_a_password(mlist: Any) -> None:
    """As the web side asks, before it writes."""
    answer = rest('POST', 'plugins/qnet/mail-allowance', address=VICTIM)
    assert answer.status_code in (204, 429)
    if answer.status_code == 204:
        config.switchboards['out'].enqueue(
            message(f'To: {VICTIM}\r\n\r\n'), recipients={VICTIM}
        )


def send_a_form(mlist: Any) -> None:
    arrival.keep(forged(FORMS), 'forger@evil.test')
    run('forms')


ATTACKS: dict[str, Callable[[Any], None]] = {
    'help': to_request('help', EVIL),
    'echo': to_request(f'echo {EVIL}', f'echo {EVIL}'),
    'unknown words': to_request(EVIL, f'{EVIL}\r\n{EVIL}'),
    'an argument': to_request(f'join {EVIL}={EVIL}'),
    'help about': to_request(f'help {EVIL}'),
    'who': to_request(f'who {EVIL}'),
    'confirm': to_request(f'confirm {EVIL}'),
    'join in the text': to_request('', 'join'),
    'posts': to_list,
    'unsubscribe': lambda mlist: to_list(mlist, 'Unsubscribe'),
    'join': lambda mlist: to_command(mlist, 'join', forged(mlist.join_address)),
    'leave': lambda mlist: to_command(mlist, 'leave', forged(mlist.leave_address)),
    'answers': answer_nothing,
    'forms': send_a_form,
    'the page': ask_on_the_page,
    'passwords': ask_for_a_password,
}


def to_victim(kept: bool = False) -> list[Any]:
    """What was written to the victim."""
    found = []
    for name in ('virgin', 'out'):
        for msg, msgdata in queued(name):
            recipients = msgdata.get('recipients') or ()
            if VICTIM in recipients or VICTIM in str(msg['to']):
                found.append(msg)
        if not kept:
            empty(name)
    return found


def assert_no_words_of_the_forgers(mails: list[Any]) -> None:
    for mail in mails:
        plain = ''.join(
            str(part.get_payload(decode=True)) for part in mail.walk() if part
        )
        assert EVIL not in mail.as_string() + plain


@pytest.mark.parametrize('attack', ATTACKS)
def test_each_way_comes_to_the_limit(lists: list[str], attack: str) -> None:
    for _ in range(4):
        for mlist in lists:
            ATTACKS[attack](find_list(mlist))
    found = to_victim()
    # A mail without a form is answered once a day.
    assert len(found) == (1 if attack == 'forms' else LIMIT)
    assert_no_words_of_the_forgers(found)
    assert not queued('shunt')


@pytest.mark.parametrize('is_member', [False, True])
def test_all_ways_together_come_to_the_limit(lists: list[str], is_member: bool) -> None:
    talk = find_list(lists[0])
    if is_member:
        subscribe(talk, VICTIM).preferences.acknowledge_posts = True
        set_replies(talk, Replies.hold)
        appoint(find_list(lists[1]), VICTIM, may_post=True)
        empty('virgin')
        empty('out')
    for mlist in lists:
        for attack in ATTACKS.values():
            attack(find_list(mlist))
    found = to_victim()
    # Who looks after a list is asked about each message that is held there.
    decided = [msg for msg in found if 'your decision' in str(msg['subject'])]
    assert len(decided) == is_member
    found = [msg for msg in found if msg not in decided]
    assert len(found) == LIMIT
    assert_no_words_of_the_forgers(found)
    assert not queued('shunt')


def test_a_day_later_there_is_some_more(
    lists: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(LIMIT + 1):
        ask_on_the_page(find_list(lists[0]))
    assert len(to_victim()) == LIMIT
    moment = now() + timedelta(days=1)
    monkeypatch.setattr('qnet_mailman.model.limits.now', lambda: moment)
    ask_on_the_page(find_list(lists[0]))
    assert len(to_victim()) == 1


def test_what_was_sent_before_stays_valid(lists: list[str]) -> None:
    subscribe(find_list(lists[1]), VICTIM)
    config.db.commit()
    ask_on_the_page(find_list(lists[0]))
    to_command(find_list(lists[1]), 'leave', forged(find_list(lists[1]).leave_address))
    join, leave = to_victim()
    for mlist in lists:
        for attack in ATTACKS.values():
            attack(find_list(mlist))
    for question, body in ((join, 'JOIN'), (leave, '')):
        raw = (
            f'From: {VICTIM}\r\nTo: {question["from"]}\r\n'
            f'Subject: Re: {question["subject"]}\r\n\r\n{body}\r\n'
        )
        mlist = find_list(lists[0]) if body else find_list(lists[1])
        to_command(mlist, 'confirm', raw.encode())
    assert members(find_list(lists[0])) == [VICTIM]
    assert members(find_list(lists[1])) == []
    assert token_of(join) != token_of(leave)


def test_the_page_answers_alike_at_the_limit(lists: list[str]) -> None:
    def answer() -> tuple[int, str]:
        found = rest(
            'POST',
            'plugins/qnet/signup',
            address=VICTIM,
            lists=lists[0],
        )
        run('command')
        return found.status_code, found.text

    assert len({answer() for _ in range(LIMIT + 2)}) == 1
    assert len(to_victim()) == LIMIT


# ------------------------------------------------- what is shown does not count

SHOWN = 'Authentication-Results: mx.example.gov; dkim=pass header.d=agency.test\r\n'


def shown(to: str, subject: str = '', fields: str = '') -> bytes:
    return (
        f'{SHOWN}From: {VICTIM}\r\nTo: {to}\r\nSubject: {subject}\r\n{fields}'
        f'Message-ID: <{next(_numbers)}@agency.test>\r\n\r\n\r\n'
    ).encode()


@pytest.mark.parametrize('how', ['join', 'leave', 'request'])
def test_ten_requests_of_ones_own_get_ten_answers(make_list: Any, how: str) -> None:
    made = [make_list() for _ in range(10)]
    for mlist in made:
        mlist.send_welcome_message = False
        if how == 'leave':
            subscribe(mlist, VICTIM)
    config.db.commit()
    lists = [mlist.list_id for mlist in made]
    for mlist in made:
        to = f'{mlist.list_name}-{how}@{mlist.mail_host}'
        to_command(mlist, how, shown(to, 'help'))
    found = to_victim()
    assert len(found) == 10
    if how != 'request':
        assert len({token_of(mail) for mail in found}) == 10
    # A forger's do count then, as ever.
    for _ in range(LIMIT + 1):
        ask_on_the_page(find_list(lists[0]))
    assert len(to_victim()) == LIMIT


def test_what_is_shown_of_another_counts(lists: list[str]) -> None:
    """A forger with a domain of their own, who names the victim in the text."""
    for number in range(LIMIT + 3):
        raw = (
            f'Authentication-Results: mx.example.gov; dkim=pass header.d=evil.test\r\n'
            f'From: forger@evil.test\r\nTo: {find_list(lists[0]).request_address}\r\n'
            f'Subject: join address=victim+{number}@agency.test\r\n\r\n'
        )
        to_command(find_list(lists[0]), 'request', raw.encode())
    assert len(queued('virgin')) == LIMIT


def test_a_notice_quotes_only_what_is_shown(lists: list[str]) -> None:
    to_list(find_list(lists[1]))
    (held,) = to_victim()
    assert 'with the subject' not in text(held)
    assert held['in-reply-to'] is None
    post(
        find_list(lists[1]),
        message(shown(find_list(lists[1]).fqdn_listname, 'My question')),
    )
    run('in')
    (held,) = to_victim()
    assert 'with the subject\n\n  My question\n' in text(held)
    assert held['in-reply-to'].endswith('@agency.test>')


# ------------------------------------------------------ Mailman's own answers


def test_a_dmarc_policy_sends_no_post_back(
    lists: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    find_list(lists[0]).dmarc_mitigate_action = DMARCMitigateAction.reject
    monkeypatch.setattr(rules_dmarc, 'is_mitigated', lambda mlist, address: True)
    subscribe(find_list(lists[0]), VICTIM)
    config.db.commit()
    empty('virgin')
    for _ in range(LIMIT + 2):
        to_list(find_list(lists[0]))
    found = to_victim()
    assert len(found) == LIMIT
    assert_no_words_of_the_forgers(found)


def test_a_content_filter_sends_no_post_back(lists: list[str]) -> None:
    talk = find_list(lists[0])
    talk.filter_content = True
    talk.filter_types = ['text/plain']
    talk.filter_action = FilterAction.reject
    subscribe(talk, VICTIM)
    config.db.commit()
    empty('virgin')
    for _ in range(LIMIT + 2):
        to_list(talk)
    found = to_victim()
    assert len(found) == LIMIT
    assert_no_words_of_the_forgers(found)


def test_acknowledgements_are_within_the_limit(lists: list[str]) -> None:
    talk = find_list(lists[0])
    subscribe(talk, VICTIM).preferences.acknowledge_posts = True
    config.db.commit()
    empty('virgin')
    for _ in range(LIMIT + 2):
        to_list(talk)
        empty('out')
    found = [mail for mail in to_victim() if 'acknowledgment' in str(mail['subject'])]
    assert len(found) == LIMIT
    assert_no_words_of_the_forgers(found)


def test_automatic_responses_are_within_the_limit(lists: list[str]) -> None:
    for mlist in map(find_list, lists):
        mlist.autorespond_requests = ResponseAction.respond_and_discard
        mlist.autoresponse_request_text = 'We are away.'
        mlist.autoresponse_grace_period = timedelta(0)
    config.db.commit()
    for _ in range(4):
        for mlist in lists:
            to_request('help')(find_list(mlist))
    assert len(to_victim()) == LIMIT


def test_a_post_whose_author_cannot_be_asked_goes_to_moderators(
    lists: list[str],
) -> None:
    mlist = find_list(lists[1])
    appoint(mlist, VICTIM, may_post=True)
    empty('virgin')
    empty('out')
    for _ in range(LIMIT + 1):
        to_list(mlist)
    assert IListRequests(mlist).count_of(RequestType.held_message) == LIMIT + 1
    found = to_victim()
    told = [msg for msg in found if 'your decision' in str(msg['subject'])]
    assert (len(told), len(found)) == (1, LIMIT + 1)


# ----------------------------------------------------------- one mailbox, one limit


@pytest.mark.parametrize(
    ('one', 'other', 'same'),
    [
        ('victim@agency.test', 'VICTIM@Agency.Test', True),
        ('victim@agency.test', 'victim+anything@agency.test', True),
        ('v.ictim@gmail.com', 'victim+x@gmail.com', True),
        ('v.ictim@agency.test', 'victim@agency.test', False),
        ('+victim@agency.test', '+other@agency.test', False),
        ('victim@agency.test', 'victim@other.test', False),
    ],
)
def test_the_addresses_of_a_mailbox(one: str, other: str, same: bool) -> None:
    found = backscatter.mailbox_of(one) == backscatter.mailbox_of(other)
    assert found is same


@given(st.text(), st.text())
def test_any_tag_is_the_same_mailbox(local: str, tag: str) -> None:
    address = f'x{local.replace("+", "")}@agency.test'
    tagged = address.replace('@agency', f'+{tag}@agency')
    if '@' not in local + tag:
        assert backscatter.mailbox_of(tagged) == backscatter.mailbox_of(address)
