# SPDX-License-Identifier: GPL-3.0-or-later
"""*Delete* of Postorius's: administrators are led to closing by form (R29)."""

from __future__ import annotations

import pytest
from django.test import override_settings

from tests.web.gate.asking import L, paths_changed, said, stock, text_of
from tests.web.gate.conftest import GatedSite
from tests.web.gate.stub_mailman import NEWS, NEWS_ADDRESS

__all__ = ['stock']

DELETE = f'{L}/delete'


def test_stock_lets_an_administrator_delete_at_once(stock: GatedSite) -> None:
    stock.browser('owner_without_role').post(DELETE, secure=True)
    assert paths_changed(stock) == [f'DELETE lists/{NEWS}']


def test_an_administrator_is_led_to_the_form(forgotten: GatedSite) -> None:
    for sent in ({}, {'yes': '1'}):
        with override_settings(FORMS_ADDRESS='requests@example.gov'):
            words = said(forgotten, 'administrator', DELETE, **sent)
        assert 'How to close a list' in words
        assert 'Nothing has been deleted' in words
        assert f'href="{L}/forms/list-closure.xlsx"' in words
        assert 'href="/forms/#list-closure"' in words
        assert 'mailto:requests@example.gov?subject=Closing%20a%20list' in words
    by_address = f'/mailman3/lists/{NEWS_ADDRESS}/delete'
    assert 'How to close a list' in said(forgotten, 'administrator', by_address)
    assert paths_changed(forgotten) == []


@pytest.mark.parametrize('name', ['moderator', 'elsewhere', 'owner_without_role'])
def test_others_are_not(forgotten: GatedSite, name: str) -> None:
    assert 'How to close a list' not in said(forgotten, name, DELETE, yes='1')
    assert paths_changed(forgotten) == []


def test_an_operator_deletes(forgotten: GatedSite) -> None:
    browser = forgotten.browser('operator')
    assert 'This cannot be undone.' in text_of(browser.get(DELETE, secure=True))
    browser.post(DELETE, secure=True)
    assert paths_changed(forgotten) == [f'DELETE lists/{NEWS}']
