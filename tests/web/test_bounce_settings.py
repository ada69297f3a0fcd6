# SPDX-License-Identifier: GPL-3.0-or-later
"""The bounce settings in Postorius: two are for operators only (R21)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, override_settings
from postorius.views import list as list_views
from postorius.views.list import SETTINGS_FORMS

from qnet_mailman.web.lists.settings_forms import BounceSettingsForm, install
from tests.web.conftest import LIST_ID, StubLists

PATH = f'/mailman3/lists/{LIST_ID}/settings/bounce_processing'
READ_ONLY = ('bounce_score_threshold', 'bounce_info_stale_after')
#: What a browser sends, with the operators' settings changed by hand.
FORGED = {
    'process_bounces': 'True',
    'bounce_score_threshold': '99',
    'bounce_info_stale_after': '99d',
    'bounce_notify_owner_on_bounce_increment': 'False',
    'bounce_notify_owner_on_disable': 'True',
    'bounce_notify_owner_on_removal': 'True',
    'forward_unrecognized_bounces_to': 'discard',
    'bounce_you_are_disabled_warnings_interval': '7d',
    'bounce_you_are_disabled_warnings': '4',
}


def test_what_a_post_says_of_them_is_not_looked_at(
    lists: StubLists, operator: Client
) -> None:
    answer = operator.post(PATH, FORGED, secure=True)
    assert answer.status_code == 302
    assert lists.patches == [
        {
            'forward_unrecognized_bounces_to': ['discard'],
            'bounce_you_are_disabled_warnings': ['4'],
        }
    ]


@pytest.mark.parametrize('value', ['', 'many', '-1', '5\x00'])
def test_nonsense_in_them_is_no_mistake_either(
    lists: StubLists, operator: Client, value: str
) -> None:
    forged = {**FORGED, **dict.fromkeys(READ_ONLY, value)}
    assert operator.post(PATH, forged, secure=True).status_code == 302
    assert not set(READ_ONLY) & set(lists.patches[0])


def test_a_post_to_another_section_does_not_reach_them(
    lists: StubLists, operator: Client
) -> None:
    for section, form_class in SETTINGS_FORMS.items():
        if section == 'bounce_processing':
            continue
        assert not set(READ_ONLY) & set(form_class.base_fields)
        path = PATH.replace('bounce_processing', section)
        operator.post(path, FORGED, secure=True)
    assert not any(set(READ_ONLY) & set(patch) for patch in lists.patches)


def test_the_page_shows_them_and_says_how_to_ask(
    lists: StubLists, operator: Client
) -> None:
    with override_settings(SUPPORT_ADDRESS='help@example.gov'):
        page = operator.get(PATH, secure=True).content.decode()
    for name, value in zip(READ_ONLY, ('5', '7d'), strict=True):
        (tag,) = re.findall(rf'<input[^>]* name="{name}"[^>]*>', page)
        attributes = dict(re.findall(r' ([\w-]+)(?:="([^"]*)")?', tag))
        assert attributes['value'] == value
        assert 'readonly' in attributes
        assert 'disabled' not in attributes
        # Someone who does not see the page hears its name and how to ask.
        assert re.search(rf'<label[^>]* for="{attributes["id"]}"', page)
        described_by = attributes['aria-describedby']
        (text,) = re.findall(rf'<p id="{described_by}"[^>]*>(.*?)</p>', page, re.DOTALL)
        assert 'threshold-change form' in text
        assert '<a href="mailto:help@example.gov">help@example.gov</a>' in text
    assert page.count(' readonly') == 2


def test_a_list_of_another_style_has_stocks_form(
    lists: StubLists, operator: Client
) -> None:
    """R40."""
    lists.settings['posting_pipeline'] = 'default-posting-pipeline'
    page = operator.get(PATH, secure=True).content.decode()
    assert 'threshold-change' not in page
    assert ' readonly' not in page
    operator.post(PATH, FORGED, secure=True)
    [patch] = lists.patches
    assert patch['bounce_score_threshold'] == ['99']


def test_the_page_without_a_support_address(lists: StubLists, operator: Client) -> None:
    page = operator.get(PATH, secure=True).content.decode()
    form = '<a href="/forms/#threshold-change">threshold-change form</a>'
    assert f'send them a {form}.' in page
    assert 'mailto:' not in page


def test_a_support_address_is_not_markup(lists: StubLists, operator: Client) -> None:
    with override_settings(SUPPORT_ADDRESS='"<b>"@example.gov'):
        page = operator.get(PATH, secure=True).content.decode()
    assert '<b>' not in page


def test_a_postorius_without_the_section_is_refused(
    web: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install()
    assert list_views.SETTINGS_FORMS['bounce_processing'] is BounceSettingsForm
    monkeypatch.setattr(list_views, 'SETTINGS_FORMS', {})
    with pytest.raises(ImproperlyConfigured, match="no settings section 'bounce"):
        install()
