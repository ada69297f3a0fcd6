# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking for a list on the pages, from the first question to the list (R13, R29)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from mailman.interfaces.listmanager import IListManager
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman.model.asked import QNetAskedForm
from qnet_mailman.model.base import store
from qnet_mailman.model.jobs import do_due
from qnet_mailman.model.requests import OPEN
from qnet_mailman.review import requests
from qnet_mailman.runners import periodic
from tests.asking.asker import RAE, Asker, text_of
from tests.clock import Clock
from tests.expected import require_expected
from tests.helpers import queued
from tests.helpers import text_of as words_of
from tests.rest.client import ask

LINK = r'https://lists\.example\.gov(/forms/confirm/[0-9a-f]{40}/)'
ADDRESS = 'hqr-updates@lists.example.gov'


def mails(address: str = RAE) -> list[Any]:
    return [msg for msg, _data in queued('out') if msg['to'] == address]


def unfolded(mail: Any) -> str:
    """Its words, a paragraph in a line."""
    return re.sub(r'(?<=\S)\n(?=\w)', ' ', words_of(mail))


def waiting() -> list[dict[str, Any]]:
    return [requests.as_dict(*row) for row in requests.of(OPEN)]


def link_in(mail: Any) -> str:
    [path, *_] = re.findall(LINK, words_of(mail))
    return str(path)


def test_a_stranger_asks_confirms_and_gets_a_list(asker: Asker, clock: Clock) -> None:
    assert asker.fill_in() == [
        *('you', 'approval', 'list', 'subscribing', 'public', 'messages', 'masking'),
        *('administrators', 'moderators', 'subscribers'),
    ]
    shown = text_of(asker.get(asker.path('check')))
    for said in (
        'Your name Rae Requester',
        'Kind of list Notification',
        'Who may subscribe Public',
        'Pat Example, pat@agency.example.gov, HARP ID: pexample',
        '2 lines, pasted',
        f'We send an e-mail to {RAE}',
    ):
        assert said in shown
    sent = asker.send_all()
    assert (sent.status_code, sent['Location']) == (303, '/forms/sent/')
    assert 'Nobody looks at your request yet' in text_of(asker.get('/forms/sent/'))
    # Nothing is there before the link's button is pressed.
    assert waiting() == []
    [mail] = mails()
    text = re.sub('[0-9a-f]{40}', 'TOKEN', unfolded(mail))
    require_expected(text, __file__, 'confirm-request')
    assert mail['auto-submitted'] == 'auto-generated'
    link = link_in(mail)
    asked = Asker().get(link)
    assert asked.status_code == 200
    assert 'Set-Cookie' not in asked.headers
    assert asked['Referrer-Policy'] == 'no-referrer'
    assert 'Display name HQR Updates' in text_of(asked)
    assert 'Subscribers, 1st Robin Reader <reader@example.org>' in text_of(asked)
    assert waiting() == []
    confirmed = Asker().browser.post(link, secure=True)
    assert 'Its number is QM-000001' in text_of(confirmed)
    [one] = waiting()
    assert (one['route'], one['sender'], one['shown_by'], one['doubts']) == (
        'web',
        RAE,
        'confirmed by mail',
        [],
    )
    [_question, copy] = mails()
    assert copy['subject'] == 'Your request has arrived: QM-000001'
    require_expected(unfolded(copy), __file__, 'request-received')
    # A link works once.
    for again in (Asker().browser.post(link, secure=True), Asker().get(link)):
        assert again.status_code == 410 and 'Already done' in text_of(again)
    done = ask('POST', 'plugins/qnet/forms/1/approve', {})
    assert done.json['outcome']['result'] == 'created'
    mlist = getUtility(IListManager).get(ADDRESS)
    assert mlist.display_name == 'HQR Updates'
    assert {member.address.email for member in mlist.members.members} == {
        'reader@example.org',
        'lee@example.org',
    }


def test_the_same_again_while_it_waits_is_the_first_number(asker: Asker) -> None:
    for _ in range(2):
        asker.fill_in()
        asker.send_all()
        answer = Asker().browser.post(link_in(mails()[-1]), secure=True)
        assert 'QM-000001' in text_of(answer)
    assert len(waiting()) == 1


@pytest.mark.parametrize(
    ('kind', 'steps', 'form'),
    [
        (
            'administrator-request',
            {
                'person': {
                    'person.name': 'Sam Sample',
                    'person.email': 'sam@agency.example.gov',
                    'person.harp_id': '0123',
                    'role': 'moderator',
                },
                'lists': {'lists': 'one, two\nthree', 'may_post': 'yes'},
            },
            {
                'person': {
                    'name': 'Sam Sample',
                    'email': 'sam@agency.example.gov',
                    'harp_id': '0123',
                },
                'role': 'moderator',
                'may_post': True,
                'lists': [f'{n}@lists.example.gov' for n in ('one', 'two', 'three')],
            },
        ),
        (
            'threshold-change',
            {'threshold': {'list': ADDRESS, 'bounces.threshold': '8'}},
            {'list': ADDRESS, 'bounces': {'threshold': 8, 'window_days': None}},
        ),
        (
            'list-closure',
            {
                'closing': {
                    'list': 'hqr-updates',
                    'action': 'archive',
                    'tell_members': 'no',
                    'reason': 'Done.\nThanks.',
                }
            },
            {
                'list': ADDRESS,
                'action': 'archive',
                'tell_members': False,
                'reason': 'Done. Thanks.',
            },
        ),
    ],
)
def test_the_other_kinds(
    asker: Asker, kind: str, steps: dict[str, Any], form: dict[str, Any]
) -> None:
    asker.kind = kind
    asker.fill_in(**steps)
    asker.send_all()
    Asker().browser.post(link_in(mails()[0]), secure=True)
    found = ask('GET', 'plugins/qnet/forms/1').json['form']
    assert {key: found[key] for key in form} == form
    assert found['form'] == kind


def test_what_nobody_confirms_is_forgotten(
    asker: Asker, clock: Clock, configure: Any
) -> None:
    asker.fill_in()
    asker.send_all()
    link = link_in(mails()[0])
    clock.forward(days=7, minutes=1)
    assert Asker().get(link).status_code == 404
    assert Asker().browser.post(link, secure=True).status_code == 404
    do_due(periodic.TASKS, clock())
    assert store().scalars(select(QNetAskedForm)).all() == []


def test_a_full_queue_keeps_the_link_good(asker: Asker, configure: Any) -> None:
    asker.fill_in()
    asker.send_all()
    link = link_in(mails()[0])
    configure(forms_max_waiting='1', forms_reserved_percent='100')
    assert Asker().browser.post(link, secure=True).status_code == 503
    assert 'Nothing is lost' in text_of(Asker().browser.post(link, secure=True))
    configure()
    assert Asker().browser.post(link, secure=True).status_code == 200
