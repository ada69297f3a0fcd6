# SPDX-License-Identifier: GPL-3.0-or-later
"""What a line of the web side's log says of a request."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace

from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from qnet_mailman.logs.line import JSONLine
from qnet_mailman.web.gate.middleware import GateMiddleware
from qnet_mailman.web.harp.session import Identity

TOKEN = 'k7' * 36


def line_of(request: HttpRequest) -> dict[str, str]:
    """What is logged while a request is answered."""
    said = []

    def answer(_request: HttpRequest) -> HttpResponse:
        record = logging.LogRecord(
            'django.request', 30, 'x', 1, 'Not Found: %s', (request.path,), None
        )
        said.append(JSONLine().format(record))
        return HttpResponse()

    GateMiddleware(answer)(request)
    return dict(json.loads(said[0]))


def test_list_and_actor() -> None:
    request = RequestFactory().get(f'/unsubscribe/{TOKEN}/')
    request.resolver_match = SimpleNamespace(
        kwargs={'list_id': 'news.lists.example.gov'}, view_name='list_summary'
    )
    request._cached_user = SimpleNamespace(get_username=lambda: 'demo')
    found = line_of(request)
    assert found['list'] == 'news.lists.example.gov'
    assert found['actor'] == 'local:demo'
    assert TOKEN not in json.dumps(found)


def test_nobody_is_asked_who_it_is() -> None:
    request = RequestFactory().get('/')
    request.resolver_match = None
    found = line_of(request)
    assert 'actor' not in found and 'list' not in found
    request.qnet.__dict__['identity'] = Identity('harp', 'pexample')
    assert request.qnet.known_actor == 'harp:pexample'
