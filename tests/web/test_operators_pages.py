# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators look at first: what waits, health, the audit log (R25, R31)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from tests.web.caretakers import Answers, as_person
from tests.web.conftest import ADDRESS, LIST_ID, StubCore
from tests.web.test_review_pages import NUMBER, ROW, account, cells, operator, text_of

__all__ = ['account', 'as_person', 'operator']

LIST = {
    'list_id': LIST_ID,
    'list': ADDRESS,
    'display_name': 'HQR <Updates>',
    'assignments': [
        {
            'name': 'Rae',
            'email': 'rae@example.org',
            'role': 'administrator',
            'waits_for': 'waits for the HARP role (revoked)',
        },
        {'name': '', 'email': 'mo@example.org', 'role': 'moderator', 'waits_for': ''},
    ],
}
LINE = {
    'id': 7,
    'at': '2026-03-04T10:03:58Z',
    'actor': 'harp:boss',
    'action': 'setting changed',
    'list': LIST_ID,
    'subject': 'mask',
    'detail': {
        'new': '<b>off</b>',
        'old': '',
        'others': {'replies': 'hold', 'reply_to': ''},
        'despite': ['one', 'two'],
    },
}
FINDINGS = [
    {'level': 'ok', 'subject': 'database', 'text': 'sqlite', 'remedy': ''},
    {'level': 'not seen', 'subject': 'web', 'text': 'it', 'remedy': ''},
    {
        'level': 'warning',
        'subject': 'door',
        'text': 'nothing shows it',
        'remedy': 'Try.',
    },
    {
        'level': 'error',
        'subject': 'queue shunt',
        'text': '2 messages need a look',
        'remedy': '',
    },
]


def rows(*entries: Any, total: int | None = None) -> tuple[int, Any]:
    size = len(entries) if total is None else total
    return 200, {'start': 0, 'total_size': size, 'entries': list(entries)}


def known(core: StubCore, **more: Any) -> StubCore:
    core.status = 404
    core.answers = Answers(
        {
            'forms': rows(ROW),
            'lists/unattended': rows(LIST),
            'health': (200, {'findings': FINDINGS}),
            'audit': (200, {'entries': [LINE]}),
        }
        | more
    )
    return core


def page(browser: Client, path: str = '/operators/') -> str:
    return text_of(browser.get(path, secure=True))


def section(text: str, name: str) -> str:
    return text.partition(f'aria-labelledby="{name}"')[2].partition('</section>')[0]


def test_all_at_a_glance(core: StubCore, operator: Client) -> None:
    known(core)
    text = page(operator)
    [request] = cells(section(text, 'waiting'))
    assert (request[0], request[-1]) == (NUMBER, '–')
    assert f'href="/requests/{NUMBER}/"' in text and '1 request, the oldest' in text
    assert cells(section(text, 'unattended')) == [
        [
            f'HQR &lt;Updates&gt; / {ADDRESS}',
            'Rae (administrator): waits for the HARP role (revoked) / '
            'mo@example.org (moderator)',
        ]
    ]
    assert cells(section(text, 'health')) == [
        ['queue shunt', 'Wrong', '2 messages need a look'],
        ['door', 'Look at it', 'nothing shows it / Try.'],
        ['web', 'Not looked at', 'it'],
        ['database', 'Good', 'sqlite'],
    ]
    assert cells(section(text, 'latest')) == [
        [
            'March 4, 2026, 10:03:58',
            'harp:boss',
            'Setting changed',
            LIST_ID,
            'mask',
            'new: &lt;b&gt;off&lt;/b&gt; / replies: hold / despite: one; two',
        ]
    ]
    assert len(core.asked) == 4 and not core.requests


def test_nothing_to_do(core: StubCore, operator: Client) -> None:
    empty = (200, {'start': 0, 'total_size': 0})
    well = (200, {'findings': FINDINGS[:2]})
    more = {'forms': empty, 'lists/unattended': empty, 'health': well}
    known(core, **more, audit=(200, {}))
    text = page(operator)
    for said in (
        'No request waits.',
        'Each list has an administrator.',
        'All that was looked at is well.',
        'There is nothing in the audit log.',
    ):
        assert said in text, said


def test_many_lists_lead_to_their_own_page(core: StubCore, operator: Client) -> None:
    known(core, **{'lists/unattended': rows(LIST, total=120)})
    assert '1 of <a href="/operators/unattended/">120 lists</a>' in page(operator)
    text = page(operator, '/operators/unattended/?page=2')
    assert '51–100 of 120 lists' in text and len(cells(text)) == 1
    assert 'page=2' in core.asked[-1] and 'count=50' in core.asked[-1]


def test_the_audit_log_goes_on_before_the_last_line(
    core: StubCore, operator: Client
) -> None:
    many = [LINE | {'id': number} for number in range(100, 49, -1)]
    known(core, audit=(200, {'entries': many}))
    text = page(operator, f'/operators/audit/?list={ADDRESS}&request=')
    assert parse_qs(urlsplit(core.asked[-1]).query) == {
        'list': [ADDRESS],
        'count': ['51'],
    }
    named = ADDRESS.replace('@', '%40')
    assert f'href="?list={named}&amp;before=51" rel="next">' in text
    assert len(cells(text)) == 50 and f'value="{ADDRESS}"' in text
    text = page(operator, f'/operators/audit/?list={ADDRESS}&before=51')
    assert 'before=51' in core.asked[-1]
    assert f'href="?list={named}">Newest lines' in text


@pytest.mark.parametrize('before', ['0', '-1', 'x', '9' * 99])
def test_before_no_line(core: StubCore, operator: Client, before: str) -> None:
    known(core)
    page(operator, f'/operators/audit/?before={before}')
    assert 'before' not in core.asked[-1]


@pytest.mark.parametrize('path', ['', 'unattended/', 'audit/'])
def test_nobody_else_sees_it(
    core: StubCore, as_person: Callable[..., Client], path: str
) -> None:
    known(core)
    person = as_person(roles={'administrator'}, administers={LIST_ID})
    assert person.get(f'/operators/{path}', secure=True).status_code == 403
    assert core.asked == []
