# SPDX-License-Identifier: GPL-3.0-or-later
"""The attack: a list's address is signed up for another list.

Its members would get what they never asked for, and the question whether it wants to
join would itself be a post.
"""

from __future__ import annotations

import email
import re
from typing import Any

from qnet_mailman.demo.site import Site
from tests.attacks.posts.test_mail_loops import DOMAIN, join, make_list, news

SPY = 'spy@agency.test'
AUTHOR = 'lee@example.org'


def rosters(site: Site, *lists: str) -> list[list[str]]:
    found = []
    for address in lists:
        answer = site.rest('GET', f'lists/{address}/roster/member').json()
        found.append([each['email'] for each in answer.get('entries', [])])
    return found


def test_strangers_learn_nothing_and_nothing_is_sent(site: Site) -> None:
    target = make_list(site, 'target', 'off', [])
    victim = make_list(site, 'victim', 'off', ['reader@victim.test'])
    held = site.rest('GET', f'lists/{victim}/held').json()['total_size']
    mark = len(site.messages())
    answers = set()
    for address in (victim, f'victim-owner@{DOMAIN}', 'somebody@agency.test'):
        fields = {'address': address, 'lists': 'target.' + DOMAIN}
        answer = site.rest(
            'POST', 'plugins/qnet/signup', fields | {'client': '192.0.2.7'}
        )
        answers.add((answer.status_code, answer.text))
        raw = f'From: {SPY}\r\nTo: x\r\nSubject: join address={address}\r\n\r\n\r\n'
        site.lmtp_send(SPY, f'target-request@{DOMAIN}', raw.encode())
        raw = f'From: {address}\r\nTo: x\r\nSubject: x\r\n\r\n\r\n'
        site.lmtp_send(SPY, f'target-join@{DOMAIN}', raw.encode())
    site.wait_idle()
    assert len(answers) == 1
    sent = [mail.recipients for mail in site.messages()[mark:]]
    assert {one for some in sent for one in some} == {'somebody@agency.test'}
    assert site.rest('GET', f'lists/{victim}/held').json()['total_size'] == held
    assert rosters(site, target) == [[]]


def test_operators_are_refused_in_words(site: Site) -> None:
    target = make_list(site, 'target2', 'off', [])
    other = make_list(site, 'other2', 'off', [])
    fields = {'list_id': target.replace('@', '.'), 'subscriber': other}
    fields |= dict.fromkeys(('pre_verified', 'pre_confirmed', 'pre_approved'), 'true')
    assert site.rest('POST', 'members', fields).status_code == 400
    done = site.mailman('addmembers', '-', target, input=f'{other}\n')
    assert done.returncode == 1
    assert 'sublists add' in done.stderr
    assert 'Traceback' not in done.stderr
    assert rosters(site, target) == [[]]


def test_a_post_reaches_the_members_of_a_member_once(site: Site) -> None:
    reader = 'below@hospital.test'
    upper = make_list(site, 'upper', 'off', [AUTHOR])
    lower = make_list(site, 'lower', 'off', [reader])
    join(site, lower, AUTHOR)
    site.rest(
        'PATCH', f'lists/{lower}/config', {'acceptable_aliases': upper}
    ).raise_for_status()
    site.mailman('qnet', 'sublists', 'add', upper, lower, check=True)
    site.lmtp_send(AUTHOR, upper, news(upper, 'downwards'))

    def about(mail: Any) -> bool:
        return reader in mail.recipients and 'downwards' in mail.subject

    (copy,) = site.delivered(about, timeout=60)
    site.wait_idle()
    assert len([mail for mail in site.messages() if about(mail)]) == 1
    # One link to leave, the reader's: no other one works in it (R39).
    msg = email.message_from_bytes(copy.data)
    links = re.findall(rb'/unsubscribe/[\w.-]+', copy.data.replace(b'=\r\n', b''))
    assert 'upper' not in str(msg['list-unsubscribe'])
    for link in set(links):
        token = link.decode().removeprefix('/unsubscribe/')
        site.rest('POST', 'plugins/qnet/unsubscribe', {'token': token})
    assert rosters(site, upper)[0].count(lower) == 1
    assert not site.queued('shunt'), site.log_tails()
