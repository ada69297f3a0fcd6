# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages where operators adopt lists of Mailman's own, or hand them back (R40)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from qnet_mailman.web.adoption import flows
from tests.web.caretakers import Answers, as_person
from tests.web.conftest import StubCore
from tests.web.test_review_pages import account, operator, text_of

__all__ = ['account', 'as_person', 'operator']

LIST_ID, ADDRESS = 'talk.lists.example.gov', 'talk@lists.example.gov'
PATH = f'/adopting/{LIST_ID}/'
RESOURCE = f'/3.1/plugins/qnet/lists/{LIST_ID}/adoption'
ROW = {
    'list_id': LIST_ID,
    'list': ADDRESS,
    'display_name': 'Talk',
    'members': 0,
    'http_etag': '"1"',
}
ONE: dict[str, Any] = {
    'list_id': LIST_ID,
    'list': ADDRESS,
    'display_name': 'Talk',
    'ours': False,
    'type': 'discussion',
    'visibility': 'public',
    'differences': [
        {'about': 'Members', 'text': '7 members: each copy <b>has</b> a link'},
        {'about': 'Bounces', 'text': 'delivery stops'},
        {'about': 'Bounces', 'text': '1 member is disabled'},
    ],
}


def known(core: StubCore, **more: Any) -> StubCore:
    """A core with one list, and what adopting it means."""
    core.status = 404
    core.answers = Answers(
        {
            'lists/by-style': (200, {'start': 0, 'total_size': 1, 'entries': [ROW]}),
            f'lists/{LIST_ID}/adoption': (200, ONE | more),
        }
    )
    return core


def page(browser: Client, path: str = PATH, status: int = 200) -> str:
    return text_of(browser.get(path, secure=True), status)


def press(browser: Client, **fields: str) -> Any:
    [token, *_] = re.findall(r'csrfmiddlewaretoken" value="(\w+)"', page(browser))
    return browser.post(
        PATH,
        {'csrfmiddlewaretoken': token, **fields},
        secure=True,
        headers={'referer': f'https://lists.example.gov{PATH}'},
    )


def test_both_kinds_of_lists(core: StubCore, operator: Client) -> None:
    known(core)
    text = page(operator, '/adopting/')
    assert f'<a href="{PATH}">{ADDRESS}</a>' in text and '1–1 of 1 list,' in text
    page(operator, '/adopting/?which=ours&page=1')
    asked = [parse_qs(urlsplit(path).query)['ours'] for path in core.asked]
    assert asked == [['false'], ['true']]


def test_a_page_beyond_the_last(core: StubCore, operator: Client) -> None:
    known(core)
    answer = operator.get('/adopting/?page=9&which=ours', secure=True)
    assert answer['location'] == '/adopting/?which=ours&page=1'


def test_what_would_differ_stands_before_the_button(
    core: StubCore, operator: Client
) -> None:
    known(core)
    text = page(operator, f'{PATH}?type=notification&visibility=secret')
    assert core.asked == [f'{RESOURCE}?type=notification']
    assert '7 members: each copy &lt;b&gt;has&lt;/b&gt; a link' in text
    assert text.count('<h3>Bounces</h3>') == 1
    assert text.index('delivery stops') < text.index(
        f'Adopt {ADDRESS} as a public discussion list</button>'
    )


def test_adopting(core: StubCore, operator: Client) -> None:
    known(core)
    answer = press(operator, action='adopt', type='notification', visibility='private')
    assert (answer.status_code, answer['location']) == (302, PATH)
    [(path, fields, _)] = core.requests
    assert path == RESOURCE
    assert core.actors[-1] == 'local:boss'
    assert fields == {
        'action': ['adopt'],
        'type': ['notification'],
        'visibility': ['private'],
    }
    assert f'{ADDRESS} is a list of QualityNet Mailer now.' in page(operator)


def test_handing_back(core: StubCore, operator: Client) -> None:
    known(core, ours=True)
    text = page(operator)
    assert 'value="release"' in text and 'value="adopt"' not in text
    press(operator, action='release')
    [(_path, fields, _)] = core.requests
    assert fields['action'] == ['release']


def test_who_comes_too_late_is_told(core: StubCore, operator: Client) -> None:
    known(core)
    [token, *_] = re.findall(r'csrfmiddlewaretoken" value="(\w+)"', page(operator))
    core.answers[f'lists/{LIST_ID}/adoption'] = (409, None)
    answer = operator.post(
        PATH,
        {'csrfmiddlewaretoken': token, 'action': 'adopt'},
        secure=True,
        follow=True,
        headers={'referer': f'https://lists.example.gov{PATH}'},
    )
    text = text_of(answer)
    assert flows.OVERTAKEN in text and 'The list is closed.' in text


@pytest.mark.parametrize('path', ['/adopting/nothing/', '/adopting/no.such.list/'])
def test_no_such_list(core: StubCore, operator: Client, path: str) -> None:
    known(core)
    assert operator.get(path, secure=True).status_code == 404


@pytest.mark.parametrize('path', ['/adopting/', PATH])
def test_only_operators(
    core: StubCore, as_person: Callable[..., Client], path: str
) -> None:
    known(core)
    browser = as_person(roles={'administrator'}, administers={LIST_ID})
    for answer in (browser.get(path, secure=True), browser.post(path, secure=True)):
        assert answer.status_code in (403, 405)
    assert (core.asked, core.requests) == ([], [])
