# SPDX-License-Identifier: GPL-3.0-or-later
"""What `mailman qnet check` finds out from the web side."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from click.testing import CliRunner

from qnet_mailman import health
from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.core_credential import USER, password_from


class _Web:
    """A web side that answers as it is told."""

    status = 200
    body: Any = b''
    asked: tuple[str, ...] = ()
    shown: str = ''


@pytest.fixture
def web(core: Any, configure: Any) -> Iterator[_Web]:
    told = _Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.asked += (self.path,)
            told.shown = self.headers['Authorization']
            self.send_response(told.status)
            self.send_header('Location', '/elsewhere')
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = HTTPServer(('127.0.0.1', 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    configure(web_url=f'http://127.0.0.1:{server.server_port}')
    yield told
    server.shutdown()
    server.server_close()


def findings() -> list[tuple[str, str, str]]:
    return [
        (found.level, found.subject, found.text)
        for found in health.examine()
        if found.subject.startswith(('web', 'provider'))
    ]


def test_providers_good_and_bad(web: _Web) -> None:
    issuer = 'https://harp.example.gov'
    web.body = json.dumps(
        {
            'providers': [
                {'provider': 'harp', 'issuer': issuer, 'problem': ''},
                {'provider': 'eua', 'issuer': 'https://eua', 'problem': 'no keys'},
            ]
        }
    ).encode()
    assert findings() == [
        ('ok', 'provider harp', f'{issuer} knows this site'),
        ('error', 'provider eua', 'https://eua: no keys'),
    ]
    assert web.asked == ('/harp/connections/',)
    shown = f'{USER}:{password_from("restpass")}'.encode()
    assert web.shown == f'Basic {base64.b64encode(shown).decode()}'
    assert CliRunner().invoke(qnet, ['check']).exit_code == 1
    assert CliRunner().invoke(qnet, ['check', '--no-web']).exit_code == 0


def test_no_provider(web: _Web) -> None:
    web.body = b'{"providers": []}'
    assert [level for level, *_ in findings()] == ['warning']


@pytest.mark.parametrize(
    ('status', 'body', 'level', 'text'),
    [
        (403, b'', 'warning', 'MAILMAN_REST_API_PASS'),
        (302, b'', 'error', 'status 302'),
        (503, b'{"providers": []}', 'error', 'status 503'),
        (200, b'<html>', 'error', 'JSONDecodeError'),
        (200, b'[]', 'error', 'TypeError'),
        (200, b'{}', 'error', 'KeyError'),
        (200, b'{"providers": [1]}', 'error', 'TypeError'),
        (200, b'{"providers": [{"provider": "harp"}]}', 'error', 'KeyError'),
    ],
)
def test_answers_that_are_none(
    web: _Web, status: int, body: bytes, level: str, text: str
) -> None:
    web.status, web.body = status, body
    (found,) = findings()
    assert found[:2] == (level, 'web')
    assert text in found[2]
    assert len(web.asked) == 1


def test_nobody_answers(core: Any, configure: Any) -> None:
    configure(web_url='http://127.0.0.1:1')
    (found,) = findings()
    assert found[:2] == ('error', 'web')
    assert 'ConnectionError' in found[2]
    configure(web_url='')
    assert findings() == []
