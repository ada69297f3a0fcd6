# SPDX-License-Identifier: GPL-3.0-or-later
"""Leaving with the link in a message (R15, RFC 8058)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

TOKEN = 'k1.' + 'Aa0-_' * 19 + '=='
PATH = f'/unsubscribe/{TOKEN}/'
LIST = {
    'fqdn_listname': 'news@lists.example.gov',
    'display_name': 'News <&> Views',
    'whose': ['k***@clinic.example.org'],
}
FORMS = {
    'urlencoded': (
        'application/x-www-form-urlencoded',
        b'List-Unsubscribe=One-Click',
    ),
    'multipart': (
        'multipart/form-data; boundary=b',
        b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
        b'One-Click\r\n--b--\r\n',
    ),
    'nothing': ('application/octet-stream', b''),
    'broken': ('multipart/form-data', b'\xff--'),
}


def provider_posts(browser: Client, form: str, path: str = PATH) -> Any:
    """A mail provider's request: no cookie, no Referer, no Origin."""
    content_type, body = FORMS[form]
    return browser.post(path, body, content_type=content_type, secure=True)


@pytest.fixture
def member(core: Any) -> Any:
    """A core to which the token is that of a member."""
    core.answers['unsubscribe/describe'] = (200, {**LIST, 'subscribed': True})
    core.answers['unsubscribe'] = (200, {**LIST, 'outcome': 'left'})
    return core


@pytest.mark.parametrize('path', [PATH, PATH.rstrip('/')])
@pytest.mark.parametrize('form', FORMS)
def test_a_mail_providers_post_leaves_at_once(
    browser: Client, member: Any, form: str, path: str
) -> None:
    answer = provider_posts(browser, form, path)
    assert answer.status_code == 200
    assert not answer.cookies
    [(resource, fields, _authorization)] = member.requests
    assert resource == '/3.1/plugins/qnet/unsubscribe'
    assert fields == {'token': [TOKEN]}
    assert 'You have left the list' in answer.content.decode()


@pytest.mark.parametrize('outcome', ['subscribed', 'asked'])
@pytest.mark.parametrize('form', FORMS)
def test_a_footers_link_asks_whoever_posts_to_it(
    browser: Client, member: Any, form: str, outcome: str
) -> None:
    member.answers['unsubscribe'] = (200, {**LIST, 'outcome': outcome})
    answer = provider_posts(browser, form)
    assert answer.status_code == 200
    assert '<h1>Unsubscribe from News' in answer.content.decode()
    assert 'You have left' not in answer.content.decode()


@pytest.mark.parametrize(
    ('outcome', 'heading'),
    [
        ('to confirm', 'Please confirm by e-mail'),
        ('waits', 'Your request waits for approval'),
    ],
)
def test_a_list_whose_policy_asks_says_whom(
    browser: Client, member: Any, outcome: str, heading: str
) -> None:
    member.answers['unsubscribe'] = (200, {**LIST, 'outcome': outcome})
    page = provider_posts(browser, 'urlencoded').content.decode()
    assert f'<h1>{heading}</h1>' in page
    assert '<strong>k***@clinic.example.org</strong>' in page
    assert 'Until then' in page
    assert '<form' not in page
    assert 'You have left' not in page


def test_the_button_says_that_somebody_was_asked(browser: Client, member: Any) -> None:
    raw = browser.get(PATH, secure=True).content.decode()
    (action,) = re.findall(r'<form method="post" action="([^"]*)"', raw)
    answer = browser.post(PATH + action, secure=True)
    assert 'You have left the list' in answer.content.decode()
    resource, fields, _authorization = member.requests[-1]
    assert resource == '/3.1/plugins/qnet/unsubscribe'
    assert fields == {'token': [TOKEN], 'confirmed': ['yes']}


