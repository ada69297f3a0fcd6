# SPDX-License-Identifier: GPL-3.0-or-later
"""The page behind the link in a message about joining or leaving (R11, R12, R14)."""

from __future__ import annotations

import io
import logging
from html import unescape
from typing import Any

import pytest
from django.test import Client, override_settings

TOKEN = '0123456789abcdef0123456789abcdef01234567'
PATH = f'/signup/confirm/{TOKEN}/'
KINDS = {
    'sign-up': 'Confirm your subscription',
    'subscription': 'Confirm your subscription',
    'invitation': 'You are invited',
    'unsubscription': 'Confirm that you want to leave',
}
OUTCOMES = {
    'subscribed': 'you are subscribed now',
    'already subscribed': 'you were subscribed before',
    'waiting': 'has to approve',
    'refused': 'could not subscribe you',
    'left': 'you have left the list',
    'not subscribed': 'you are not subscribed',
}


def about(kind: str, *outcomes: str) -> tuple[int, object]:
    """What core says of a token."""
    lists = [
        {
            'list_id': f'list{number}.example.gov',
            'fqdn_listname': f'list{number}@example.gov',
            'display_name': f'List <{number}>',
            'visibility': 'public',
            **({'outcome': outcome} if outcome else {}),
        }
        for number, outcome in enumerate(outcomes)
    ]
    return 200, {'kind': kind, 'address': 'ann&co@example.org', 'lists': lists}


@pytest.mark.parametrize('method', ['get', 'head'])
@pytest.mark.parametrize('kind', KINDS)
def test_opening_the_link_only_describes(
    browser: Client, core: Any, kind: str, method: str
) -> None:
    core.answers['confirmations/describe'] = about(kind, '', '')
    answer = getattr(browser, method)(PATH, secure=True)
    assert answer.status_code == 200
    [(path, fields, _authorization)] = core.requests
    assert path == '/3.1/plugins/qnet/confirmations/describe'
    assert fields == {'token': [TOKEN]}


@pytest.mark.parametrize(('kind', 'heading'), KINDS.items())
def test_the_page_says_who_and_what_and_has_one_button(
    browser: Client, core: Any, kind: str, heading: str
) -> None:
    core.answers['confirmations/describe'] = about(kind, '', '')
    raw = browser.get(PATH, secure=True).content.decode()
    assert f'<h1>{heading}</h1>' in raw
    assert raw.count('<h1>') == 1
    assert '<strong>ann&amp;co@example.org</strong>' in raw
    assert '<strong>List &lt;0&gt;</strong> (list0@example.gov)' in raw
    assert '<strong>List &lt;1&gt;</strong> (list1@example.gov)' in raw
    assert raw.count('<form') == raw.count('<button type="submit"') == 1


@pytest.mark.parametrize('method', ['get', 'post'])
def test_the_address_of_the_page_does_not_travel_and_no_cookie_is_set(
    browser: Client, core: Any, method: str
) -> None:
    core.answers['confirmations/describe'] = about('sign-up', '')
    core.answers['confirmations/confirm'] = about('sign-up', 'subscribed')
    answer = getattr(browser, method)(PATH, secure=True)
    assert answer.status_code == 200
    assert answer['X-Robots-Tag'] == 'noindex'
    assert 'no-store' in answer['Cache-Control']
    assert answer['Referrer-Policy'] == 'no-referrer'
    assert not answer.cookies
    assert TOKEN not in answer.content.decode()


def test_the_button_confirms_without_any_cookie(browser: Client, core: Any) -> None:
    core.answers['confirmations/confirm'] = about('sign-up', *OUTCOMES)
    # What browsers send from a page with the policy no-referrer.
    answer = browser.post(PATH, secure=True, headers={'origin': 'null'})
    page = unescape(answer.content.decode())
    assert answer.status_code == 200
    for number, words in enumerate(OUTCOMES.values()):
        [item] = [part for part in page.split('<li>') if f'(list{number}@' in part]
        assert words in item
    [(path, fields, _authorization)] = core.requests
    assert path == '/3.1/plugins/qnet/confirmations/confirm'
    assert fields == {'token': [TOKEN]}


def test_leaving_is_told_in_its_own_words(browser: Client, core: Any) -> None:
    core.answers['confirmations/confirm'] = about('unsubscription', 'left')
    page = browser.post(PATH, secure=True).content.decode()
    assert '<h1>Unsubscribed</h1>' in page
    # Lists of other styles may ask a moderator (R40).
    core.answers['confirmations/confirm'] = about('unsubscription', 'waiting')
    page = browser.post(PATH, secure=True).content.decode()
    assert 'has to approve' in page
    assert 'Unsubscribed' not in page


@pytest.mark.parametrize('method', ['get', 'post'])
@pytest.mark.parametrize(
    ('core_status', 'status', 'words'),
    [
        (404, 404, 'does not work any more'),
        (400, 404, 'does not work any more'),
        (410, 410, '<h1>Already done</h1>'),
        (401, 503, 'could not do this just now'),
        (500, 503, 'could not do this just now'),
    ],
)
def test_a_link_that_is_no_good(
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
    if status == 404:
        assert 'href="/signup/"' in page and 'mailto:help@example.gov' in page
    elif status == 503:
        assert answer['Retry-After']


@pytest.mark.parametrize('odd', ['%00', '%20', 'a' * 2000, 'caf%C3%A9', '%0A'])
def test_what_cannot_be_a_token_is_not_passed_on(
    browser: Client, core: Any, odd: str
) -> None:
    for method in (browser.get, browser.post):
        assert method(f'/signup/confirm/{odd}/', secure=True).status_code == 404
    assert core.requests == []


def test_tokens_are_not_in_the_log(browser: Client) -> None:
    # The first handler is that of the settings; pytest adds its own.
    handler = logging.getLogger('django').handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    stderr = handler.setStream(io.StringIO())
    try:
        assert browser.get(PATH, secure=True).status_code == 503
        browser.get(f'/unsubscribe/{TOKEN}', secure=True)
        browser.post(f'/posts/confirm/{TOKEN}/', secure=True)
        logged = handler.stream.getvalue()
    finally:
        handler.setStream(stderr)
    assert logged.count('/confirm/01234567.../') == 2
    assert logged.count('/unsubscribe/01234567...') == 1
    assert '012345678' not in logged
