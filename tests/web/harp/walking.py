# SPDX-License-Identifier: GPL-3.0-or-later
"""Our site on a real port, and a plain HTTP client that fills in forms."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from socketserver import ThreadingMixIn
from urllib.parse import urljoin, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import requests
from django.core.wsgi import get_wsgi_application
from django.test import override_settings


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_args: object) -> None:
        pass


@contextmanager
def live_site(port: int) -> Iterator[str]:
    """Django on loopback, as `WEB_URL`; its address."""
    url = f'http://127.0.0.1:{port}'
    with override_settings(
        WEB_URL=url,
        CSRF_TRUSTED_ORIGINS=[url],
        SESSION_COOKIE_SECURE=False,
        CSRF_COOKIE_SECURE=False,
        # A page that core's stand-in need not know lists for.
        LOGIN_REDIRECT_URL='qnet_home',
    ):
        server = make_server('127.0.0.1', port, get_wsgi_application(), _Server, _Quiet)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield url
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Forms(HTMLParser):
    """The forms of a page: where they go, and their fields."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or '' for name, value in attrs}
        if tag == 'form' and values.get('method', '').lower() == 'post':
            self._inside = True
            self.found.append((values.get('action', ''), {}))
        elif tag in ('input', 'button') and self._inside and 'name' in values:
            self.found[-1][1].setdefault(values['name'], values.get('value', ''))

    def handle_endtag(self, tag: str) -> None:
        if tag == 'form':
            self._inside = False


class Walker:
    """A browser without a screen.

    :ivar page: Where it is now.
    """

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self.page: requests.Response

    def open(self, url: str) -> requests.Response:
        """Go to a page, and wherever it leads."""
        self.page = self._session.get(url, timeout=300)
        return self.page

    def press(self, where: str = '', **fields: str) -> requests.Response:
        """Send the first form that leads to a place, with some fields filled in."""
        forms = _Forms(self.page.text).found
        action, known = next(form for form in forms if where in form[0])
        self.page = self._session.post(
            urljoin(self.page.url, action),
            data={**known, **fields},
            headers={'Referer': self.page.url},
            timeout=300,
        )
        return self.page

    def sign_in(self, site: str, subject: str) -> requests.Response:
        """From our sign-in page through the provider's two pages, and back."""
        self.open(f'{site}/accounts/login/')
        self.press('/oidc/')
        if 'name="login"' in self.page.text:
            self.press('/interaction/', login=subject, password='anything')
        while self.is_at('/interaction/'):
            self.press('/interaction/')
        return self.page

    def is_at(self, path: str) -> bool:
        """Whether the page's path begins so."""
        return urlsplit(self.page.url).path.startswith(path)

    def is_signed_in(self, site: str) -> bool:
        """Whether our site knows who this is."""
        self.open(f'{site}/user-profile/')
        return self.is_at('/user-profile/')
