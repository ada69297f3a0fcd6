# SPDX-License-Identifier: GPL-3.0-or-later
"""A browser or a proxy keeps a copy of a private page, and shows it to the next."""

from __future__ import annotations

from typing import Any

import pytest

from qnet_mailman.web.gate.policy import is_personal
from tests.web.gate.conftest import GatedSite
from tests.web.gate.test_gate_matrix import PAGES, Page, label

#: Pages that do not look for a session: the address alone says what they show.
WITHOUT_SESSION = {'qnet_unsubscribe'}


def control(site: GatedSite, name: str, page: Page) -> str:
    answer: Any = site.browser(name).get(page.path, page.data, secure=True)
    return str(answer.get('Cache-Control', ''))


@pytest.mark.parametrize('page', PAGES, ids=label)
def test_nobody_who_is_signed_in_leaves_a_copy(
    site: GatedSite, archive: Any, page: Page
) -> None:
    """Stock's pages as ours, those that open and those that do not."""
    for name in ('member', 'operator'):
        if 'logout' in page.path:
            continue
        assert 'no-store' in control(site, name, page), name


@pytest.mark.parametrize('page', PAGES, ids=label)
def test_strangers_leave_copies_of_public_pages_only(
    site: GatedSite, archive: Any, page: Page
) -> None:
    if is_personal(page.name):
        assert 'no-store' in control(site, '', page)


@pytest.mark.parametrize(
    'path',
    [
        '/accounts/login/',
        '/accounts/password/reset/',
        '/accounts/password/reset/key/1-set-password/',
        '/accounts/confirm-email/abc/',
    ],
)
def test_pages_with_a_secret_in_their_address(site: GatedSite, path: str) -> None:
    answer = site.browser('').get(path, secure=True)
    assert 'no-store' in answer['Cache-Control']
