# SPDX-License-Identifier: GPL-3.0-or-later
"""A list's own text, and a web server that does not give it: mail goes on."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.template import ITemplateLoader, ITemplateManager
from zope.component import getUtility

from qnet_mailman.core_credential import USER
from qnet_mailman.letter.page import FRAME
from qnet_mailman.model import texts
from qnet_mailman.mta.deliver import deliver
from qnet_mailman.templates import fetching, manager
from tests.certificates import self_signed
from tests.clock import Clock
from tests.conftest import DOMAIN
from tests.helpers import message, queued, text_of
from tests.keeping import Keeper
from tests.rest.client import ask

FOOTER = 'list:member:regular:footer'
PATH = '/mailman3/api/templates/list/news1.lists.example.gov/' + FOOTER
READER = 'reader@example.net'
POST = (
    b'From: pat@agency.example.gov\nTo: news@lists.example.gov\nSubject: News\n'
    b'Message-ID: <1@example.net>\n\nNews.\n'
)
PLAIN = 'text/plain; charset=utf-8'

pytestmark = pytest.mark.mlist(members=[READER])


class _Archiver:
    name, is_enabled = 'hyperkitty', True

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url


class _Web:
    """The web side as core reaches it: one process that does one thing at a time.

    :ivar status: What it answers; None: nothing.
    """

    status: int | None = 200
    kind = PLAIN
    body = b'Own words.\r\n'
    asked: tuple[tuple[str, str | None], ...] = ()

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.released = threading.Event()
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.asked += ((self.path, self.headers['Authorization']),)
                if web.status is None:
                    web.released.wait()
                    return
                self.send_response(web.status)
                self.send_header('Content-Type', web.kind)
                self.send_header('Location', '/sign-in')
                self.end_headers()
                self.wfile.write(web.body)

            def log_message(self, *_arguments: Any) -> None:
                pass

        self.server = HTTPServer(('127.0.0.1', 0), Handler)
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.url = f'http://127.0.0.1:{self.server.server_port}'
        self.archiver = _Archiver(f'{self.url}/archives/')
        archivers = [*config.archivers, self.archiver]
        monkeypatch.setattr(type(config), 'archivers', archivers)
        threading.Thread(
            target=self.server.serve_forever, args=(0.01,), daemon=True
        ).start()

    def stop(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def web(core: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Web]:
    made = _Web(monkeypatch)
    yield made
    made.stop()


def tell(mlist: Any, name: str = FOOTER) -> str:
    """Tell core where a text is, as Postorius did: under the site's public name."""
    path = PATH.replace(FOOTER, name)
    uri = f'https://{DOMAIN}{path}'
    getUtility(ITemplateManager).set(name, mlist.list_id, uri, USER, 'shown')
    config.db.commit()
    return uri


def again(mlist: Any) -> Any:
    """The same list, after a request over REST has ended the session."""
    return getUtility(IListManager).get(f'news1@{DOMAIN}')


def sent(mlist: Any, keeper: Keeper) -> str:
    """The text of a copy that reaches the mail server."""
    keeper.sent.clear()
    deliver(mlist, message(POST), {'recipients': {READER}, 'verp': True})
    config.db.commit()
    return text_of(keeper.of(READER))


def expire(uri: str) -> None:
    texts.expire(uri)
    config.db.commit()
    getUtility(ITemplateManager)._failed.clear()


def test_it_is_fetched_where_core_archives(
    mlist: Any, keeper: Keeper, web: _Web, clock: Clock
) -> None:
    """Of rows with the public name, too, and once in `cache_life`."""
    tell(mlist)
    for _ in range(2):
        assert sent(mlist, keeper) == 'News.\nOwn words.\n'
    assert [path for path, _shown in web.asked] == [PATH]
    assert str(web.asked[0][1]).startswith('Basic ')
    web.body = b'Other words.\r\n'
    clock.forward(days=8)
    assert sent(mlist, keeper) == 'News.\nOther words.\n'


def _hang(web: _Web, monkeypatch: pytest.MonkeyPatch) -> None:
    web.status = None
    monkeypatch.setattr(fetching, 'REQUEST_TIMEOUT', 0.05)


def _refuse(web: _Web, _monkeypatch: Any) -> None:
    web.status, web.body = 403, b'Forbidden'


