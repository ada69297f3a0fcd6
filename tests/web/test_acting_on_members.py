# SPDX-License-Identifier: GPL-3.0-or-later
"""Several members of the bounce page at once: turned on, written to, removed (R20)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from tests.web.caretakers import (
    LIST_ID,
    MEMBER_ID,
    OTHER_ID,
    administrator,
    as_person,
    known,
    moderator,
)
from tests.web.conftest import StubCore

__all__ = ['administrator', 'as_person', 'moderator']

PATH = f'/mailman3/lists/{LIST_ID}/bounces/'
ACT = f'lists/{LIST_ID}/bounces/members/act'
BOTH = [f'{MEMBER_ID} full@example.net', f'{OTHER_ID} some@example.net']


@pytest.fixture
def table(core: StubCore) -> StubCore:
    """A core that does it with the first of two members."""
    known(core).answers[ACT] = (200, {'addresses': ['full@example.net']})
    return core


def act(browser: Client, **fields: Any) -> Any:
    return browser.post(f'{PATH}act', fields, secure=True)


def shown(browser: Client, path: str = PATH) -> str:
    return re.sub(r'\s+', ' ', browser.get(path, secure=True).content.decode())


def test_the_table_has_a_box_for_each_and_three_buttons(
    table: StubCore, administrator: Client
) -> None:
    text = shown(administrator)
    boxes = re.findall(r'<input type="checkbox"[^>]* form="chosen"[^>]*>', text)
    assert len(boxes) == 2
    assert f'value="{BOTH[0]}"' in boxes[0]
    assert 'aria-label="Choose full@example.net"' in boxes[0]
    assert not any('checked' in box for box in boxes)
    assert re.findall(r'name="action" value="(\w+)"', text) == [
        *('enable', 'notify', 'remove'),
    ]
    assert 'href="?chosen=all#members"' in text
    every = shown(administrator, f'{PATH}?chosen=all')
    assert len(re.findall(r'form="chosen"[^>]* checked>', every)) == 2


@pytest.mark.parametrize(
    ('action', 'done', 'not_done'),
    [
        ('enable', 'Delivery is on again', 'Delivery was not stopped'),
        ('notify', 'was sent to full@', 'No message was sent'),
    ],
)
def test_what_was_done_and_what_not(
    table: StubCore, administrator: Client, action: str, done: str, not_done: str
) -> None:
    answer = act(administrator, action=action, member=BOTH)
    assert (answer.status_code, answer['Location']) == (303, PATH)
    [(where, fields, _authorization)] = table.requests
    assert where == f'/3.1/plugins/qnet/{ACT}'
    assert fields == {
        'action': [action],
        'member': [MEMBER_ID, OTHER_ID],
    }
    assert table.actors[-1] == 'harp:pexample'
    text = shown(administrator)
    assert done in text
    assert not_done in text


def test_removing_asks_first(table: StubCore, administrator: Client) -> None:
    answer = act(administrator, action='remove', member=BOTH)
    text = re.sub(r'\s+', ' ', answer.content.decode())
    assert 'Remove 2 members from HQR Updates?' in text
    assert '<li>some@example.net</li>' in text
    assert table.requests == []
    form = dict(re.findall(r'name="(confirmed|action)" value="(\w+)"', text))
    members = re.findall(r'name="member" value="([^"]+)"', text)
    assert members == BOTH
    act(administrator, **form, member=members)
    assert table.requests[-1][1]['action'] == ['remove']
    assert 'Removed from the list: full@example.net.' in shown(administrator)


def test_nobody_chosen(table: StubCore, administrator: Client) -> None:
    for member in ([], ['nonsense', '']):
        assert act(administrator, action='enable', member=member).status_code == 303
    assert table.requests == []
    assert 'Choose at least one member' in shown(administrator)


def test_what_is_typed_is_text(table: StubCore, administrator: Client) -> None:
    answer = act(administrator, action='remove', member=f'{MEMBER_ID} <b>x</b>')
    assert '<li>&lt;b&gt;x&lt;/b&gt;</li>' in answer.content.decode()


def test_who_may(table: StubCore, moderator: Client) -> None:
    for action in ('enable', 'notify', 'remove'):
        answer = act(moderator, action=action, member=BOTH, confirmed='yes')
        assert answer.status_code == 403
    assert table.requests == []
    assert 'form="chosen"' not in shown(moderator)


def test_no_such_action(table: StubCore, administrator: Client) -> None:
    assert act(administrator, action='promote', member=BOTH).status_code == 404
    assert administrator.get(f'{PATH}act', secure=True).status_code == 405
    assert table.requests == []


def test_a_member_has_the_buttons_too(table: StubCore, administrator: Client) -> None:
    text = shown(administrator, f'{PATH}{MEMBER_ID}/')
    assert f'<input type="hidden" name="member" value="{BOTH[0]}">' in text
    assert re.findall(r'name="action" value="(\w+)"', text) == ['notify', 'remove']
