# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking for pages of a list, with the gate before them and without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import modify_settings

from tests.web.gate.conftest import GatedSite
from tests.web.gate.stub_mailman import NEWS

LISTS = '/mailman3/lists'
L = f'{LISTS}/{NEWS}'
GATE = 'qnet_mailman.web.gate.middleware.GateMiddleware'


@pytest.fixture
def stock(forgotten: GatedSite) -> Iterator[GatedSite]:
    """The site without the gate."""
    with modify_settings(MIDDLEWARE={'remove': [GATE]}):
        yield forgotten


def text_of(response: Any) -> str:
    """A page's words, in one line."""
    return ' '.join(response.content.decode().split())


def said(site: GatedSite, name: str, path: str, **data: str) -> str:
    """What the page says that somebody gets instead of another."""
    browser = site.browser(name)
    if data:
        response = browser.post(path, data, secure=True)
    else:
        response = browser.get(path, secure=True)
    assert response.status_code == 403
    assert "default-src 'none'" in response['Content-Security-Policy']
    assert response['Cache-Control'] == 'no-store'
    return text_of(response)


def paths_changed(site: GatedSite) -> list[str]:
    return [f'{method} {path}' for method, path, _fields in site.core.changes]
