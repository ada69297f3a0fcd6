# SPDX-License-Identifier: GPL-3.0-or-later
"""What `mailman qnet check` finds out about the web side."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography import x509
from mailman.config import config
from mailman.interfaces.template import ITemplateManager
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.core_credential import USER, password_from
from qnet_mailman.health import website
from qnet_mailman.health.looking import examine
from qnet_mailman.model import texts as kept
from tests.certificates import self_signed


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
        (found.level, found.subject, f'{found.text}  {found.remedy}'.strip())
        for found in examine()
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
        (
            'error',
            'provider eua',
            'https://eua: no keys  Test it on the web side with "django-admin '
            'check_providers".',
        ),
    ]
    assert web.asked == ('/harp/connections/',)
    shown = f'{USER}:{password_from("restpass")}'.encode()
    assert web.shown == f'Basic {base64.b64encode(shown).decode()}'
    result = CliRunner().invoke(qnet, ['check'])
    assert result.exit_code == 1
    assert 'error     provider eua: https://eua: no keys\n' in result.output
    assert '-> Test it on the web side with "django-admin' in result.output
    seen = CliRunner().invoke(qnet, ['check', '--no-web']).output
    assert 'not seen  web: whether people can sign in' in seen


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


def told(web: _Web, **more: Any) -> list[tuple[str, str]]:
    web.body = json.dumps({'providers': [], **more}).encode()
    return [(each.level, each.text) for each in examine() if each.subject != 'door']


def test_nobody_does_the_jobs(web: _Web) -> None:
    texts = [text for level, text in told(web, clusters=0) if level == 'error']
    assert any(text.startswith('no qcluster runs') for text in texts)
    assert not any('qcluster' in text for _level, text in told(web, clusters=1))


def test_mail_of_accounts_in_the_name_of_an_example(web: _Web) -> None:
    def warned(sender: str) -> bool:
        return any(
            'DEFAULT_FROM_EMAIL' in text for _l, text in told(web, sender=sender)
        )

    assert warned('noreply@example.gov') and not warned('noreply@agency.test')


def test_pages_and_mails_have_one_clock(web: _Web, configure: Any) -> None:
    def warned(**more: str) -> bool:
        return any(text.startswith('Pages are in') for _l, text in told(web, **more))

    assert not warned() and not warned(time_zone='UTC')
    assert warned(time_zone='America/New_York')
    configure(web_url=site.settings().web_url, time_zone='America/New_York')
    assert warned(time_zone='UTC') and not warned(time_zone='America/New_York')


def test_without_web_url_mail_has_no_links(core: Any, configure: Any) -> None:
    configure(web_url='')
    found = {each.text: each.remedy for each in examine(web=False)}
    [text] = [text for text in found if text.startswith('web_url is empty')]
    assert 'RFC 8058' in text and found[text]


def texts(web: _Web) -> list[str]:
    return [each.text for each in website.texts()]


def test_texts_of_lists_that_cannot_be_fetched(mlist: Any, web: _Web) -> None:
    address = f'{site.settings().web_url}/text'
    manager = getUtility(ITemplateManager)
    manager.set('list:member:regular:footer', mlist.list_id, address)
    manager.set('list:user:notice:welcome', mlist.list_id, 'mailman:///welcome.txt')
    config.db.commit()
    assert texts(web) == []
    web.status = 403
    [found] = texts(web)
    assert found.startswith(f"{address}: status 403: mail goes out with the package's")
    kept.keep(address, 'Bye.', None)
    assert texts(web) == []
    manager.set('list:member:regular:footer', mlist.list_id, address)
    [found] = texts(web)
    assert 'with the last one that is known' in found


class _Archiver:
    name, is_enabled, headers = 'hyperkitty', True, {'Authorization': 'Token x'}

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url


@pytest.mark.parametrize(
    ('status', 'problem'),
    [(200, None), (401, 'status 401'), (301, 'it leads to /elsewhere')],
)
def test_an_archive_that_does_not_answer(
    core: Any,
    web: _Web,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    problem: str | None,
) -> None:
    web.status = status
    archiver = _Archiver(f'{site.settings().web_url}/archives/')
    monkeypatch.setattr(type(config), 'archivers', [archiver])
    found = [each.text for each in website.archive()]
    if problem is None:
        assert found == []
    else:
        assert len(found) == 1 and problem in found[0]


@pytest.mark.parametrize('days', [5, 60])
def test_a_certificate_that_ends(
    core: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    self_signed(tmp_path, 'web', x509.DNSName('localhost'), days=days)
    monkeypatch.setenv('SSL_CERT_FILE', str(tmp_path / 'web.pem'))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / 'web.pem', tmp_path / 'web.key')
    with HTTPServer(('localhost', 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        url = f'https://localhost:{server.server_port}'
        found = [each.text for each in website._certificate(url)]
        thread.join()
    ends = [f'that of localhost ends in {days - 1} days']
    assert found == (ends if days < website.CERTIFICATE_DAYS else [])
