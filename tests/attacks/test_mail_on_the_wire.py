# SPDX-License-Identifier: GPL-3.0-or-later
"""Forged posts, requests and answers, from LMTP to SMTP on one real site."""

from __future__ import annotations

import itertools
import re

import pytest

from qnet_mailman.demo.sink import Delivered
from qnet_mailman.demo.site import Site

NEWS = 'hqr-updates@lists.example.gov'
TALK = 'talk@lists.example.gov'
FORMS = 'forms@lists.example.gov'
PAT = 'pat@agency.example.gov'
READER = 'reader@hospital.example.org'
EVIL = 'buy-at-evil.test'
LIMIT = 5
_numbers = itertools.count(1)

pytestmark = pytest.mark.site(
    qnet_cfg_overrides={
        'poster_authentication': 'confirm',
        'trusted_authserv_ids': 'mx.example.gov',
        'forms_address': FORMS,
    }
)


@pytest.fixture(scope='module', autouse=True)
def discussion(site: Site) -> None:
    """A discussion list beside the notification list of the form."""
    fields = {'fqdn_listname': TALK, 'style_name': 'qnet-discussion-private'}
    answer = site.rest('POST', 'lists', fields)
    assert answer.status_code == 201, answer.text
    site.wait_idle()


def write(
    site: Site, sender: str, to: str, subject: str, body: str = '', fields: str = ''
) -> None:
    data = (
        f'{fields}From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n'
        f'Message-ID: <{next(_numbers)}@agency.test>\r\n\r\n{body}\r\n'
    )
    site.lmtp_send(sender, to, data.encode())
    site.wait_idle()


def since(site: Site, mark: int, to: str) -> list[Delivered]:
    return [mail for mail in site.messages()[mark:] if to in mail.recipients]


def members(site: Site, name: str) -> set[str]:
    answer = site.rest('GET', f'lists/{name}/roster/member').json()
    return {entry['email'] for entry in answer.get('entries', [])}


def test_a_no_releases_no_forged_announcement(site: Site) -> None:
    mark = len(site.messages())
    write(site, PAT, NEWS, 'Vote!', 'Vote!')
    (question,) = since(site, mark, PAT)
    to = str(question.message['from'])
    subject = f'Re: {question.subject}'
    for body, sort in (
        ('No! I did not write this.', subject),
        ('I am out of the office until Monday.', subject),
        ('We are on it.', f'[Ticket#2026112910000012] {subject}'),
        ('Ab Montag wieder da.', 'Abwesenheitsnotiz: ' + subject),
    ):
        write(site, PAT, to, sort, body)
    assert since(site, mark, READER) == []
    # Who answered is told once, for the one answer of a person; so are operators.
    assert [mail.subject for mail in since(site, mark, PAT)[1:]] == [
        'The message to HQR Updates is not delivered'
    ]
    told = [one for one in site.messages()[mark:] if 'may be forged' in one.subject]
    assert told
    assert 'No! I did not write this.' in told[0].text
    write(site, PAT, to, subject, 'DELIVER')
    (copy,) = since(site, mark, READER)
    assert copy.subject.endswith('Vote!')
    assert not site.queued('shunt'), site.log_tails()


def test_a_program_joins_nothing(site: Site) -> None:
    address = 'newcomer@clinic.example.org'
    mark = len(site.messages())
    write(site, address, NEWS.replace('@', '-join@'), '')
    (question,) = since(site, mark, address)
    to, subject = str(question.message['from']), f'Re: {question.subject}'
    write(site, address, to, f'Automatic reply: {question.subject}', 'Away.')
    write(site, address, to, subject, 'Your request has been received.')
    assert len(since(site, mark, address)) == 1
    write(site, address, to, subject, 'no, thanks')
    assert address not in members(site, NEWS)
    write(site, address, to, subject, 'Join\r\n\r\n> quoted')
    assert address in members(site, NEWS)


def test_nobody_is_flooded_nor_told_what_a_forger_says(site: Site) -> None:
    victim = 'victim@clinic.example.org'
    mark = len(site.messages())
    fields = f'References: <{EVIL}@{EVIL}>\r\nDate: {EVIL}\r\n'
    for name in (NEWS, TALK):
        for tail in ('-request', '', '-join', '-leave', '-confirm+' + '0' * 40):
            to = name.replace('@', f'{tail}@')
            for subject in ('help', f'echo {EVIL}', EVIL):
                data = (
                    f'{fields}From: "{EVIL}" <{victim}>\r\nTo: {to}\r\n'
                    f'Subject: {subject}\r\nMessage-ID: <{next(_numbers)}@{EVIL}>\r\n'
                    f'\r\n{EVIL}\r\n'
                )
                site.lmtp_send('forger@evil.test', to, data.encode())
    data = f'From: {victim}\r\nTo: {FORMS}\r\nSubject: {EVIL}\r\n\r\n{EVIL}\r\n'
    site.lmtp_send('forger@evil.test', FORMS, data.encode())
    site.wait_idle()
    found = since(site, mark, victim)
    assert len(found) == LIMIT
    for mail in found:
        plain = ''.join(
            str(part.get_payload(decode=True)) for part in mail.message.walk()
        )
        assert EVIL not in mail.message.as_string() + plain
    assert not site.queued('shunt'), site.log_tails()


def test_who_is_shown_is_answered_each_time(site: Site) -> None:
    owner = 'owner@clinic.example.org'
    mark = len(site.messages())
    shown = 'Authentication-Results: mx.example.gov; spf=pass smtp.mailfrom='
    for _ in range(LIMIT + 2):
        to = NEWS.replace('@', '-leave@')
        write(site, owner, to, '', '', f'{shown}{owner}\r\n')
    assert len(since(site, mark, owner)) == LIMIT + 2


def test_a_forged_member_is_asked(site: Site) -> None:
    member = 'member@clinic.example.org'
    for address in (member, READER):
        answer = site.rest(
            'POST',
            'members',
            {
                'list_id': TALK.replace('@', '.'),
                'subscriber': address,
                'pre_verified': True,
                'pre_confirmed': True,
                'pre_approved': True,
                'send_welcome_message': False,
            },
        )
        assert answer.status_code == 201, answer.text
    site.mailman('qnet', 'set', TALK, 'member-authentication=confirm', check=True)
    mark = len(site.messages())
    write(site, member, TALK, 'Forged', 'x')
    assert since(site, mark, READER) == []
    (question,) = since(site, mark, member)
    assert re.match('Did you write to ', question.subject)
    shown = 'Authentication-Results: mx.example.gov; dmarc=pass header.from='
    write(site, member, TALK, 'Mine', 'x', f'{shown}clinic.example.org\r\n')
    assert [mail.subject for mail in since(site, mark, READER)] == ['[talk] Mine']