def _fail(web: _Web, _monkeypatch: Any) -> None:
    web.status, web.body = 500, b'Server Error'


def _forget(web: _Web, _monkeypatch: Any) -> None:
    web.status, web.body = 404, b'Not Found'


def _wall(web: _Web, _monkeypatch: Any) -> None:
    web.kind, web.body = 'text/html', b'<html>Your request was blocked.</html>'


def _sign_in(web: _Web, _monkeypatch: Any) -> None:
    web.status = 302


def _overflow(web: _Web, _monkeypatch: Any) -> None:
    web.body = b'x' * (fetching.MAX_SIZE + 1)


def _garble(web: _Web, _monkeypatch: Any) -> None:
    web.body = b'\xff\xfe'


def _vanish(web: _Web, _monkeypatch: Any) -> None:
    web.server.server_close()


BROKEN = {
    _hang: 'ReadTimeout',
    _refuse: 'status 403',
    _fail: 'status 500',
    _forget: 'status 404',
    _wall: 'a page (text/html) and no text',
    _sign_in: 'status 302',
    _overflow: 'more than 1048576 bytes',
    _garble: 'no text in its charset',
    _vanish: 'Connection',
}


@pytest.mark.parametrize('breaks', BROKEN, ids=lambda each: each.__name__.strip('_'))
def test_what_is_not_got_stops_no_mail(
    mlist: Any,
    keeper: Keeper,
    web: _Web,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    breaks: Any,
) -> None:
    """The package's text where none was known, then the last that was."""
    known, unknown = tell(mlist), 'list:user:notice:goodbye'
    assert sent(mlist, keeper).endswith('Own words.\n')
    expire(known)
    tell(mlist, unknown)
    breaks(web, monkeypatch)
    before = len(web.asked)
    with caplog.at_level(logging.ERROR, manager.log.name):
        for _ in range(3):
            assert sent(mlist, keeper) == 'News.\nOwn words.\n'
            text = getUtility(ITemplateLoader).get(unknown, mlist)
            assert 'You are no longer' in text or 'removed' in text or 'left' in text
    # Once each: nobody waits for it again and again.
    assert len(web.asked) - before <= 2
    log = manager.log.name
    said = [each.getMessage() for each in caplog.records if each.name == log]
    assert len(said) == 2, said
    for line, name in zip(said, (FOOTER, unknown), strict=True):
        assert line.startswith(f'The web server at {web.url}/mailman3/api/templates/')
        assert f'the text {name}: ' in line and BROKEN[breaks] in line
        assert 'shown' not in line


def test_a_certificate_of_an_authority_that_nobody_knows(
    mlist: Any, keeper: Keeper, web: _Web, tmp_path: Path
) -> None:
    """Only where the archiver goes there, too; mail goes on all the same."""
    self_signed(tmp_path, 'web', x509.DNSName('localhost'))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / 'web.pem', tmp_path / 'web.key')
    web.server.socket = context.wrap_socket(web.server.socket, server_side=True)
    web.archiver.base_url = f'https://localhost:{web.server.server_port}/archives/'
    uri = tell(mlist)
    with pytest.raises(fetching.NotFetched, match='SSLError'):
        fetching.fetch(FOOTER, uri, (USER, 'shown'))
    assert sent(mlist, keeper).startswith('News.\n')
    assert web.asked == ()


def test_what_the_web_side_hands_over_is_not_fetched(
    mlist: Any, keeper: Keeper, web: _Web, clock: Clock
) -> None:
    web.status = 500
    uri = tell(mlist)
    for text in ('First.\r\n', 'Grüße.\r\n', ''):
        answer = ask('POST', 'plugins/qnet/texts', {'uri': uri, 'text': text})
        assert answer.status_code == 204
        clock.forward(days=400)
        assert sent(again(mlist), keeper) == 'News.\n' + text.replace('\r', '')
    assert web.asked == ()
    # Of an address that Mailman was not told, nothing is kept.
    stray = {'uri': f'{uri}x', 'text': 'Stray.'}
    assert ask('POST', 'plugins/qnet/texts', stray).status_code == 404
    assert ask('POST', 'plugins/qnet/texts', {'uri': uri}).status_code == 400
    # Taken back, it is forgotten.
    gone = ask('PATCH', f'lists/news1.{DOMAIN}/uris', {FOOTER: ''})
    assert gone.status_code == 204
    assert texts.known(uri) is None


