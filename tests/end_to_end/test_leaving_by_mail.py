# SPDX-License-Identifier: GPL-3.0-or-later
"""Leaving by mail, from LMTP to SMTP, and being removed (R14)."""

from __future__ import annotations

import itertools
from email.utils import parseaddr

import pytest

from qnet_mailman.demo.sink import Delivered
from qnet_mailman.demo.site import Site
from tests.end_to_end.conftest import LIST, POSTER, delivered_once

DISCUSSION = 'talk@lists.example.gov'
STRANGER = 'nobody@example.com'
_numbers = itertools.count(1)


@pytest.fixture(scope='module', autouse=True)
def discussion(site: Site) -> None:
    """A discussion list beside the notification list of the form."""
    answer = site.rest(
        'POST',
        'lists',
        {'fqdn_listname': DISCUSSION, 'style_name': 'qnet-discussion-public'},
    )
    assert answer.status_code == 201, answer.text


def join(site: Site, address: str, *lists: str) -> None:
    for name in lists:
        answer = site.rest(
            'POST',
            'members',
            {
                'list_id': name.replace('@', '.'),
                'subscriber': address,
                'pre_verified': True,
                'pre_confirmed': True,
                'pre_approved': True,
                'send_welcome_message': False,
            },
        )
        assert answer.status_code == 201, answer.text


def members(site: Site, name: str) -> set[str]:
    answer = site.rest('GET', f'lists/{name}/roster/member').json()
    return {entry['email'] for entry in answer.get('entries', [])}


def write(site: Site, sender: str, to: str, subject: str, fields: str = '') -> None:
    site.lmtp_send(
        sender,
        to,
        (
            f'From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n{fields}'
            f'Message-ID: <leave.{next(_numbers)}@example.org>\r\n\r\nGood bye.\r\n'
        ).encode(),
    )


def mail_to(site: Site, address: str, after: int) -> Delivered:
    """The one mail to an address since then."""
    site.delivered(lambda mail: mail.number > after and address in mail.recipients)
    site.wait_idle()
    (mail,) = [mail for mail in site.messages()[after:] if address in mail.recipients]
    return mail


@pytest.mark.parametrize('name', [LIST, DISCUSSION])
def test_the_whole_round(site: Site, name: str) -> None:
    address = f'leaver@{name.partition("@")[0]}.example.org'
    join(site, address, name)
    others = members(site, name) - {address}
    mark = len(site.messages())
    write(site, address, name, 'unsubscribe')
    question = mail_to(site, address, mark)
    assert question.subject == 'Unsubscribe'
    name_of_list, confirm_address = parseaddr(str(question.message['from']))
    assert name_of_list and confirm_address.startswith('confirm+')
    # The list never saw it: the question is the only mail of all.
    assert len(site.messages()) == mark + 1

    out_of_office = 'Auto-Submitted: auto-replied\r\n'
    write(site, address, confirm_address, 'Re: Unsubscribe', out_of_office)
    site.wait_idle()
    assert address in members(site, name)
    assert len(site.messages()) == mark + 1

    write(site, address, confirm_address, 'Re: Unsubscribe')
    goodbye = mail_to(site, address, mark + 1)
    assert goodbye.subject.startswith('You are no longer subscribed to ')
    assert address in goodbye.text
    assert members(site, name) == others
    assert not site.queued('shunt'), site.log_tails()


@pytest.mark.parametrize('name', [LIST, DISCUSSION])
@pytest.mark.parametrize('to', ['{}@{}', '{}-leave@{}'])
def test_who_is_not_subscribed_is_told(site: Site, name: str, to: str) -> None:
    mark = len(site.messages())
    write(site, STRANGER, to.format(*name.split('@')), 'Unsubscribe')
    told = mail_to(site, STRANGER, mark)
    assert told.subject.startswith('You are not subscribed to ')
    assert told.mail_from == ''
    assert len(site.messages()) == mark + 1
    assert not site.queued('shunt'), site.log_tails()


def test_the_leave_address(site: Site) -> None:
    address = 'leaver@leave.example.org'
    join(site, address, DISCUSSION)
    mark = len(site.messages())
    write(site, address, DISCUSSION.replace('@', '-leave@'), 'Bye')
    question = mail_to(site, address, mark)
    write(site, address, str(question.message['from']), 'AW: Unsubscribe')
    mail_to(site, address, mark + 1)
    assert address not in members(site, DISCUSSION)


@pytest.mark.parametrize('goodbye', [True, False])
def test_who_is_removed_is_told_as_set(site: Site, goodbye: bool) -> None:
    kind = 'told' if goodbye else 'untold'
    by_operator, by_administrator = f'{kind}@operator.org', f'{kind}@postorius.org'
    for address in (by_operator, by_administrator):
        join(site, address, DISCUSSION)
    answer = site.rest(
        'PATCH', f'lists/{DISCUSSION}/config', {'send_goodbye_message': goodbye}
    )
    assert answer.status_code == 204
    mark = len(site.messages())
    site.mailman('delmembers', '-l', DISCUSSION, '-m', by_operator, check=True)
    path = f'lists/{DISCUSSION}/member/{by_administrator}'
    answer = site.rest('DELETE', path, {'pre_confirmed': True, 'pre_approved': True})
    assert answer.status_code == 204
    site.wait_idle()
    found = site.messages()[mark:]
    told = sorted(address for mail in found for address in mail.recipients)
    assert told == ([by_operator, by_administrator] if goodbye else [])
    assert not members(site, DISCUSSION) & {by_operator, by_administrator}


def test_the_list_works_on(site: Site) -> None:
    subject = 'After all of them'
    data = f'From: {POSTER}\r\nTo: {LIST}\r\nSubject: {subject}\r\n\r\nNews.\r\n'
    site.lmtp_send(POSTER, LIST, data.encode())
    delivered_once(site, subject)