@pytest.mark.parametrize('query', ['?confirmed=no', '?confirmed=yes&x=y', '?x'])
def test_no_other_query_says_so(browser: Client, member: Any, query: str) -> None:
    provider_posts(browser, 'urlencoded', PATH + query)
    [(_resource, fields, _authorization)] = member.requests
    assert fields == {'token': [TOKEN]}


def test_twice_is_fine(browser: Client, member: Any) -> None:
    provider_posts(browser, 'urlencoded')
    member.answers['unsubscribe'] = (200, {**LIST, 'outcome': 'not subscribed'})
    answer = provider_posts(browser, 'urlencoded')
    assert answer.status_code == 200
    assert 'You are not subscribed' in answer.content.decode()


def test_no_session_is_looked_at(browser: Client, member: Any) -> None:
    provider_posts(browser, 'urlencoded')
    browser.cookies['sessionid'] = 'a' * 32
    with CaptureQueriesContext(connection) as queries:
        answer = provider_posts(browser, 'urlencoded')
    assert not queries.captured_queries
    assert not answer.cookies


@pytest.mark.parametrize('method', ['get', 'head'])
def test_opening_the_link_changes_nothing(
    browser: Client, member: Any, method: str
) -> None:
    answer = getattr(browser, method)(PATH, secure=True)
    assert answer.status_code == 200
    assert not answer.cookies
    assert [path for path, _fields, _authorization in member.requests] == [
        '/3.1/plugins/qnet/unsubscribe/describe'
    ]
    assert answer['X-Robots-Tag'] == 'noindex'
    assert 'no-store' in answer['Cache-Control']
    assert answer['Referrer-Policy'] == 'no-referrer'


def test_the_page_says_whose_subscription_and_has_one_button(
    browser: Client, member: Any
) -> None:
    raw = browser.get(PATH, secure=True).content.decode()
    assert '<h1>Unsubscribe from News &lt;&amp;&gt; Views?</h1>' in raw
    assert raw.count('<form') == raw.count('<button type="submit"') == 1
    assert '<strong>k***@clinic.example.org</strong>' in raw
    assert 'csrf' not in raw
    assert TOKEN not in raw


def test_the_page_for_one_who_has_left(browser: Client, core: Any) -> None:
    core.answers['unsubscribe/describe'] = (200, {**LIST, 'subscribed': False})
    raw = browser.get(PATH, secure=True).content.decode()
    assert '<h1>You are not subscribed</h1>' in raw
    assert '<form' not in raw


@pytest.mark.parametrize('method', ['get', 'post'])
@pytest.mark.parametrize(
    ('core_status', 'status', 'words'),
    [
        (404, 404, 'This link does not work'),
        (400, 404, 'This link does not work'),
        (410, 410, 'This link is too old'),
        (500, 503, 'could not do this just now'),
        (401, 503, 'could not do this just now'),
    ],
)
def test_a_link_that_is_no_good_says_so_and_names_the_other_ways(
    browser: Client,
    core: Any,
    method: str,
    core_status: int,
    status: int,
    words: str,
) -> None:
    core.status = core_status
    with override_settings(SUPPORT_ADDRESS='help@example.gov'):
        answer = getattr(browser, method)(PATH, secure=True)
    page = answer.content.decode()
    assert answer.status_code == status
    assert words in page
    assert '<strong>Unsubscribe</strong>' in page
    assert 'mailto:help@example.gov' in page
    assert ('Retry-After' in answer) == (status == 503)


@pytest.mark.parametrize(
    'odd', ['%00', '%FF%FE', '%20', 'a' * 2000, '%E2%98%83', '..%5C', '%0D%0Ax']
)
def test_odd_characters(browser: Client, core: Any, odd: str) -> None:
    core.status = 404
    assert browser.get(f'/unsubscribe/{odd}/', secure=True).status_code == 404
    answer = provider_posts(browser, 'urlencoded', f'/unsubscribe/{odd}')
    assert answer.status_code == 404


def test_other_methods_are_refused(browser: Client, member: Any) -> None:
    assert browser.put(PATH, secure=True).status_code == 405
    assert member.requests == []
