# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done on lists with Mailman's own styles, step by step; see `walk.py`."""

from __future__ import annotations

import json
from typing import Any

from mailman.commands.cli_digests import digests
from mailman.interfaces.autorespond import ResponseAction
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.mailinglist import (
    Personalization,
    ReplyToMunging,
    SubscriptionPolicy,
)
from zope.component import getUtility

from tests.neighbour import doors
from tests.neighbour.doors import ask_to_join, command, make_list, note, post
from tests.neighbour.rarely import rare_steps
from tests.neighbour.walk import DOMAIN, POLICIES, Walk
from tests.rest.client import ask

DSN = """\
From: MAILER-DAEMON@clinic.example.org
To: {to}
Subject: Undelivered Mail Returned to Sender
Message-ID: <dsn{number}@clinic.example.org>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=B

--B
Content-Type: text/plain

No such user.

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.clinic.example.org

Final-Recipient: rfc822; {address}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 No such user

--B--
"""


def all_steps(walk: Walk, styles: list[str]) -> None:
    """All of them, on lists of some styles."""
    getUtility(IDomainManager).add(DOMAIN)
    for style in styles:
        for policy in POLICIES:
            _joining_and_leaving(walk, style, policy)
        _posts(walk, style)
        _digests(walk, style)
        _bounces(walk, style)
        doors.commands_by_mail(walk, style)
        doors.rest(walk, style)
        doors.command_line(walk, style)
        rare_steps(walk, style)


def _decide(walk: Walk, mlist: Any, action: str, **more: str) -> None:
    """Decide about the first request of a list to join or leave."""
    requests = ask('GET', f'lists/{mlist.list_id}/requests').json
    entries = requests.get('entries', [])
    walk.notes.append(json.dumps([e | {'token': '', 'when': ''} for e in entries]))
    for entry in entries[:1]:
        path = f'lists/{mlist.list_id}/requests/{entry["token"]}'
        note(walk, ask('POST', path, {'action': action, **more}))


def _decide_post(walk: Walk, mlist: Any, action: str, **more: str) -> None:
    """Decide about the first held post of a list."""
    entries = ask('GET', f'lists/{mlist.list_id}/held').json.get('entries', [])
    for entry in entries[:1]:
        path = f'lists/{mlist.list_id}/held/{entry["request_id"]}'
        note(walk, ask('GET', path))
        note(walk, ask('POST', path, {'action': action, **more}))


# --------------------------------------------------------------- joining, leaving


def _joining_and_leaving(walk: Walk, style: str, policy: str) -> None:
    wanted = SubscriptionPolicy[policy]
    mlist = make_list(
        walk,
        style,
        policy.replace('_', '-'),
        subscription_policy=wanted,
        unsubscription_policy=wanted,
        admin_notify_mchanges=True,
    )
    at = f'{style}, {policy}: '

    def answer(who: str, what: str) -> None:
        with walk.step(f'{at}{who} answers {what}', mlist):
            try:
                token = walk.token()
            except LookupError:
                return
            text = post(f'{who}-{what}', mlist, f'{who}@clinic.example.org')
            to = f'{mlist.list_name}-confirm+{token}@{mlist.mail_host}'
            walk.mail(
                to,
                text.replace(f'Post {who}', f'Re: confirm {token}'),
                f'{who}@clinic.example.org',
            )

    with walk.step(f'{at}ann joins by mail', mlist):
        walk.mail(
            mlist.join_address,
            post('join', mlist, 'Ann <ann@clinic.example.org>'),
            'ann@clinic.example.org',
        )
    answer('ann', 'joining')
    with walk.step(f'{at}ann is accepted', mlist):
        _decide(walk, mlist, 'accept')
    with walk.step(f'{at}bob is subscribed by REST', mlist):
        fields = {'list_id': mlist.list_id, 'subscriber': 'bob@clinic.example.org'}
        note(walk, ask('POST', 'members', fields))
    answer('bob', 'joining')
    with walk.step(f'{at}bob is refused', mlist):
        _decide(walk, mlist, 'reject', reason='Not for you.')
    with walk.step(f'{at}cleo is subscribed by an administrator', mlist):
        fields = {
            'list_id': mlist.list_id,
            'subscriber': 'cleo@clinic.example.org',
            'display_name': 'Cleo',
            **dict.fromkeys(('pre_verified', 'pre_confirmed', 'pre_approved'), 'True'),
        }
        note(walk, ask('POST', 'members', fields))
    with walk.step(f'{at}dora is invited', mlist):
        fields = {
            'list_id': mlist.list_id,
            'subscriber': 'dora@clinic.example.org',
            'invitation': 'True',
        }
        note(walk, ask('POST', 'members', fields))
    answer('dora', 'an invitation')
    with walk.step(f'{at}ann leaves by mail', mlist):
        walk.mail(
            mlist.leave_address,
            post('leave', mlist, 'ann@clinic.example.org'),
            'ann@clinic.example.org',
        )
    answer('ann', 'leaving')
    with walk.step(f'{at}ann may leave', mlist):
        _decide(walk, mlist, 'accept')
    with walk.step(f'{at}cleo is taken off by REST', mlist):
        found = ask('GET', f'lists/{mlist.list_id}/member/cleo@clinic.example.org').json
        note(walk, ask('DELETE', f'members/{int(found["member_id"], 16)}'))
        note(walk, ask('DELETE', f'members/{found["member_id"]}'))
    with walk.step(f'{at}what waits expires', mlist):
        walk.forward(days=8)
        walk.periodic()


