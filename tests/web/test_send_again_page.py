# SPDX-License-Identifier: GPL-3.0-or-later
"""Having a list's mail again with the link in a warning (R22, R39)."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.test import Client, override_settings

from qnet_mailman.logs.line import PlainLine

TOKEN = 'aq' + 'a2z7' * 17 + 'bb'
PATH = f'/send-again/{TOKEN}/'
LIST = {
    'fqdn_listname': 'news@lists.example.gov',
    'display_name': 'News <&> Views',
    'whose': 'k***@clinic.example.org',
}
ASKED, DONE = '/3.1/plugins/qnet/send-again/describe', '/3.1/plugins/qnet/send-again'


@pytest.fixture
def stopped(core: Any) -> Any:
    """A core to which the token is that of a member without delivery."""
    core.answers['send-again/describe'] = (200, {**LIST, 'outcome': 'stopped'})
    core.answers['send-again'] = (200, {**LIST, 'outcome': 'turned on'})
    return core


@pytest.mark.parametrize('method', ['get', 'head'])
def test_opening_the_link_changes_nothing(
    browser: Client, stopped: Any, method: str
) -> None:
    answer = getattr(browser, method)(PATH, secure=True)
    assert answer.status_code == 200
    assert not answer.cookies
    assert [path for path, _fields, _authorization in stopped.requests] == [ASKED]
    assert answer['X-Robots-Tag'] == 'noindex'
    assert 'no-store' in answer['Cache-Control']
    assert answer['Referrer-Policy'] == 'no-referrer'


def test_the_page_has_one_button_and_it_works_without_an_account(
    browser: Client, stopped: Any
) -> None:
    raw = browser.get(PATH, secure=True).content.decode()
    assert '<h1>Get messages of News &lt;&amp;&gt; Views again?</h1>' in raw
    assert raw.count('<form') == raw.count('<button type="submit"') == 1
    assert '<strong>k***@clinic.example.org</strong>' in raw
    assert TOKEN not in raw
    answer = browser.post(PATH, secure=True)
    assert '<h1>You get messages again</h1>' in answer.content.decode()
    assert not answer.cookies
    resource, fields, _authorization = stopped.requests[-1]
    assert (resource, fields) == (DONE, {'token': [TOKEN]})


@pytest.mark.parametrize(
    ('outcome', 'heading'),
    [
        ('not stopped', 'Messages are not stopped'),
        ('not subscribed', 'You are not subscribed'),
    ],
)
def test_where_there_is_nothing_to_turn_on(
    browser: Client, stopped: Any, outcome: str, heading: str
) -> None:
    for resource in ('send-again', 'send-again/describe'):
        stopped.answers[resource] = (200, {**LIST, 'outcome': outcome})
    for ask in (browser.get, browser.post):
        raw = ask(PATH, secure=True).content.decode()
        assert f'<h1>{heading}</h1>' in raw
        assert '<form' not in raw


@pytest.mark.parametrize('method', ['get', 'post'])
@pytest.mark.parametrize(
    ('core_status', 'status', 'words'),
    [
        (404, 404, 'This link does not work'),
        (400, 404, 'This link does not work'),
        (410, 410, 'This link is too old'),
        (500, 503, 'could not do this just now'),
    ],
)
def test_a_link_that_is_no_good_says_so_and_names_the_other_ways(
    browser: Client, core: Any, method: str, core_status: int, status: int, words: str
) -> None:
    core.status = core_status
    with override_settings(SUPPORT_ADDRESS='help@example.gov'):
        answer = getattr(browser, method)(PATH, secure=True)
    page = answer.content.decode()
    assert answer.status_code == status
    assert f'<h1>{words}' in page or f'<h1>We {words}' in page
    assert 'Nothing has changed' in page
    assert 'href="/signup/"' in page
    assert 'mailto:help@example.gov' in page
    assert ('Retry-After' in answer) == (status == 503)


def test_no_log_has_the_token() -> None:
    record = logging.LogRecord('x', 40, 'x', 1, 'Not Found: %s', (PATH,), None)
    assert PlainLine().format(record) == f'Not Found: /send-again/{TOKEN[:8]}.../'
