# SPDX-License-Identifier: GPL-3.0-or-later
"""How people join and leave, in Postorius: shown, and not changed (R11, R12, R14)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from postorius.views import list as list_views

from qnet_mailman.web.lists.settings_forms import install
from tests.web.conftest import LIST_ID, StubLists

PATH = f'/mailman3/lists/{LIST_ID}/settings/subscription_policy'
FORGED = {'subscription_policy': 'open', 'unsubscription_policy': 'moderate'}


def shown(page: str, name: str) -> dict[str, str]:
    """The attributes of a setting's field, and what its help says."""
    [tag] = re.findall(rf'<input[^>]* name="{name}"[^>]*>', page)
    attributes = dict(re.findall(r' ([\w-]+)(?:="([^"]*)")?', tag))
    assert re.search(rf'<label[^>]* for="{attributes["id"]}"', page)
    described_by = attributes['aria-describedby']
    [text] = re.findall(rf'<p id="{described_by}"[^>]*>(.*?)</p>', page, re.DOTALL)
    return {**attributes, 'help': text}


@pytest.mark.parametrize('forged', [FORGED, {}, dict.fromkeys(FORGED, 'no\x00nsense')])
def test_what_a_post_says_changes_nothing(
    lists: StubLists, operator: Client, forged: dict[str, str]
) -> None:
    answer = operator.post(PATH, forged, secure=True)
    assert answer.status_code == 302
    assert not any(set(FORGED) & set(patch) for patch in lists.patches)


@pytest.mark.parametrize(
    ('policy', 'words'),
    [
        ('confirm', 'The subscriber confirms'),
        (
            'confirm_then_moderate',
            'An administrator approves, then the subscriber confirms',
        ),
        ('open', 'open'),
    ],
)
def test_the_page_says_it_in_words(
    lists: StubLists, operator: Client, policy: str, words: str
) -> None:
    lists.settings['subscription_policy'] = policy
    page = operator.get(PATH, secure=True).content.decode()
    joining = shown(page, 'subscription_policy')
    assert joining['value'] == words
    assert 'readonly' in joining and 'disabled' not in joining
    assert 'an administrator approves the request, then' in joining['help']
    leaving = shown(page, 'unsubscription_policy')
    assert leaving['value'] == 'The member confirms'
    assert 'readonly' in leaving


@pytest.mark.parametrize('pipeline', ['default-posting-pipeline', None])
def test_a_list_that_is_not_ours_has_stocks_form(
    lists: StubLists, operator: Client, pipeline: str | None
) -> None:
    lists.settings['posting_pipeline'] = pipeline
    assert b'<select name="subscription_policy"' in operator.get(
        PATH, secure=True
    ).content.replace(b'\n', b'')
    operator.post(PATH, FORGED, secure=True)
    assert lists.patches == [{name: [value] for name, value in FORGED.items()}]


def test_our_pipeline_cannot_be_left(lists: StubLists, operator: Client) -> None:
    """Without it nobody would be masked (R7)."""
    path = PATH.replace('subscription_policy', 'alter_messages')
    page = operator.get(path, secure=True).content.decode()
    field = shown(page, 'posting_pipeline')
    assert (field['value'], 'readonly' in field) == ('qnet-posting-pipeline', True)
    forged = {'posting_pipeline': 'default-posting-pipeline', 'filter_content': 'True'}
    operator.post(path, forged, secure=True)
    assert [set(patch) & set(forged) for patch in lists.patches] == [{'filter_content'}]


def test_other_lists_are_not_offered_our_pipeline(
    lists: StubLists, operator: Client
) -> None:
    lists.settings['posting_pipeline'] = 'default-posting-pipeline'
    path = PATH.replace('subscription_policy', 'alter_messages')
    page = operator.get(path, secure=True).content.decode()
    [choice] = re.findall(
        r'<select name="posting_pipeline".*?</select>', page, re.DOTALL
    )
    assert re.findall('value="([^"]*)"', choice) == ['default-posting-pipeline']
    forged = {'posting_pipeline': 'qnet-posting-pipeline'}
    operator.post(path, forged, secure=True)
    assert lists.patches == []


def test_a_strangers_view_of_a_list_leads_to_the_sign_up_page(
    lists: StubLists, browser: Client
) -> None:
    page = browser.get(f'/mailman3/lists/{LIST_ID}/', secure=True).content.decode()
    assert f'href="/signup/?lists={LIST_ID}"' in page
    assert 'anonymous_subscribe' not in page


def test_a_postorius_without_the_section_is_refused(
    web: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forms = dict(list_views.SETTINGS_FORMS)
    del forms['subscription_policy']
    monkeypatch.setattr(list_views, 'SETTINGS_FORMS', forms)
    with pytest.raises(ImproperlyConfigured, match="no settings section 'subscription"):
        install()