@pytest.mark.parametrize('style', ['qnet-notification-public', 'legacy-default'])
def test_a_page_that_waits_for_core_is_not_waited_for(
    mlist: Any, web: _Web, style: str
) -> None:
    """One worker: it cannot give core a text while its page waits for core."""
    welcome = 'list:user:notice:welcome'
    joined = create_list(f'pages@{DOMAIN}', style_name=style)
    list_id = joined.list_id
    text = {'uri': tell(joined, welcome), 'text': 'Welcome, you.\r\n'}
    assert ask('POST', 'plugins/qnet/texts', text).status_code == 204
    web.status = None
    member = {
        'list_id': list_id,
        'subscriber': READER,
        'pre_verified': True,
        'pre_confirmed': True,
        'pre_approved': True,
        'send_welcome_message': True,
    }
    assert ask('POST', 'members', member).status_code == 201
    [(welcoming, _data)] = queued('virgin')
    assert 'Welcome, you.' in text_of(welcoming)
    assert web.asked == ()


def test_lists_of_other_styles_fail_as_with_mailman(
    mlist: Any, web: _Web, caplog: pytest.LogCaptureFixture
) -> None:
    """R40: what is got is used, whatever it is; what is not got is Mailman's error."""
    # So does who asks for no list.
    asked = getUtility(ITemplateManager)
    asked.set(FOOTER, 'unknown.example.gov', f'{web.url}/text', 'anne', 'shown')
    web.status = 404
    assert asked.get(FOOTER, 'unknown.example.gov') == ''
    web.status = 403
    with pytest.raises(requests.HTTPError):
        asked.get(FOOTER, 'unknown.example.gov')
    web.status = 200
    stock = create_list(f'other@{DOMAIN}', style_name='legacy-default')
    loader = getUtility(ITemplateLoader)
    web.kind, web.body = 'text/html', b'<p>Odd.</p>'
    uri = tell(stock)
    assert loader.get(FOOTER, stock) == '<p>Odd.</p>'
    expire(uri)
    web.status = 404
    assert loader.get(FOOTER, stock) == ''
    assert 'shown' not in caplog.text
    web.status = 500
    assert loader.get(FOOTER, stock) not in ('', '<p>Odd.</p>')
    web.server.server_close()
    with pytest.raises(requests.ConnectionError):
        loader.get(FOOTER, stock)


@pytest.mark.parametrize(
    ('uri', 'to_web'),
    [
        (f'https://{DOMAIN}{PATH}', True),
        (f'http://{DOMAIN}:8080/postorius/api/templates/list/x/y', True),
        (f'https://{DOMAIN}/texts/footer.txt', False),
        (f'https://elsewhere.test{PATH}', False),
        (f'https://{DOMAIN}.elsewhere.test{PATH}', False),
    ],
)
def test_only_our_postorius_is_reached_another_way(
    web: _Web, uri: str, to_web: bool
) -> None:
    way = fetching.way_to(uri)
    assert way.startswith(f'{web.url}/') if to_web else way == uri


def test_a_frame_may_be_html(mlist: Any, web: _Web) -> None:
    """The one text that is: of an operator's own server."""
    web.kind, web.body = 'text/html', b'<html>$text</html>'
    assert fetching.fetch(FRAME, f'{web.url}/frame.html', None) == '<html>$text</html>'
    with pytest.raises(fetching.NotFetched):
        fetching.fetch(FOOTER, f'{web.url}/frame.html', None)


def test_a_failure_is_not_for_ever(
    mlist: Any, web: _Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = getUtility(ITemplateLoader)
    web.status = 500
    tell(mlist)
    assert loader.get(FOOTER, mlist) != 'Own words.\r\n'
    web.status = 200
    assert loader.get(FOOTER, mlist) != 'Own words.\r\n'
    monkeypatch.setattr(manager, 'PAUSE', 0)
    later = manager.time.monotonic() + 61
    monkeypatch.setattr(manager.time, 'monotonic', lambda: later)
    assert loader.get(FOOTER, mlist) == 'Own words.\r\n'
