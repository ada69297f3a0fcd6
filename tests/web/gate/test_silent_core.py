# SPDX-License-Identifier: GPL-3.0-or-later
"""A core that takes connections and says nothing, and one that is not there.

What counts is how often it is tried: each try costs the seconds of one limit.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.error import HTTPError

import pytest
from django.core.cache import cache
from django.test import override_settings
from django_mailman3.lib.mailman import get_mailman_client
from mailmanclient import MailmanConnectionError

from qnet_mailman.web import core, patience
from tests.web.gate.conftest import GatedSite
from tests.web.gate.stub_mailman import NEWS, NEWS_ADDRESS

L = f'/mailman3/lists/{NEWS}'
WORDS = b'The mailing list server did not answer.'
#: Seconds to wait in these tests; real ones are below.
WAIT = 0.5


@dataclass
class Silence:
    """Something that listens.

    :ivar tried: The requests that it got, as far as their first line.
    """

    url: str = ''
    tried: list[str] = field(default_factory=list)


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> Iterator[Silence]:
    """The silent core."""
    found, ends, held = Silence(), threading.Event(), []
    monkeypatch.setattr(patience, 'LONG', (1, 30))
    for name, value in (('SHORT', (1, WAIT)), ('PAUSE', 60), ('AT_ONCE', 0.3)):
        monkeypatch.setattr(patience, name, value)
    monkeypatch.setattr(core, 'TIMEOUT', (1, WAIT))
    monkeypatch.setattr(core, 'FILE_TIMEOUT', (1, 30))
    for module in ('harp.rights', 'gate.rosters', 'gate.public_archives'):
        monkeypatch.setattr(f'qnet_mailman.web.{module}.TIMEOUT', WAIT)
    with socket.create_server(('127.0.0.1', 0)) as server:
        server.settimeout(0.05)

        def listen() -> None:
            while not ends.is_set():
                try:
                    connection, _peer = server.accept()
                except TimeoutError:
                    continue
                held.append(connection)
                connection.settimeout(2)
                line = connection.recv(65536).split(b'\r\n')[0].decode()
                found.tried.append(line)

        thread = threading.Thread(target=listen)
        thread.start()
        found.url = f'http://127.0.0.1:{server.getsockname()[1]}'
        with override_settings(MAILMAN_REST_API_URL=found.url):
            cache.clear()
            yield found
        cache.clear()
        ends.set()
        thread.join()
        for connection in held:
            connection.close()


#: Who asks for what: stock pages, HyperKitty's, and ours.
PAGES = (
    ('operator', f'{L}/'),
    ('operator', f'{L}/members/member/'),
    ('operator', f'{L}/held_messages'),
    ('operator', f'{L}/settings/digest'),
    ('operator', '/mailman3/domains/'),
    ('operator', '/mailman3/system/'),
    ('operator', '/mailman3/bans/'),
    ('operator', '/operators/'),
    ('operator', '/requests/'),
    ('administrator', f'{L}/'),
    ('administrator', f'{L}/settings/digest'),
    ('administrator', f'{L}/qualitynet/'),
    ('administrator', f'{L}/bounces/'),
    ('member', '/mailman3/accounts/subscriptions/'),
    ('member', '/mailman3/accounts/mailmansettings/'),
    ('member', '/mailman3/accounts/per-address-preferences/'),
    ('member', '/mailman3/accounts/per-subscription-preferences/'),
    ('member', '/mailman3/lists/'),
    ('member', f'/archives/list/{NEWS_ADDRESS}/'),
    ('', '/mailman3/lists/'),
    ('', f'{L}/'),
    ('', f'/archives/list/{NEWS_ADDRESS}/'),
    ('', '/signup/'),
)


@pytest.mark.usefixtures('archive')
@pytest.mark.parametrize(('name', 'path'), PAGES)
def test_a_page_tries_once_and_says_so_in_words(
    site: GatedSite, silence: Silence, name: str, path: str
) -> None:
    for _ in range(2):
        answer = site.browser(name).get(path, secure=True)
        assert answer.status_code == 503
        assert b'<h1>' in answer.content
        assert 'Retry-After' in answer
    # The second page did not try, either.
    assert len(silence.tried) == 1


@pytest.mark.usefixtures('archive')
@pytest.mark.parametrize(
    ('name', 'path'),
    [
        ('', '/'),
        ('', '/archives/'),
        ('', '/accounts/login/'),
        ('member', '/start/'),
        ('member', '/user-profile/'),
        ('member', '/archives/profile/'),
        ('administrator', '/start/'),
        ('', f'{L}/settings/digest'),
    ],
)
def test_pages_that_can_do_without_try_once(
    site: GatedSite, silence: Silence, name: str, path: str
) -> None:
    answer = site.browser(name).get(path, secure=True)
    assert answer.status_code in (200, 302, 503)
    assert len(silence.tried) <= 1


@pytest.mark.parametrize(
    ('path', 'fields'),
    [
        ('/mailman3/bans/', {'add': '', 'email': 'a@example.org'}),
        (f'{L}/mass_subscribe/', {'emails': 'a@example.org\nb@example.org'}),
        (f'{L}/unsubscribe_all', {}),
    ],
)
def test_what_may_take_long_waits_for_no_silent_core(
    site: GatedSite, silence: Silence, path: str, fields: dict[str, str]
) -> None:
    """It is asked for something short before."""
    answer = site.browser('operator').post(path, fields, secure=True)
    assert answer.status_code == 503
    [tried] = silence.tried
    assert tried.startswith('GET ')


def test_a_password_is_taken_without_it(site: GatedSite, silence: Silence) -> None:
    user = site.users['member']
    user.set_password('a good one')
    user.save()
    fields = {'login': 'member', 'password': 'a good one'}
    answer = site.browser('').post('/accounts/login/', fields, secure=True)
    assert answer.status_code == 302
    assert len(silence.tried) <= 1


def test_after_the_pause_one_question_finds_out(
    site: GatedSite, silence: Silence, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        with pytest.raises(core.CoreUnavailable):
            core.get('signup')
    assert len(silence.tried) == 1
    monkeypatch.setattr(patience, 'PAUSE', 0)
    patience.forget()
    for _ in range(2):
        with pytest.raises(core.CoreUnavailable):
            core.get('signup')
    assert len(silence.tried) == 3


def test_while_it_is_tried_nobody_else_tries(
    site: GatedSite, silence: Silence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, 'PAUSE', 0)
    with pytest.raises(core.CoreUnavailable):
        core.get('signup')

    def ask() -> None:
        with pytest.raises(core.CoreUnavailable):
            core.get('signup')

    asking = [threading.Thread(target=ask) for _ in range(8)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    assert len(silence.tried) == 2


def test_a_core_that_is_not_there_is_asked_each_time(site: GatedSite) -> None:
    """It costs nothing, and is known at once when it is back."""
    with override_settings(MAILMAN_REST_API_URL='http://127.0.0.1:1'):
        cache.clear()
        browser = site.browser('operator')
        for _ in range(2):
            answer = browser.get(f'{L}/members/member/', secure=True)
            assert answer.status_code == 503
            assert WORDS in answer.content
    cache.clear()
    assert browser.get(f'{L}/members/member/', secure=True).status_code == 200


def test_an_answer_that_is_no_success_is_one(forgotten: GatedSite) -> None:
    for _ in range(2):
        with pytest.raises(HTTPError):
            get_mailman_client().get_list('nobody@example.gov')
    assert len(forgotten.core.asked) == 2


def test_what_takes_long_is_asked_at_once_where_core_has_just_answered(
    forgotten: GatedSite,
) -> None:
    patience.forget()
    browser = forgotten.browser('operator')
    for _ in range(2):
        browser.post('/mailman3/bans/', {'add': '', 'email': 'a@b.c'}, secure=True)
    assert forgotten.core.asked.count('GET system/versions') == 1


def test_a_refusal_of_the_stock_client_is_stocks(site: GatedSite) -> None:
    with (
        override_settings(MAILMAN_REST_API_URL='http://127.0.0.1:1'),
        pytest.raises(MailmanConnectionError),
    ):
        get_mailman_client().get_list('news@example.gov')


def test_the_limits() -> None:
    assert sum(patience.SHORT) < 10
    assert core.TIMEOUT == patience.SHORT
    url = 'http://127.0.0.1:1/3.1/'
    for method, path in (
        ('POST', 'members'),
        ('DELETE', f'lists/{NEWS}/roster/member'),
        ('GET', f'lists/{NEWS}/roster/member'),
        ('GET', f'members/find?list_id={NEWS}'),
    ):
        assert patience.takes_long(method, url + path)
    for path in (f'lists/{NEWS}', f'members/find?list_id={NEWS}&count=25&page=1'):
        assert not patience.takes_long('GET', url + path)


def test_a_slow_answer_is_an_answer(
    forgotten: GatedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = forgotten.core.answer

    def slowly(*args: object) -> object:
        time.sleep(1.2)
        return answer(*args)

    monkeypatch.setattr(forgotten.core, 'answer', slowly)
    for _ in range(2):
        assert core.get('signup').status == 200