# --------------------------------------------------------------------------- posts


def _posts(walk: Walk, style: str) -> None:
    for number, (what, settings) in enumerate(KINDS_OF_LISTS.items()):
        mlist = make_list(walk, style, f'posts-{number}', **settings)
        at = f'{style}, {what}: '
        for one in ('ann', 'Bob'):
            ask_to_join(mlist, f'{one}@clinic.example.org', one)
        with walk.step(f'{at}a member posts', mlist):
            text = post(f'{style}{number}', mlist, 'Ann <ann@clinic.example.org>')
            walk.mail(mlist.posting_address, text, 'ann@clinic.example.org')
        with walk.step(f'{at}a stranger posts', mlist):
            text = post(f'{style}{number}b', mlist, 'eve@else.example.net')
            walk.mail(mlist.posting_address, text, 'eve@else.example.net')
        with walk.step(f'{at}the post is accepted', mlist):
            _decide_post(walk, mlist, 'accept')
    mlist = make_list(walk, style, 'held')
    at = f'{style}: '
    for what, action in (('rejected', 'reject'), ('discarded', 'discard')):
        with walk.step(f'{at}a post is {what}', mlist):
            text = post(f'{style}{action}', mlist, 'eve@else.example.net')
            walk.mail(mlist.posting_address, text, 'eve@else.example.net')
        with walk.step(f'{at}a post was {what}', mlist):
            _decide_post(walk, mlist, action)
    ask_to_join(mlist, 'ann@clinic.example.org', 'Ann')
    with walk.step(f'{at}a post in the name of a member by Sender', mlist):
        text = post(f'{style}sender', mlist, 'eve@else.example.net')
        text = 'Sender: ann@clinic.example.org\n' + text
        walk.mail(mlist.posting_address, text, 'ann@clinic.example.org')
    for subject in ('Unsubscribe', 'help', ''):
        with walk.step(f'{at}a post with the subject {subject!r}', mlist):
            text = post(
                f'{style}{subject}', mlist, 'ann@clinic.example.org', subject=subject
            )
            walk.mail(mlist.posting_address, text, 'ann@clinic.example.org')
    with walk.step(f'{at}an automatic post', mlist):
        text = 'Auto-Submitted: auto-replied\nPrecedence: bulk\n'
        text += post(f'{style}auto', mlist, 'ann@clinic.example.org')
        walk.mail(mlist.posting_address, text, 'ann@clinic.example.org')
    with walk.step(f'{at}a post with odd headers', mlist):
        text = (
            'X-No-Archive: yes\nList-Archive: <https://else.example.net/>\n'
            'DKIM-Signature: v=1; a=rsa-sha256\nX-Mailer: Example\n'
            'Cc: Bob <bob@clinic.example.org>\nReply-To: ann@else.example.net\n'
        )
        text += post(f'{style}odd', mlist, 'ann@clinic.example.org')
        walk.mail(mlist.posting_address, text, 'ann@clinic.example.org')
    with walk.step(f'{at}a post in HTML and UTF-8', mlist):
        text = (
            'MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n'
            'Content-Transfer-Encoding: 8bit\n'
        )
        text += post(
            f'{style}html', mlist, 'ann@clinic.example.org', text='<p>Grüße</p>'
        )
        walk.mail(mlist.posting_address, text, 'ann@clinic.example.org')
    with walk.step(f'{at}mail to the owners', mlist):
        text = post(f'{style}owner', mlist, 'eve@else.example.net')
        walk.mail(mlist.owner_address, text, 'eve@else.example.net')
    with walk.step(f'{at}a member whom the mail server refuses', mlist):
        walk.sink.refused = {'ann@clinic.example.org'}
        text = post(f'{style}refused', mlist, 'ann@clinic.example.org')
        walk.mail(mlist.posting_address, text, 'ann@clinic.example.org')
    walk.sink.refused = set()
    with walk.step(f'{at}and what follows', mlist):
        walk.periodic()


