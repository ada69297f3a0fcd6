# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in: a stub of core that knows roles, and providers good and bad."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import override_settings

from qnet_mailman.core_actor import FIELD, actor_of
from tests.web.harp.hostile import HostileProvider, listening


@dataclass
class RolesCore:
    """A core that believes every sign-in, and counts.

    :ivar granted: The active roles by provider and user ID.
    :ivar lists: The rights that an administrator's role gives.
    :ivar operators: What it was told about operators, for the audit log.
    :ivar down: Whether it answers 503 to everything.
    """

    url: str = ''
    down: bool = False
    granted: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    lists: list[str] = field(default_factory=lambda: ['news.example.gov'])
    sign_ins: list[dict[str, list[str]]] = field(default_factory=list)
    operators: list[dict[str, list[str]]] = field(default_factory=list)
    looked_up: int = 0
    deleted: list[str] = field(default_factory=list)

    def rights(self, provider: str, user_id: str) -> dict[str, Any]:
        roles = self.granted.get((provider, user_id.casefold()), [])
        return {
            'provider': provider,
            'user_id': user_id,
            'name': '',
            'email': '',
            'roles': roles,
            'administers': self.lists if 'administrator' in roles else [],
            'moderates': self.lists if roles else [],
        }


@pytest.fixture
def roles_core() -> Iterator[RolesCore]:
    """A stand-in for core's REST server, known to the web side."""
    stub = RolesCore()

    class Handler(BaseHTTPRequestHandler):
        def answer(self, status: int, body: Any = None) -> None:
            data = b'' if body is None else json.dumps(body).encode()
            self.send_response(503 if stub.down else status)
            self.send_header('Content-Type', 'application/json')
            self.send_header('Content-Length', str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
            fields = parse_qs(body.decode(), keep_blank_values=True)
            if self.path == '/3.1/plugins/qnet/roles/operator' and not stub.down:
                proof = self.headers[FIELD]
                who = actor_of('test key', 'POST', self.path, proof, time.time())
                stub.operators.append({**fields, 'actor': [str(who)]})
                self.answer(200, {'recorded': True})
                return
            if self.path == '/3.1/plugins/qnet/mail-allowance':
                self.answer(204)
                return
            if self.path != '/3.1/plugins/qnet/roles/sign-in':
                self.answer(400)
                return
            provider, user_id = fields['provider'][0], fields['user_id'][0]
            if not stub.down:
                stub.sign_ins.append(fields)
                stub.granted[provider, user_id.casefold()] = fields.get('roles', [])
            self.answer(200, stub.rights(provider, user_id))

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path != '/3.1/plugins/qnet/roles/rights':
                self.answer(404)
                return
            stub.looked_up += 1
            fields = parse_qs(url.query)
            self.answer(200, stub.rights(fields['provider'][0], fields['user_id'][0]))

        def do_DELETE(self) -> None:
            stub.deleted.append(self.path)
            self.answer(204)

        def log_message(self, *_args: object) -> None:
            pass

    with (
        listening(Handler) as stub.url,
        override_settings(MAILMAN_REST_API_URL=stub.url),
    ):
        yield stub


@pytest.fixture(autouse=True)
def clean(web: Path) -> Iterator[None]:
    """Nobody is known, signed in or remembered after a test."""
    yield
    get_user_model().objects.all().delete()
    Session.objects.all().delete()
    cache.clear()


@pytest.fixture
def hostile() -> Iterator[HostileProvider]:
    """A provider that does as the test says, the only one of the site."""
    with HostileProvider() as provider, provider.known_as('harp'):
        yield provider
