# SPDX-License-Identifier: GPL-3.0-or-later
"""The web server as the guide starts it (etc/gunicorn), with a small page."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from qnet_mailman.demo.configuration import ROOT
from qnet_mailman.demo.processes import Child, wait_until

TOKEN = 'abcdefgh234567abcdefgh'
# As core and the web side do, its page asks itself while it is asked.
PAGE = """
from urllib.request import ProxyHandler, build_opener

def application(environ, start_response):
    path = environ['PATH_INFO']
    if path.endswith('/broken/'):
        raise LookupError('of no interest')
    answer = f"{environ['wsgi.url_scheme']} {environ['SCRIPT_NAME']}"
    if path == '/asks/':
        url = f"http://{environ['HTTP_HOST']}/answers/"
        answer = build_opener(ProxyHandler({})).open(url).read().decode()
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [answer.encode()]
"""


@dataclass
class Server:
    url: str
    child: Child
    home: Path

    def get(self, path: str, **fields: str) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(self.url + path, headers=fields, timeout=300)

    def logged(self, words: str) -> str:
        """The log, as soon as it has some words."""
        wait_until(lambda: words in self.child.log.read_text(), 60, words, self.child)
        return self.child.log.read_text()


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp('gunicorn')
    (folder / 'page.py').write_text(PAGE)
    (folder / 'home').mkdir()
    child = Child(
        'gunicorn',
        [
            *(sys.executable, '-m', 'gunicorn', 'page'),
            *('-c', str(ROOT / 'etc/gunicorn/gunicorn.conf.py')),
            *('--bind', '127.0.0.1:0', '--workers', '1'),
        ],
        log=folder / 'log',
        env={'PATH': os.environ['PATH'], 'HOME': str(folder / 'home')},
        cwd=folder,
    )
    child.start()
    try:
        server = Server('', child, folder / 'home')
        found = re.search(r'Listening at: (\S+)', server.logged('Listening at: http'))
        assert found
        server.url = found[1]
        yield server
    finally:
        child.stop()


def test_a_page_may_lead_to_another(server: Server) -> None:
    assert server.get('/asks/').text == 'http '


def test_the_proxy_says_how_a_browser_asked(server: Server) -> None:
    answer = server.get('/', **{'X-Forwarded-Proto': 'https', 'SCRIPT_NAME': '/no'})
    assert answer.text == 'https '


def test_the_log_has_no_token(server: Server) -> None:
    path = f'/unsubscribe/{TOKEN}/?code={TOKEN}'
    server.get(path, **{'X-Real-IP': '192.0.2.7', 'Referer': server.url + path})
    log = server.logged('192.0.2.7')
    assert '192.0.2.7 "GET /unsubscribe/abcdefgh.../" 200 5 0.' in log
    assert TOKEN not in log


def test_nor_has_what_it_says_of_a_mistake(server: Server) -> None:
    assert server.get(f'/decide/{TOKEN}/broken/?code={TOKEN}').status_code == 500
    log = server.logged('LookupError')
    assert 'Error handling request' in log and '/decide/abcdefgh.../broken/' in log
    assert TOKEN not in log


def test_nothing_lies_in_the_home_folder(server: Server) -> None:
    assert server.get('/').ok
    assert list(server.home.iterdir()) == []
