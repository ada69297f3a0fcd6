# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gate costs: one question to core at most, and that once a minute."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import modify_settings

from qnet_mailman.web.harp.rights import forget
from qnet_mailman.web.harp.session import Identity
from tests.web.gate.asking import GATE
from tests.web.gate.conftest import GatedSite
from tests.web.gate.stub_mailman import NEWS

RIGHTS = 'GET plugins/qnet/roles/rights'
L = f'/mailman3/lists/{NEWS}'
PAGES = (
    '/mailman3/lists/',
    f'{L}/',
    f'{L}/settings/digest',
    f'{L}/members/member/',
    f'{L}/held_messages',
)


def questions(site: GatedSite, path: str) -> list[str]:
    """What core is asked for a page, by an owner and administrator."""
    site.core.asked.clear()
    answer = site.browser('administrator').get(path, secure=True)
    assert answer.status_code == 200
    return list(site.core.asked)


@pytest.mark.parametrize('path', PAGES)
def test_one_question_more_than_stock_at_most(forgotten: GatedSite, path: str) -> None:
    with modify_settings(MIDDLEWARE={'remove': [GATE]}):
        # What stock keeps in its caches is there from now on.
        questions(forgotten, path)
        stock = questions(forgotten, path)
    questions(forgotten, path)
    forget(Identity('harp', 'administrator'))
    first = questions(forgotten, path)
    again = questions(forgotten, path)
    # The scores of members, with their halves, are one more.
    scores = f'GET plugins/qnet/lists/{NEWS}/bounces/members'
    assert first.count(scores) == again.count(scores) == ('members' in path)
    assert len(first) - first.count(scores) <= len(stock) + 1
    assert len(again) - again.count(scores) <= len(stock)
    assert RIGHTS not in again


def test_all_pages_share_the_answer(forgotten: GatedSite) -> None:
    asked = [question for path in PAGES for question in questions(forgotten, path)]
    assert asked.count(RIGHTS) == 1


def test_the_archive_asks_less_than_stock(forgotten: GatedSite, archive: Any) -> None:
    path = f'/archives/list/news@example.gov/thread/{"T" * 32}/'
    assert questions(forgotten, path).count(RIGHTS) == 1
    assert questions(forgotten, path) == []


@pytest.mark.parametrize('path', ['/', '/signup/', '/mailman3/lists/'])
def test_strangers_cost_nothing(forgotten: GatedSite, path: str) -> None:
    forgotten.browser('').get(path, secure=True)
    assert RIGHTS not in forgotten.core.asked


def test_a_page_without_a_session_does_not_look_for_one(forgotten: GatedSite) -> None:
    """Whoever unsubscribes with a link is not asked for a cookie (R15)."""
    answer = forgotten.browser('administrator').post(
        f'/unsubscribe/{"a" * 40}', {'List-Unsubscribe': 'One-Click'}, secure=True
    )
    assert RIGHTS not in forgotten.core.asked
    assert answer.status_code != 403
