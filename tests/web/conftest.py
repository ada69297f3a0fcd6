# SPDX-License-Identifier: GPL-3.0-or-later
"""The web side in this process, with a database of its own and no core."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

SITE_FILE = """
WEB_URL = 'https://lists.example.gov'
VAR_DIR = {var_dir!r}
SECRET_KEY = 'only for tests, and long enough for them'
MAILMAN_REST_API_URL = 'http://127.0.0.1:1'
MAILMAN_REST_API_USER = 'restadmin'
MAILMAN_REST_API_PASS = 'test password'
MAILMAN_ARCHIVER_KEY = 'test key'
DEFAULT_FROM_EMAIL = 'noreply@example.gov'
EMAIL_BACKEND = 'django.core.mail.backends.locmem.EmailBackend'
"""


@pytest.fixture(scope='session', autouse=True)
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Django, set up and migrated; the site file's path."""
    import django
    from django.core.management import call_command

    folder = tmp_path_factory.mktemp('web')
    site_file = folder / 'settings_local.py'
    site_file.write_text(SITE_FILE.format(var_dir=str(folder)))
    os.environ['QNET_WEB_SETTINGS'] = str(site_file)
    os.environ['DJANGO_SETTINGS_MODULE'] = 'qnet_mailman.web.settings'
    django.setup()
    call_command('migrate', interactive=False, verbosity=0)
    call_command('createcachetable', verbosity=0)
    yield site_file
    del os.environ['QNET_WEB_SETTINGS'], os.environ['DJANGO_SETTINGS_MODULE']


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A stand-in for core's REST server, known to the web side; its address."""
    from django.test import override_settings

    server = ThreadingHTTPServer(('127.0.0.1', 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f'http://127.0.0.1:{server.server_port}'
    with override_settings(MAILMAN_REST_API_URL=url):
        yield url
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class StubCore:
    """A core whose one answer the test chooses."""

    url: str = ''
    status: int = 204
    requests: list[tuple[str, dict[str, list[str]], str]] = field(default_factory=list)


@pytest.fixture
def core() -> Iterator[StubCore]:
    """A stand-in for core's REST server, known to the web side."""
    stub = StubCore()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers['Content-Length'])).decode()
            authorization = self.headers.get('Authorization', '')
            stub.requests.append((self.path, parse_qs(body), authorization))
            self.send_response(stub.status)
            self.send_header('Content-Length', '0')
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    with serving(Handler) as stub.url:
        yield stub
