# SPDX-License-Identifier: GPL-3.0-or-later
"""The web side in this process, with a database of its own and no core."""

from __future__ import annotations

import atexit
import json
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import django
import pytest
from django.core.management import call_command
from django.test import Client, override_settings

from qnet_mailman.core_actor import FIELD, actor_of

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


def _set_up() -> Path:
    """Set Django up, before the tests import what needs it; the site file's path."""
    folder = Path(tempfile.mkdtemp(prefix='qnet-web-'))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    site_file = folder / 'settings_local.py'
    # Where WhiteNoise looks for files; none is collected.
    (folder / 'static').mkdir()
    site_file.write_text(SITE_FILE.format(var_dir=str(folder)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('QNET_WEB_SETTINGS', str(site_file))
        patch.setenv('DJANGO_SETTINGS_MODULE', 'qnet_mailman.web.settings')
        django.setup()
    return site_file


SITE_FILE_PATH = _set_up()


@pytest.fixture(scope='session', autouse=True)
def web() -> Iterator[Path]:
    """Django's database, migrated; the site file's path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('QNET_WEB_SETTINGS', str(SITE_FILE_PATH))
        patch.setenv('DJANGO_SETTINGS_MODULE', 'qnet_mailman.web.settings')
        _migrate()
        yield SITE_FILE_PATH


@cache
def _migrate() -> None:
    """Once, for all folders that share the database."""
    call_command('migrate', interactive=False, verbosity=0)
    call_command('createcachetable', verbosity=0)


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A stand-in for core's REST server, known to the web side; its address."""
    server = ThreadingHTTPServer(('127.0.0.1', 0), handler)
    # How soon it looks whether it is to end; half a second is the default.
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    url = f'http://127.0.0.1:{server.server_port}'
    with override_settings(MAILMAN_REST_API_URL=url):
        yield url
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class StubCore:
    """A core whose answers the test chooses.

    :ivar status: Of every answer that is not in `answers`.
    :ivar answers: Status and JSON by what is below ``plugins/qnet/``.
    :ivar requests: The POSTs: path, fields, and authorization.
    :ivar asked: The paths of the GETs.
    :ivar actors: Who acted in each request, as far as that was proved.
    """

    url: str = ''
    status: int = 204
    actors: list[str | None] = field(default_factory=list)
    answers: dict[str, tuple[int, object]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, list[str]], str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def core() -> Iterator[StubCore]:
    """A stand-in for core's REST server, known to the web side."""
    stub = StubCore()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            stub.asked.append(self.path)
            self.answer()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers['Content-Length'])).decode()
            authorization = self.headers.get('Authorization', '')
            fields = parse_qs(body, keep_blank_values=True)
            stub.requests.append((self.path, fields, authorization))
            self.answer()

        def answer(self) -> None:
            resource = self.path.removeprefix('/3.1/plugins/qnet/')
            path, proof = unquote(urlsplit(self.path).path), self.headers[FIELD]
            stub.actors.append(
                actor_of('test key', self.command, path, proof, time.time())
            )
            status, content = stub.answers.get(resource, (stub.status, None))
            body = b'' if content is None else json.dumps(content).encode()
            self.send_response(status)
            self.send_header('Content-Type', 'application/json')
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    with serving(Handler) as stub.url:
        yield stub


@pytest.fixture
def browser() -> Client:
    """A browser that must pass the CSRF check, as real ones."""
    return Client(
        enforce_csrf_checks=True,
        headers={'host': 'lists.example.gov'},
    )


def press_button(
    browser: Client, path: str, fields: dict[str, object] | None = None
) -> Any:
    """Open a page with a form, and send the form."""
    page = browser.get(path, secure=True).content.decode()
    [csrf] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    return browser.post(
        path,
        {'csrfmiddlewaretoken': csrf, **(fields or {})},
        secure=True,
        headers={'referer': f'https://lists.example.gov{path}'},
    )


LIST_ID = 'hqr-updates.lists.example.gov'
ADDRESS = 'hqr-updates@lists.example.gov'
#: Some of the settings of a list of ours.
SETTINGS = {
    'posting_pipeline': 'qnet-posting-pipeline',
    'subscription_policy': 'confirm_then_moderate',
    'unsubscription_policy': 'confirm',
    'description': 'News about hospital quality reporting.',
    'owner_address': 'hqr-updates-owner@lists.example.gov',
    'archive_policy': 'public',
    'member_roster_visibility': 'moderators',
    'process_bounces': True,
    'bounce_score_threshold': 5,
    'bounce_info_stale_after': '7d',
    'bounce_notify_owner_on_bounce_increment': False,
    'bounce_notify_owner_on_disable': True,
    'bounce_notify_owner_on_removal': True,
    'forward_unrecognized_bounces_to': 'administrators',
    'bounce_you_are_disabled_warnings_interval': '7d',
    'bounce_you_are_disabled_warnings': 3,
}


@dataclass
class StubLists:
    """A core with one list, whose settings can be read and changed."""

    url: str = ''
    settings: dict[str, object] = field(default_factory=lambda: dict(SETTINGS))
    patches: list[dict[str, list[str]]] = field(default_factory=list)

    def answer(self, path: str) -> dict[str, object]:
        """What it says to a question, whatever the question is."""
        if path == f'lists/{LIST_ID}':
            return {
                'list_id': LIST_ID,
                'fqdn_listname': ADDRESS,
                'list_name': 'hqr-updates',
                'mail_host': 'lists.example.gov',
                'display_name': 'HQR Updates',
                'self_link': f'{self.url}/3.1/lists/{LIST_ID}',
            }
        if path == f'lists/{LIST_ID}/config':
            return self.settings
        if path == 'system/pipelines':
            return {'pipelines': ['default-posting-pipeline', 'qnet-posting-pipeline']}
        if path.endswith('/count'):
            return {'count': 0}
        return {'start': 0, 'total_size': 0}


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubLists]:
    """A stand-in for core's REST server, known to Postorius."""
    from postorius.views.list import mailinglist_modified

    # The archive would ask for much more of a list.
    monkeypatch.setattr(mailinglist_modified, 'send', lambda **_kwargs: None)
    stub = StubLists()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(200, json.dumps(stub.answer(self.asked())).encode())

        def do_PATCH(self) -> None:
            body = self.rfile.read(int(self.headers['Content-Length'])).decode()
            stub.patches.append(parse_qs(body))
            self.answer(204, b'')

        def asked(self) -> str:
            path = unquote(self.path.partition('?')[0])
            return path.removeprefix('/3.1/').replace(ADDRESS, LIST_ID)

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header('Content-Type', 'application/json')
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    with serving(Handler) as stub.url:
        yield stub


@pytest.fixture
def operator(web: Path) -> Iterator[Client]:
    """A browser of somebody with all rights in Postorius."""
    from django.contrib.auth import get_user_model

    user = get_user_model().objects.create_superuser('boss', 'boss@example.org')
    browser = Client(headers={'host': 'lists.example.gov'})
    browser.force_login(user, 'django.contrib.auth.backends.ModelBackend')
    yield browser
    user.delete()
