# SPDX-License-Identifier: GPL-3.0-or-later
"""Searching among the lists on offer, without scripts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from tests.web.conftest import press_button
from tests.web.offers import (
    BOARD,
    CHOICE,
    NEWS,
    PATH,
    TALK,
    answering,
    checkbox,
    listed,
    nothing_remembered,
    offer,
    text_of,
)

__all__ = ['answering', 'nothing_remembered']


@pytest.fixture
def many(core: Any) -> Any:
    """A core with enough lists to search."""
    more = [listed(f'measure-{number}') for number in range(12)]
    offer(core, NEWS, TALK, BOARD, *more)
    return core


@pytest.mark.parametrize(
    ('button', 'searched'),
    [('search', ''), ('search', 'talk'), ('', '')],
    ids=['the button', 'the button again', 'the Enter key'],
)
def test_a_search_keeps_what_was_typed_and_shows_what_is_ticked(
    browser: Client, many: Any, button: str, searched: str
) -> None:
    fields = {**CHOICE, 'search': ' TALK ', 'searched': searched, 'button': button}
    answer = press_button(browser, PATH, fields)
    page = text_of(answer)
    assert answer.status_code == 200
    assert page.count('name="lists"') == 2
    assert ' checked' in checkbox(page, NEWS['list_id'])
    assert ' checked' not in checkbox(page, TALK['list_id'])
    assert 'value="ann@example.org"' in page
    assert re.search(r'role="status">2 lists shown for “TALK”', page)
    assert many.requests == []


def test_the_enter_key_signs_up_where_nothing_new_is_searched_for(
    browser: Client, answering: Any
) -> None:
    fields = {**CHOICE, 'search': 'talk', 'searched': 'talk', 'button': ''}
    assert press_button(browser, PATH, fields).status_code == 303
    assert len(answering.requests) == 1


def test_the_button_signs_up_whatever_stands_in_the_search(
    browser: Client, answering: Any
) -> None:
    fields = {**CHOICE, 'search': 'talk', 'searched': ''}
    assert press_button(browser, PATH, fields).status_code == 303


def test_the_first_button_of_the_form_is_no_search(browser: Client, many: Any) -> None:
    page = text_of(browser.get(PATH, secure=True))
    form = page[page.index('<form') :]
    first, *_others = re.findall(r'<button[^>]*>', form)
    assert 'name=' not in first and 'tabindex="-1"' in first
    assert 'name="button" value="search"' in form


def test_nothing_found(browser: Client, many: Any) -> None:
    page = text_of(browser.get(f'{PATH}?search=nonesuch', secure=True))
    assert page.count('No list here matches your search.</p>') == 4
    assert 'name="lists"' not in page


def test_a_search_that_only_private_lists_match_opens_their_tab(
    browser: Client, many: Any
) -> None:
    page = text_of(browser.get(f'{PATH}?search=board', secure=True))
    assert 'data-first="private"' in page


def counts(page: str) -> dict[str, int]:
    """The numbers that the tabs show."""
    return {
        tab: int(number)
        for tab, number in re.findall(
            r'href="#(\w+)">\w+ <span class="qnet-count">'
            r'\(<span class="qnet-hits">(\d+)<',
            page,
        )
    }


def test_the_tabs_count_what_is_found(browser: Client, many: Any) -> None:
    assert counts(text_of(browser.get(PATH, secure=True))) == {
        'public': 14,
        'private': 1,
    }
    for words, found in (('measure', (12, 0)), ('board', (0, 1)), ('nonesuch', (0, 0))):
        page = text_of(browser.get(f'{PATH}?search={words}', secure=True))
        assert tuple(counts(page).values()) == found, words


def test_what_is_found_is_shown_before_what_is_ticked(
    browser: Client, many: Any
) -> None:
    ticked = f'{PATH}?lists={NEWS["list_id"]}'
    page = text_of(browser.get(f'{ticked}&search=board', secure=True))
    assert 'data-first="private"' in page
    assert counts(page) == {'public': 0, 'private': 1}
    assert ' checked' in checkbox(page, NEWS['list_id'])
    # Nothing is found: what is ticked is at hand.
    ticked = f'{PATH}?lists={BOARD["list_id"]}'
    for search in ('', '&search=nonesuch'):
        page = text_of(browser.get(f'{ticked}{search}', secure=True))
        assert 'data-first="private"' in page
