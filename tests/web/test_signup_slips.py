# SPDX-License-Identifier: GPL-3.0-or-later
"""Slips in an address's domain are asked about, once, and stop nobody."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client, override_settings

from qnet_mailman.web.signup.slips import ENDINGS, PROVIDERS, suggestion_for
from tests.web.conftest import press_button
from tests.web.offers import (
    CHOICE,
    DONE,
    PATH,
    answering,
    nothing_remembered,
    sent,
    text_of,
)

__all__ = ['answering', 'nothing_remembered']


@pytest.mark.parametrize(
    ('typed', 'meant'),
    [
        ('gmial.com', 'gmail.com'),
        ('gmai.com', 'gmail.com'),
        ('GMAIL.COMM', 'gmail.com'),
        ('gmail.con', 'gmail.com'),
        ('yaho.com', 'yahoo.com'),
        ('hotmial.com', 'hotmail.com'),
        ('outlok.com', 'outlook.com'),
        ('iclould.com', 'icloud.com'),
        ('aol.con', 'aol.com'),
        ('clinic.example.ogr', 'clinic.example.org'),
        ('agency.example.gvo', 'agency.example.gov'),
    ],
)
def test_slips(typed: str, meant: str) -> None:
    assert suggestion_for(f'Ann.O@{typed}') == f'Ann.O@{meant}'


@pytest.mark.parametrize(
    'right',
    [
        *sorted(PROVIDERS),
        *('Gmail.com', 'aon.com', 'yahoo.ca', 'live.ca', 'hotmail.fr', 'gmx.de'),
        *('clinic.example.org', 'cms.hhs.gov', 'mail.example.com', 'xn--bcher-kva.de'),
    ],
)
def test_what_is_no_slip(right: str) -> None:
    assert suggestion_for(f'ann@{right}') == ''


def test_operators_name_more_domains() -> None:
    assert suggestion_for('ann@cms.hhs.gv') == ''
    assert suggestion_for('ann@agency.exmaple.gov', ['Agency.Example.gov']) == (
        'ann@agency.example.gov'
    )
    assert suggestion_for('ann@agency.example.gov', ['agency.example.gov']) == ''


def test_endings_that_do_not_exist_lead_to_some_that_do() -> None:
    assert not set(ENDINGS) & set(ENDINGS.values())


def ask(browser: Client, **more: str) -> Any:
    return press_button(browser, PATH, {**CHOICE, 'address': 'ann@gmial.com', **more})


def hidden(page: str) -> str:
    [value] = re.findall(r'name="sure" value="([^"]*)"', page)
    return str(value)


def test_a_slip_is_asked_about_and_core_is_not_asked(
    browser: Client, answering: Any
) -> None:
    answer = ask(browser)
    page = text_of(answer)
    assert answer.status_code == 400 and sent(answering) == []
    question = 'Did you mean ann@gmail.com? If ann@gmial.com is right, press'
    assert page.count(question) == 2
    assert 'value="ann@gmial.com" class="form-control' in page
    assert 'name="suggested" value="ann@gmail.com"' in page
    assert hidden(page) == 'ann@gmial.com'


def test_who_presses_once_more_means_it(browser: Client, answering: Any) -> None:
    assert ask(browser, sure='ann@gmial.com').status_code == 303
    assert sent(answering)[0]['address'] == ['ann@gmial.com']


def test_another_mistake_does_not_ask_again(browser: Client, answering: Any) -> None:
    page = text_of(ask(browser, sure='ann@gmial.com', lists=''))
    assert 'Did you mean' not in page and hidden(page) == 'ann@gmial.com'


def test_another_slip_is_asked_about(browser: Client, answering: Any) -> None:
    page = text_of(ask(browser, sure='ann@yaho.com'))
    assert 'Did you mean ann@gmail.com?' in page


def test_the_suggestion_is_one_press(browser: Client, answering: Any) -> None:
    answer = ask(browser, suggested='ann@gmail.com', button='')
    assert (answer.status_code, answer['Location']) == (303, DONE)
    assert sent(answering)[0]['address'] == ['ann@gmail.com']


def test_the_sites_own_domains_are_a_setting(browser: Client, answering: Any) -> None:
    address = 'ann@agency.exmaple.gov'
    with override_settings(SIGNUP_DOMAINS=('agency.example.gov',)):
        answer = press_button(browser, PATH, {**CHOICE, 'address': address})
    assert 'Did you mean ann@agency.example.gov?' in text_of(answer)
    assert press_button(browser, PATH, {**CHOICE, 'address': address}).status_code == (
        303
    )


def test_what_was_asked_is_text(browser: Client, answering: Any) -> None:
    raw = ask(browser, address='"<b>"@gmial.com').content.decode()
    assert '<b>' not in raw
