# SPDX-License-Identifier: GPL-3.0-or-later
"""A person at the web side, whose core is the one in this process (R31).

Nothing stands for either: the pages are asked as a browser asks them, and what they ask
core is given to its REST server without a connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.contrib.auth import get_user_model
from django.test import Client, override_settings
from mailman.config import config
from sqlalchemy import func, select

from qnet_mailman.model.audit import QNetAudit, as_dict
from qnet_mailman.model.base import store
from qnet_mailman.rest import acting
from qnet_mailman.web.gate import access
from qnet_mailman.web.harp.session import Identity
from tests.rest import client

WHO = 'harp:pexample'
EMAIL = 'boss@example.org'


@contextmanager
def rows_of() -> Iterator[list[dict[str, Any]]]:
    """What the audit log has got since, once the block is left."""
    config.db.commit()
    last = store().scalar(select(func.max(QNetAudit.id))) or 0
    config.db.commit()
    found: list[dict[str, Any]] = []
    yield found
    # What nobody has committed is not on record.
    config.db.abort()
    rows = store().scalars(select(QNetAudit).where(QNetAudit.id > last))
    found.extend(as_dict(row, senders=True) for row in rows)
    config.db.commit()


def _send(
    _adapter: Any, sent: requests.PreparedRequest, **_options: Any
) -> requests.Response:
    parts = urlsplit(str(sent.url))
    result = client.client().simulate_request(
        str(sent.method),
        parts.path,
        query_string=parts.query,
        headers=dict(sent.headers),
        body=sent.body,
    )
    answer = requests.Response()
    answer.status_code = result.status_code
    answer.reason = result.status.partition(' ')[2]
    answer._content = result.content
    answer.headers.update(result.headers)
    answer.url, answer.request = str(sent.url), sent
    return answer


@contextmanager
def operator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A browser of somebody who may open all pages, signed in through the provider."""
    monkeypatch.setattr(requests.adapters.HTTPAdapter, 'send', _send)
    monkeypatch.setattr(acting, '_key', lambda: 'test key')
    monkeypatch.setattr(access, 'identity', lambda _request: Identity(*WHO.split(':')))
    user = get_user_model().objects.create_superuser('boss', EMAIL)
    user.emailaddress_set.create(email=EMAIL, verified=True, primary=True)
    browser = Client(headers={'host': 'lists.example.gov'})
    browser.force_login(user, 'django.contrib.auth.backends.ModelBackend')
    settings = {
        'MAILMAN_REST_API_URL': 'http://core.example.gov',
        'MAILMAN_REST_API_PASS': 'restpass',
    }
    try:
        with override_settings(**settings):
            yield browser
    finally:
        user.delete()


class _Forms(HTMLParser):
    """The forms of a page, with what a browser would send of each."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, list[str]]] = []
        self._select = self._area = ''

    def _add(self, name: str, value: str | None) -> None:
        if self.forms and name:
            self.forms[-1].setdefault(name, []).append(value or '')

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        name = found.get('name') or ''
        if tag == 'form':
            self.forms.append({})
        elif tag == 'input':
            kind = found.get('type')
            if kind in ('checkbox', 'radio'):
                if 'checked' in found:
                    self._add(name, found.get('value', 'on'))
            elif kind != 'submit':
                self._add(name, found.get('value'))
        elif tag == 'select':
            self._select = name
        elif tag == 'option' and 'selected' in found:
            self._add(self._select, found.get('value'))
        elif tag == 'textarea':
            self._area = name
            self._add(name, '')

    def handle_endtag(self, tag: str) -> None:
        if tag == 'textarea':
            self._area = ''

    def handle_data(self, data: str) -> None:
        if self._area:
            self.forms[-1][self._area][-1] += data


def press(browser: Client, path: str, change: Callable[[dict[str, Any]], None]) -> Any:
    """Open a page, change something in its form, and send that.

    :param change: Given all that the page's forms would send, by name.
    """
    page = browser.get(path, secure=True)
    parser = _Forms()
    if page.status_code == 200:
        parser.feed(page.content.decode())
    fields: dict[str, Any] = {}
    for form in parser.forms:
        fields |= form
    change(fields)
    return browser.post(path, fields, secure=True)
