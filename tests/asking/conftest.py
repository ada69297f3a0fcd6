# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages on which people ask for something, with core in the same process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from qnet_mailman.web import core as web_core
from tests.asking.asker import Asker
from tests.rest.client import ask

# It sets Django up, which the others need.
from tests.web.conftest import web

__all__ = ['web']


def call(
    method: str,
    path: str,
    *,
    data: Any = None,
    json: Any = None,
    params: Any = None,
    timeout: float = 0,
) -> web_core.Answer:
    """Ask core as the pages do, without a connection."""
    answer = ask(method, path, data or params, body=json)
    if answer.status_code >= 500:
        raise web_core.CoreUnavailable
    fields = answer.json if answer.text.startswith('{') else {}
    return web_core.Answer(answer.status_code, fields)


@pytest.fixture
def asker(core: Any, web: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asker]:
    """Somebody at a browser, before the first page."""
    monkeypatch.setattr(web_core, 'call', call)
    cache.clear()
    yield Asker()
    cache.clear()