KINDS_OF_LISTS: dict[str, dict[str, Any]] = {
    'as it is made': {},
    'no list headers': {'include_rfc2369_headers': False},
    'anonymous': {'anonymous_list': True},
    'copies by themselves': {'personalize': Personalization.individual},
    'copies in the name': {'personalize': Personalization.full},
    'with answers': {
        'autorespond_postings': ResponseAction.respond_and_continue,
        'autoresponse_postings_text': 'We are away.',
    },
    'emergency': {'emergency': True},
    'filtered': {'filter_content': True, 'convert_html_to_plaintext': False},
    'answers to the list': {
        'subject_prefix': '[X] ',
        'first_strip_reply_to': True,
        'reply_goes_to_list': ReplyToMunging.point_to_list,
    },
}


# ------------------------------------------------------------------------- digests


def _digests(walk: Walk, style: str) -> None:
    mlist = make_list(walk, style, 'digests', digest_size_threshold=0)
    at = f'{style}, digests: '
    for address, mode in (('ann', 'mime'), ('bob', 'plaintext')):
        ask_to_join(mlist, f'{address}@clinic.example.org', address.title())
        path = f'lists/{mlist.list_id}/member/{address}@clinic.example.org'
        found = ask('GET', path).json
        number = found['member_id']
        with walk.step(f'{at}{address} wants them', mlist):
            note(
                walk,
                ask('PATCH', f'members/{number}', {'delivery_mode': f'{mode}_digests'}),
            )
    with walk.step(f'{at}a post', mlist):
        text = post(f'{style}d1', mlist, 'ann@clinic.example.org')
        walk.mail(mlist.posting_address, text, 'ann@clinic.example.org')
    with walk.step(f'{at}sent by REST', mlist):
        path = f'lists/{mlist.list_id}/digest'
        note(walk, ask('POST', path, {'send': 'True', 'bump': 'True'}))
    with walk.step(f'{at}another post', mlist):
        text = post(f'{style}d2', mlist, 'ann@clinic.example.org')
        walk.mail(mlist.posting_address, text, 'ann@clinic.example.org')
    with walk.step(f'{at}sent by command', mlist):
        command(walk, digests, '--send', '-l', mlist.list_id)


# ------------------------------------------------------------------------- bounces


def _bounces(walk: Walk, style: str) -> None:
    mlist = make_list(walk, style, 'bounces', bounce_score_threshold=3)
    at = f'{style}, bounces: '
    for one in ('ann', 'bob'):
        ask_to_join(mlist, f'{one}@clinic.example.org', one.title())
    for day in range(4):
        with walk.step(f'{at}a report on day {day}', mlist):
            text = DSN.format(
                to=mlist.bounces_address,
                number=f'{style}{day}',
                address='ann@clinic.example.org',
            )
            walk.mail(mlist.bounces_address, text, '')
            walk.work_off()
            walk.periodic()
        with walk.step(f'{at}nothing understood on day {day}', mlist):
            text = post(f'{style}n{day}', mlist, 'eve@else.example.net')
            walk.mail(mlist.bounces_address, text, '')
            walk.work_off()
            walk.periodic()
        walk.forward(days=1)
    for day in range(4, 35, 3):
        with walk.step(f'{at}day {day}', mlist):
            walk.periodic()
        walk.forward(days=3)
