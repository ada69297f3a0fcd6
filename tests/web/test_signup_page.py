# SPDX-License-Identifier: GPL-3.0-or-later
"""The page "Sign Up for Email Updates" (R13)."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from django.test import Client, override_settings

from qnet_mailman.web.signup import catalogue
from tests.web.conftest import press_button
from tests.web.offers import (
    BOARD,
    CHOICE,
    DONE,
    NEWS,
    PATH,
    TALK,
    answering,
    checkbox,
    listed,
    nothing_remembered,
    offer,
    sent,
    text_of,
)

__all__ = ['answering', 'nothing_remembered']

# The form.


def test_each_list_has_a_checkbox_a_name_and_a_description(
    browser: Client, core: Any
) -> None:
    offer(core, NEWS, TALK, BOARD)
    page = text_of(browser.get(PATH, secure=True))
    for one in (NEWS, TALK, BOARD):
        tag = checkbox(page, one['list_id'])
        attributes = dict(re.findall(r' ([\w-]+)="([^"]*)"', tag))
        assert (attributes['type'], attributes['name']) == ('checkbox', 'lists')
        assert 'checked' not in tag
        assert f'for="{attributes["id"]}">{one["display_name"]}</label>' in page
        about = f'id="{attributes["aria-describedby"]}">{one["description"]}</p>'
        assert about in page


def test_public_and_private_are_apart_and_grouped_by_kind(
    browser: Client, core: Any
) -> None:
    offer(core, NEWS, TALK, BOARD)
    page = text_of(browser.get(PATH, secure=True))
    assert 'href="#public">Public' in page
    assert 'href="#private">Private' in page
    public, private = page.split('id="private" ')
    assert NEWS['list_id'] in public and TALK['list_id'] in public
    assert BOARD['list_id'] in private
    announcements, discussion = public.split('<legend>Discussion')
    assert NEWS['list_id'] in announcements.split('<legend>Announcements')[1]
    assert TALK['list_id'] in discussion
    assert 'an administrator of the list approves your request first' in private


def test_the_form_is_one_that_people_and_their_programs_know(
    browser: Client, core: Any
) -> None:
    offer(core, NEWS)
    answer = browser.get(PATH, secure=True)
    page = text_of(answer)
    assert '<html lang="en">' in page
    assert page.count('<h1>') == 1
    assert '<title>Sign Up for Email Updates: QualityNet Mailer</title>' in page
    [email] = re.findall(r'<input type="email"[^>]*>', page)
    assert 'autocomplete="email"' in email
    [name] = re.findall(r'<input[^>]* name="name"[^>]*>', page)
    assert 'autocomplete="name"' in name
    assert '<form method="post"' in page and ' novalidate' in page
    # Not searchable: there are few.
    assert 'type="search"' not in page


def test_the_page_runs_and_loads_nothing_of_others(browser: Client, core: Any) -> None:
    offer(core, NEWS)
    answer = browser.get(PATH, secure=True)
    page = text_of(answer)
    for tag in re.findall(r'<script[^>]*>', page):
        assert ' src="/static/' in tag
    assert '<style' not in page and ' style=' not in page
    assert not re.search(r' on\w+="', page)
    assert not re.search(r'(src|rel="stylesheet" href)="https?:', page)
    policy = answer['Content-Security-Policy']
    assert "default-src 'none'" in policy
    assert 'unsafe' not in policy


def test_what_core_calls_a_list_is_not_markup(browser: Client, core: Any) -> None:
    offer(core, listed('x', display_name='<b>X</b>', description='"><script>1'))
    raw = browser.get(PATH, secure=True).content.decode()
    assert '<b>X' not in raw and '<script>1' not in raw


def test_a_list_without_a_name_is_called_by_its_address(
    browser: Client, core: Any
) -> None:
    offer(core, listed('bare', display_name='', description=''))
    page = text_of(browser.get(PATH, secure=True))
    assert '>bare@lists.example.gov</label>' in page
    assert 'aria-describedby' not in checkbox(page, 'bare.lists.example.gov')


def test_no_lists_at_all(browser: Client, core: Any) -> None:
    offer(core)
    page = text_of(browser.get(PATH, secure=True))
    assert 'There are no public lists' in page
    assert 'There are no private lists' in page


@pytest.mark.parametrize(
    ('query', 'ticked', 'first'),
    [
        ('', [], 'public'),
        (f'?lists={NEWS["list_id"]}', [NEWS], 'public'),
        (f'?lists={BOARD["list_id"]}', [BOARD], 'private'),
        (
            f'?lists={BOARD["list_id"]}&lists={TALK["list_id"]}',
            [TALK, BOARD],
            'public',
        ),
        ('?lists=gone.lists.example.gov&lists=%00%ff', [], 'public'),
    ],
)
def test_a_link_can_tick_lists(
    browser: Client,
    core: Any,
    query: str,
    ticked: list[dict[str, str]],
    first: str,
) -> None:
    offer(core, NEWS, TALK, BOARD)
    answer = browser.get(PATH + query, secure=True)
    page = text_of(answer)
    assert answer.status_code == 200
    for one in (NEWS, TALK, BOARD):
        assert (' checked' in checkbox(page, one['list_id'])) == (one in ticked)
    assert f'data-first="{first}"' in page


# How often core is asked, and how fast it is.


def test_core_is_asked_once_in_a_minute(browser: Client, core: Any) -> None:
    offer(core, NEWS)
    for _ in range(3):
        browser.get(PATH, secure=True)
    Client(headers={'host': 'lists.example.gov'}).get(PATH, secure=True)
    assert core.asked == ['/3.1/plugins/qnet/signup']


def test_five_hundred_lists(browser: Client, core: Any) -> None:
    offer(
        core,
        *(
            listed(
                f'list-{number}',
                type=('notification', 'discussion')[number % 2],
                visibility=('public', 'private')[number % 3 == 0],
            )
            for number in range(500)
        ),
    )
    begin = time.thread_time()
    page = text_of(browser.get(PATH, secure=True))
    # Computing alone, of which it takes a small part of a second.
    assert time.thread_time() - begin < 10
    assert page.count('name="lists"') == 500
    browser.get(PATH, secure=True)
    assert len(core.asked) == 1


# Sending it.


def test_a_request_goes_to_core_and_the_next_page_is_another(
    browser: Client, answering: Any
) -> None:
    fields = {
        **CHOICE,
        'address': ' Ann+News@Example.org\u200b ',
        'name': '  Ann\r\n  Example ',
        'lists': [NEWS['list_id'], BOARD['list_id'], NEWS['list_id']],
    }
    answer = press_button(browser, PATH, fields)
    assert (answer.status_code, answer['Location']) == (303, DONE)
    assert sent(answering) == [
        {
            'address': ['Ann+News@Example.org'],
            'display_name': ['Ann Example'],
            'lists': [NEWS['list_id'], BOARD['list_id']],
            'client': ['127.0.0.1'],
        }
    ]


def test_the_next_page_says_what_to_do_for_either_kind_of_list() -> None:
    browser = Client(headers={'host': 'lists.example.gov'})
    with override_settings(SUPPORT_ADDRESS='help@example.gov'):
        page = text_of(browser.get(DONE, secure=True))
    assert 'Public lists:' in page and 'Private lists:' in page
    assert 'spam' in page
    assert 'mailto:help@example.gov' in page
    assert 'mailto:' not in text_of(browser.get(DONE, secure=True))


def test_the_next_page_says_once_what_was_asked_for(browser: Client, core: Any) -> None:
    offer(core, NEWS, TALK, BOARD)
    catalogue.offered()
    core.answers['signup'] = (202, None)
    fields = {**CHOICE, 'lists': [NEWS['list_id'], BOARD['list_id']]}
    press_button(browser, PATH, fields)
    answer = browser.get(DONE, secure=True)
    page = text_of(answer)
    assert 'no-store' in answer['Cache-Control']
    assert '<strong>ann@example.org</strong>' in page
    assert '<strong>News</strong> (public list)' in page
    assert '<strong>Board</strong> (private list)' in page
    assert '<strong>Talk</strong>' not in page
    # Whoever uses the browser next does not read it.
    again = text_of(browser.get(DONE, secure=True))
    assert 'ann@example.org' not in again and 'the address you entered' in again
    assert '<strong>News</strong>' not in again


def test_the_next_page_needs_no_core(browser: Client, answering: Any) -> None:
    press_button(browser, PATH, CHOICE)
    catalogue.forget()
    answering.answers['signup'] = (500, None)
    answer = browser.get(DONE, secure=True)
    assert answer.status_code == 200 and 'ann@example.org' in text_of(answer)


def test_another_site_cannot_send_the_form(browser: Client, answering: Any) -> None:
    answer = browser.post(
        PATH,
        CHOICE,
        secure=True,
        headers={'origin': 'https://elsewhere.example.com'},
    )
    assert answer.status_code == 403
    assert 'Please try again' in text_of(answer)
    assert answering.requests == []


def test_a_program_that_fills_in_everything_is_told_the_same_and_core_nothing(
    browser: Client, answering: Any
) -> None:
    page = text_of(browser.get(PATH, secure=True))
    [trap] = re.findall(
        r'<div class="qnet-trap" aria-hidden="true">.*?</div>', page, re.DOTALL
    )
    assert 'name="message" tabindex="-1" autocomplete="off"' in trap
    answer = press_button(browser, PATH, {**CHOICE, 'message': 'Buy now'})
    assert (answer.status_code, answer['Location']) == (303, DONE)
    assert answering.requests == []


# What has to be corrected.


def test_everything_is_told_at_once_beside_its_field_and_kept(
    browser: Client, answering: Any
) -> None:
    fields = {'address': 'ann"<example.org', 'name': 'Ann & Co', 'button': 'sign-up'}
    answer = press_button(browser, PATH, fields)
    raw = answer.content.decode()
    assert answer.status_code == 400
    assert answering.requests == []
    assert '<title>Error: ' in raw
    [summary] = re.findall(r'<div [^>]*role="alert".*?</div>', raw, re.DOTALL)
    assert 'tabindex="-1" autofocus' in summary
    assert re.findall(r'href="#(\w+)"', summary) == ['lists', 'address']
    [email] = re.findall(r'<input type="email"[^>]*>', raw)
    assert 'aria-invalid="true" aria-describedby="address-mistake"' in email
    assert 'value="ann&quot;&lt;example.org"' in email
    assert re.search(r'id="address-mistake">[^<]*no @ sign', raw)
    assert re.search(r'id="lists-mistake">Choose at least one list', raw)
    assert 'id="lists" role="group" tabindex="-1"' in raw
    assert 'value="Ann &amp; Co"' in raw


def test_ticks_are_kept(browser: Client, answering: Any) -> None:
    answer = press_button(browser, PATH, {**CHOICE, 'address': ''})
    page = text_of(answer)
    assert answer.status_code == 400
    assert ' checked' in checkbox(page, NEWS['list_id'])
    assert ' checked' not in checkbox(page, TALK['list_id'])


@pytest.mark.parametrize('gone', ['gone.lists.example.gov', '\x00', '<b>', 'x' * 5000])
def test_a_list_that_is_not_on_offer(
    browser: Client, answering: Any, gone: str
) -> None:
    answer = press_button(browser, PATH, {**CHOICE, 'lists': [NEWS['list_id'], gone]})
    assert answer.status_code == 400
    assert 'not offered any more' in text_of(answer)
    assert answering.requests == []


def test_what_core_does_not_take_is_told_beside_the_field(
    browser: Client, answering: Any
) -> None:
    errors = {'address': 'No such <country>.', 'odd': 'not shown'}
    answering.answers['signup'] = (400, {'title': 'Bad', 'errors': errors})
    answer = press_button(browser, PATH, CHOICE)
    raw = answer.content.decode()
    assert answer.status_code == 400
    assert 'id="address-mistake">No such &lt;country&gt;.' in raw
    assert 'not shown' not in raw


@pytest.mark.parametrize('content', [None, {}, {'errors': 'none'}, ['x']])
def test_core_refuses_without_a_reason(
    browser: Client, answering: Any, content: object
) -> None:
    answering.answers['signup'] = (400, content)
    answer = press_button(browser, PATH, CHOICE)
    assert answer.status_code == 400
    assert 'Check the e-mail address' in text_of(answer)


def test_after_core_refused_a_list_it_is_asked_for_its_lists_again(
    browser: Client, answering: Any
) -> None:
    browser.get(PATH, secure=True)
    assert answering.asked == []
    answering.answers['signup'] = (400, {'errors': {'lists': 'Gone.'}})
    press_button(browser, PATH, CHOICE)
    assert answering.asked == ['/3.1/plugins/qnet/signup']


# What core cannot do just now.


def test_too_many_requests(browser: Client, answering: Any) -> None:
    answering.answers['signup'] = (429, {'title': '429 Too Many Requests'})
    answer = press_button(browser, PATH, CHOICE)
    page = text_of(answer)
    assert answer.status_code == 429
    assert answer['Retry-After'] == '3600'
    assert 'Too many requests' in page
    assert 'value="ann@example.org"' in page
    assert ' checked' in checkbox(page, NEWS['list_id'])


@pytest.mark.parametrize('status', [401, 404, 500, 200])
def test_core_fails_and_nothing_has_to_be_typed_again(
    browser: Client, answering: Any, status: int
) -> None:
    answering.answers['signup'] = (status, None)
    answer = press_button(browser, PATH, CHOICE)
    page = text_of(answer)
    assert answer.status_code == 503
    assert answer['Retry-After'] == '300'
    assert 'value="ann@example.org"' in page
    assert ' checked' in checkbox(page, NEWS['list_id'])


def test_core_out_of_reach_before_its_lists_are_known(
    browser: Client, answering: Any
) -> None:
    page = browser.get(PATH, secure=True).content.decode()
    [csrf] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    catalogue.forget()
    answering.answers['signup'] = (500, None)
    answer = browser.post(
        PATH,
        {**CHOICE, 'csrfmiddlewaretoken': csrf},
        secure=True,
        headers={'referer': f'https://lists.example.gov{PATH}'},
    )
    page = text_of(answer)
    assert answer.status_code == 503
    assert f'type="hidden" name="lists" value="{NEWS["list_id"]}"' in page
    assert 'value="ann@example.org"' in page
    assert 'button type="submit" name="button" value="sign-up"' in page


def test_the_lists_cannot_be_shown(browser: Client) -> None:
    answer = browser.get(PATH, secure=True)
    assert answer.status_code == 503
    assert answer['Retry-After']
    assert 'cannot show the lists' in text_of(answer)


# The way to it.


def test_every_page_of_postorius_leads_to_it() -> None:
    browser = Client(headers={'host': 'lists.example.gov'})
    # The smallest page with Postorius's frame.
    assert 'href="/signup/"' in text_of(browser.get('/nonesuch/', secure=True))
    assert 'href="/signup/"' in text_of(browser.get('/', secure=True))


@pytest.mark.parametrize('method', ['get', 'post'])
def test_the_form_of_postorius_for_strangers_leads_here(
    browser: Client, core: Any, method: str
) -> None:
    path = f'/mailman3/lists/{NEWS["list_id"]}/anonymous_subscribe'
    answer = getattr(browser, method)(path, {'email': 'ann@example.org'}, secure=True)
    assert answer.status_code == 303
    assert answer['Location'] == f'/signup/?lists={NEWS["list_id"]}'
    # Core is asked whose style the list has, and nothing about the address.
    [(path, fields, _authorization)] = core.requests
    assert (path, core.asked) == ('/3.1/plugins/qnet/lists/overview', [])
    assert fields == {'list': [NEWS['list_id']]}
