# SPDX-License-Identifier: GPL-3.0-or-later
"""The page with which a claimed sender releases a post (R6)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.web.conftest import press_button

TOKEN = 'eyJ0b2tlbiI6MX0.aBc-_123.signature'
PATH = f'/posts/confirm/{TOKEN}/'


@pytest.mark.parametrize('method', ['get', 'head'])
def test_opening_the_page_confirms_nothing(
    browser: Client, core: Any, method: str
) -> None:
    answer = getattr(browser, method)(PATH, secure=True)
    assert answer.status_code == 200
    assert core.requests == []


def test_the_page_is_one_heading_and_one_real_button(
    browser: Client, core: Any
) -> None:
    answer = browser.get(PATH, secure=True)
    page = answer.content.decode()
    assert '<html lang="en">' in page
    assert page.count('<h1>') == 1
    assert page.count('<form') == 1
    form = page[page.index('<form') : page.index('</form>')]
    assert '<button type="submit"' in form
    assert '<title>Did you send this message?' in page
    assert answer['X-Robots-Tag'] == 'noindex'
    assert 'no-store' in answer['Cache-Control']
    # The token stands in the address, so the address must not travel on.
    assert answer['Referrer-Policy'] == 'same-origin'


def test_the_button_sends_the_token_to_core(browser: Client, core: Any) -> None:
    answer = press_button(browser, PATH)
    assert answer.status_code == 200
    assert '<h1>Thank you</h1>' in answer.content.decode()
    [(path, fields, authorization)] = core.requests
    assert path == '/3.1/plugins/qnet/posts/confirm'
    assert fields == {'token': [TOKEN]}
    assert authorization.startswith('Basic ')


@pytest.mark.parametrize(
    ('core_status', 'page_status', 'words'),
    [
        (200, 200, 'Thank you'),
        (204, 200, 'Thank you'),
        (404, 404, 'This link does not work'),
        (400, 404, 'This link does not work'),
        (409, 409, 'already been dealt with'),
        (401, 503, 'could not do this just now'),
        (500, 503, 'could not do this just now'),
    ],
)
def test_each_answer_of_core_has_plain_words(
    browser: Client, core: Any, core_status: int, page_status: int, words: str
) -> None:
    core.status = core_status
    answer = press_button(browser, PATH)
    assert answer.status_code == page_status
    assert words in answer.content.decode()


def test_core_out_of_reach(browser: Client) -> None:
    answer = press_button(browser, PATH)
    assert answer.status_code == 503
    assert 'Nothing is lost' in answer.content.decode()
    assert answer['Retry-After']


def test_another_site_cannot_press_the_button(browser: Client, core: Any) -> None:
    answer = browser.post(
        PATH, secure=True, headers={'origin': 'https://elsewhere.example.com'}
    )
    assert answer.status_code == 403
    assert core.requests == []


def test_an_absurdly_long_token_is_not_passed_on(browser: Client, core: Any) -> None:
    answer = press_button(browser, f'/posts/confirm/{"a" * 2000}/')
    assert answer.status_code == 404
    assert core.requests == []
