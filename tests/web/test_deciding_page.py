# SPDX-License-Identifier: GPL-3.0-or-later
"""The page on which a moderator decides without signing in (R12)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

TOKEN = '2m' + 'a7' * 31
PATH = f'/decide/{TOKEN}/'
WAITS = {
    'outcome': 'waits',
    'kind': 'join',
    'by': 'm***@example.gov',
    'who': 'Rea <b>Reader</b> <reader@example.net>',
    'fqdn_listname': 'news@lists.example.gov',
    'display_name': 'News <&> Views',
    'subject': '',
    'reason': '',
}
POST = {
    **WAITS,
    'kind': 'post',
    'subject': '<script>alert(1)</script>',
    'reason': 'The message is not from a member of the list.',
}


@pytest.fixture
def waits(core: Any) -> Any:
    core.answers['decisions/describe'] = (200, WAITS)
    core.answers['decisions'] = (200, {'outcome': 'done', 'why': ''})
    return core


@pytest.mark.parametrize('method', ['get', 'head'])
def test_opening_the_page_decides_nothing(
    browser: Client, waits: Any, method: str
) -> None:
    answer = getattr(browser, method)(PATH, secure=True)
    assert answer.status_code == 200
    assert [path for path, _, _ in waits.requests] == [
        '/3.1/plugins/qnet/decisions/describe'
    ]
    assert answer['Referrer-Policy'] == 'no-referrer'
    assert 'no-store' in answer['Cache-Control']
    assert answer['X-Robots-Tag'] == 'noindex'
    assert not answer.cookies


@pytest.mark.parametrize(('what', 'buttons'), [(WAITS, 2), (POST, 3)])
def test_what_the_page_says(
    browser: Client, waits: Any, what: dict[str, str], buttons: int
) -> None:
    waits.answers['decisions/describe'] = (200, what)
    page = browser.get(PATH, secure=True).content.decode()
    assert page.count('<h1>') == 1
    assert page.count('type="submit" name="verdict"') == buttons
    assert '<label for="reason">' in page
    assert 'Rea &lt;b&gt;Reader&lt;/b&gt; &lt;reader@example.net&gt;' in page
    assert 'You decide as m***@example.gov.' in page
    assert '<script>alert' not in page


@pytest.mark.parametrize('verdict', ['accept', 'reject', 'discard'])
def test_a_button_decides(browser: Client, waits: Any, verdict: str) -> None:
    fields = {'verdict': verdict, 'reason': ' Only for staff.\r\nSorry. '}
    answer = browser.post(PATH, fields, secure=True)
    assert answer.status_code == 200
    assert 'There is nothing else to do' in answer.content.decode()
    [(path, sent, _)] = waits.requests
    assert path == '/3.1/plugins/qnet/decisions'
    assert sent == {
        'token': [TOKEN],
        'verdict': [verdict],
        'reason': ['Only for staff.\nSorry.'],
    }


@pytest.mark.parametrize(
    ('core_says', 'status', 'words'),
    [
        ((200, {'outcome': 'late'}), 410, 'somebody else has decided before'),
        ((200, {'outcome': 'not allowed'}), 403, 'cannot decide with this link'),
        (
            (200, {'outcome': 'failed', 'why': 'It is <gone>.'}),
            409,
            'It is &lt;gone&gt;',
        ),
        ((404, {}), 404, 'This link does not work'),
        ((500, {}), 503, 'Nothing is lost'),
    ],
)
def test_what_comes_of_it(
    browser: Client, waits: Any, core_says: Any, status: int, words: str
) -> None:
    waits.answers['decisions'] = core_says
    answer = browser.post(PATH, {'verdict': 'accept'}, secure=True)
    assert answer.status_code == status
    assert words in answer.content.decode()


@pytest.mark.parametrize(
    ('reason', 'words'),
    [('x' * 1001, 'The reason is too long'), ('Sorry & bye', 'press one of the')],
)
def test_a_mistake_keeps_what_was_typed(
    browser: Client, waits: Any, reason: str, words: str
) -> None:
    waits.answers['decisions'] = (400, {})
    answer = browser.post(PATH, {'reason': reason}, secure=True)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert words in page
    assert f'>{reason.replace("&", "&amp;")}</textarea>' in page
    assert page.index('id="problems"') < page.index('<h1>')
