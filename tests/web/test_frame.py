# SPDX-License-Identifier: GPL-3.0-or-later
"""What every page has around it, whoever made the page."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.robotparser import RobotFileParser

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.core.management import call_command
from django.test import Client, override_settings
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.utils.functional import empty

from qnet_mailman.web.frame.brand import check_brand, contrast, logo_name, style_of
from qnet_mailman.web.gate.policy import is_personal
from qnet_mailman.web.harp.config import for_allauth, read_providers
from tests.web.conftest import StubCore
from tests.web.gate.test_gate_matrix import PAGES
from tests.web.offers import listed, offer

ROOT = Path(__file__).resolve().parents[2]
HOST = {'host': 'lists.example.gov'}
COLORS = {
    'primary': '#205493',
    'primary-dark': '#112e51',
    'primary-darker': '#0b1f38',
}
PROVIDER = {
    'name': 'HARP',
    'issuer': 'https://harp.example.gov',
    'client_id': 'qnet',
    'client_secret': 'secret',
}


@pytest.fixture
def anybody() -> Client:
    """A browser in which nobody is signed in."""
    cache.clear()
    return Client(raise_request_exception=False, headers=HOST)


@pytest.fixture
def user() -> Iterator[Any]:
    """An account, gone after the test."""
    found = get_user_model().objects.create_user('ann', 'ann@example.org', 'a password')
    yield found
    found.delete()


@pytest.fixture
def member(user: Any, anybody: Client) -> Client:
    """A browser in which somebody is signed in with a password."""
    anybody.force_login(user, 'django.contrib.auth.backends.ModelBackend')
    return anybody


def text_of(response: Any) -> str:
    return str(response.content.decode())


def title_of(page: str) -> str:
    [title] = re.findall('<title>(.*?)</title>', page, re.DOTALL)
    return ' '.join(str(title).split())


def check_frame(page: str, title: str) -> None:
    """A page is in the frame, and says what it is."""
    assert page.lstrip().startswith('<!DOCTYPE html>')
    assert '<html lang="en">' in page
    assert title_of(page) == f'{title}: {settings.SITE_NAME}'
    assert page.count('<h1') == 1
    assert page.count('<main') == page.count('<footer') == 1
    assert not re.search(r'<style|\sstyle=|<script(?! src=)|\son\w+=|jquery', page)
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


#: Where anybody may look, and what is said there.
OPEN = {
    'account_login': 'Sign in',
    'account_signup': 'Create account',
    'account_reset_password': 'Forgot password',
    'account_reset_password_done': 'Check your e-mail',
    'account_reset_password_from_key_done': 'Password saved',
    'account_email_verification_sent': 'Check your e-mail',
    'account_inactive': 'Account closed',
    'socialaccount_login_cancelled': 'You did not sign in',
    'socialaccount_login_error': 'We could not sign you in',
}
#: Where only who is signed in may.
OWN = {
    'account_logout': 'Sign out',
    'account_email': 'E-mail addresses',
    'account_change_password': 'Change password',
    'account_reauthenticate': 'Is it you?',
    'socialaccount_connections': 'Sign-in service',
    'mm_user_profile': 'Account',
    'mm_user_account_delete': 'Delete account',
}


@pytest.mark.parametrize('name', OPEN)
def test_pages_for_signing_in(anybody: Client, name: str) -> None:
    check_frame(text_of(anybody.get(reverse(name), secure=True)), OPEN[name])


@pytest.mark.parametrize('name', OWN)
def test_pages_of_an_account(member: Client, core: StubCore, name: str) -> None:
    core.status = 404
    page = text_of(member.get(reverse(name), secure=True))
    check_frame(page, OWN[name])
    assert 'hird party' not in page and 'hird-party' not in page


def test_a_password_is_set_where_there_is_none(user: Any, member: Client) -> None:
    user.set_unusable_password()
    user.save()
    member.force_login(user, 'django.contrib.auth.backends.ModelBackend')
    page = text_of(member.get(reverse('account_set_password'), secure=True))
    check_frame(page, 'Set a password')


@pytest.mark.parametrize(
    'path',
    ['/accounts/confirm-email/no-such-key/', '/accounts/password/reset/key/1-x/'],
)
def test_a_link_that_does_not_count_any_more(anybody: Client, path: str) -> None:
    page = text_of(anybody.get(path, secure=True, follow=True))
    check_frame(page, 'Link no longer valid')


# Signing in.


def test_without_a_provider_there_is_one_form(anybody: Client) -> None:
    page = text_of(anybody.get('/accounts/login/?next=/forms/', secure=True))
    assert page.count('<form') == page.count('type="submit"') == 1
    assert page.count('/accounts/password/reset/') == 1
    assert 'name="next" value="/forms/"' in page
    assert 'href="/accounts/signup/"' in page


def test_with_a_provider_there_is_one_button(anybody: Client) -> None:
    found = read_providers({'harp': PROVIDER})
    with override_settings(
        OPENID_PROVIDERS=found,
        SOCIALACCOUNT_PROVIDERS=for_allauth(found),
        LOCAL_SIGN_UP=False,
    ):
        answer = anybody.get('/accounts/login/?next=/forms/', secure=True)
        policy = answer['Content-Security-Policy']
        elsewhere = anybody.get('/forms/', secure=True)['Content-Security-Policy']
    page = text_of(answer)
    before, details = page.split('<details>')
    assert before.count('type="submit"') == 1
    assert 'action="/accounts/oidc/harp/login/?process=login&amp;next=%2Fforms%2F"' in (
        before
    )
    assert page.count('/accounts/password/reset/') == 1
    assert 'name="next" value="/forms/"' in details
    assert '/accounts/signup/' not in page
    # A provider may send people on to others.
    assert "form-action 'self' https:;" in policy
    assert "form-action 'self';" in elsewhere


def test_the_way_back_is_to_the_page_that_somebody_was_on(anybody: Client) -> None:
    page = text_of(anybody.get('/forms/?a=b&c=d', secure=True))
    assert 'href="/accounts/login/?next=/forms/%3Fa%3Db%26c%3Dd"' in page
    page = text_of(anybody.get('/accounts/login/?next=/forms/', secure=True))
    assert 'href="/accounts/login/?next=/forms/"' in page
    page = text_of(anybody.get('/accounts/password/reset/', secure=True))
    assert 'href="/accounts/login/?next="' in page


def test_signing_in_leads_to_ones_lists(user: Any, anybody: Client) -> None:
    user.emailaddress_set.create(email=user.email, verified=True, primary=True)
    answer = anybody.post(
        '/accounts/login/', {'login': 'ann', 'password': 'a password'}, secure=True
    )
    assert answer['Location'] == '/start/'


# Navigation and messages.


def test_the_navigation_says_where_one_is(anybody: Client) -> None:
    page = text_of(anybody.get('/forms/', secure=True))
    assert re.findall(r'<a href="([^"]*)" aria-current="page"', page) == ['/forms/']


def test_messages_say_in_a_word_what_their_colour_does(
    user: Any, member: Client
) -> None:
    user.emailaddress_set.create(email=user.email, verified=True, primary=True)
    user.emailaddress_set.create(email='b@example.org', verified=True)
    for action, email, begins in (
        ('action_remove', user.email, 'alert-error" role="alert"><p><strong>Error:'),
        ('action_remove', 'b@example.org', 'role="status"><p><strong>Done:'),
    ):
        fields = {action: '', 'email': email}
        answer = member.post('/accounts/email/', fields, secure=True, follow=True)
        assert begins in text_of(answer)


# Errors.


def test_an_address_that_leads_nowhere(anybody: Client) -> None:
    answer = anybody.get('/no/such/page/', secure=True)
    assert answer.status_code == 404
    check_frame(text_of(answer), 'There is no such page')


def test_a_form_from_elsewhere() -> None:
    browser = Client(enforce_csrf_checks=True, headers=HOST)
    answer = browser.post('/accounts/login/', secure=True)
    assert answer.status_code == 403
    check_frame(text_of(answer), 'Please try again')


def test_another_host() -> None:
    answer = Client(headers={'host': 'other.example.net'}).get('/', secure=True)
    assert answer.status_code == 400
    check_frame(text_of(answer), 'We could not understand that')


def test_too_many_attempts(anybody: Client) -> None:
    fields = {'login': 'nobody@example.org', 'password': 'wrong'}
    with override_settings(ACCOUNT_RATE_LIMITS={'login': '1/m/ip'}):
        for _ in range(2):
            answer = anybody.post('/accounts/login/', fields, secure=True)
    assert answer.status_code == 429
    check_frame(text_of(answer), 'Too many attempts')


def test_the_page_for_our_mistakes_needs_nothing_that_may_fail(
    member: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_args: Any, **_kwargs: Any) -> None:
        raise OSError('the database is away')

    with monkeypatch.context() as patch:
        patch.setattr('django.db.backends.utils.CursorWrapper.execute', down)
        answer = member.get('/start/', secure=True)
    assert answer.status_code == 500
    check_frame(text_of(answer), 'Something went wrong here')


# Language.


@pytest.mark.parametrize('path', ['/accounts/login/', '/mailman3/lists/', '/archives/'])
def test_pages_are_english_whatever_a_browser_prefers(
    anybody: Client, core: StubCore, path: str
) -> None:
    plain = anybody.get(path, secure=True)
    spanish = anybody.get(path, secure=True, headers={'accept-language': 'es'})
    assert 'Accept-Language' not in spanish.get('Vary', '')
    assert _words(spanish) == _words(plain)
    assert '<html lang="en">' in text_of(spanish)


def _words(response: Any) -> str:
    return re.sub('value="[A-Za-z0-9]{64}"', '', text_of(response))


# Idle sessions.


def test_no_page_loads_again_by_itself() -> None:
    """It would make a session longer that nobody uses."""
    folders = [Path(app.path) for app in apps.get_app_configs()]
    found = [
        str(path)
        for folder in folders
        for path in (folder / 'templates').rglob('*.html')
        if 'http-equiv="refresh"' in path.read_text('utf-8').lower()
    ]
    # It leads on to a provider at once, and not again.
    assert [path.rpartition('templates/')[2] for path in found] == [
        'socialaccount/login_redirect.html'
    ]
    ours = ROOT / 'qnet_mailman/web'
    asking = re.compile(r'setInterval|XMLHttpRequest|fetch\(|EventSource|WebSocket')
    for path in ours.rglob('*.js'):
        assert not asking.search(path.read_text('utf-8')), path
    for path in ours.rglob('*.py'):
        assert not re.search(r"""['"]Refresh['"]""", path.read_text('utf-8')), path


# An agency's look.


def test_contrast_is_what_wcag_says() -> None:
    assert contrast('#000000', '#ffffff') == pytest.approx(21)
    assert contrast('#777777', '#ffffff') == pytest.approx(4.48, abs=0.01)
    assert contrast('#ffffff', '#777777') == contrast('#777777', '#ffffff')


@pytest.mark.parametrize(
    ('colors', 'words'),
    [
        ({'primary': '#205493'}, 'expected all of'),
        (COLORS | {'primary': 'blue'}, 'expected a colour'),
        (COLORS | {'primary-dark': '#ffbe2e'}, r'contrast .* 1\.. to 1'),
        ('blue', 'expected all of'),
    ],
)
def test_colours_that_cannot_be_read(colors: Any, words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words):
        check_brand({'BRAND_COLORS': colors})


def test_a_logo_that_cannot_be_shown(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match='No such file'):
        check_brand({'BRAND_LOGO': str(tmp_path / 'logo.svg')})
    for name, content in [('logo.gif', b'GIF'), ('logo.png', b'no'), ('l.svg', b'')]:
        (tmp_path / name).write_bytes(content or b'<svg>' * 10_000)
        with pytest.raises(ImproperlyConfigured, match=r'expected a p|at most 30000'):
            check_brand({'BRAND_LOGO': str(tmp_path / name)})


def test_a_look_is_in_the_files_and_on_the_pages(
    anybody: Client, tmp_path: Path
) -> None:
    logo = tmp_path / 'mark.svg'
    logo.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    look = {'BRAND_COLORS': COLORS, 'BRAND_LOGO': str(logo)}
    check_brand(look)
    with override_settings(OFFICIAL_BANNER=True, **look):
        found = {
            name: storage.open(name).read()
            for finder in finders.get_finders()
            for name, storage in finder.list([])
            if name.startswith(('qnet/brand', 'qnet/logo'))
        }
        page = text_of(anybody.get('/', secure=True))
    assert found == {
        'qnet/brand.css': style_of(COLORS).encode(),
        logo_name(str(logo)): logo.read_bytes(),
    }
    assert '--brand-darker: #0b1f38;' in style_of(COLORS)
    assert 'href="/static/qnet/brand.css"' in page
    assert 'src="/static/qnet/logo.svg" alt=""' in page
    assert 'An official website of the United States government' in page
    assert 'brand' not in text_of(anybody.get('/', secure=True))


# Files.


@pytest.fixture
def collected(tmp_path: Path) -> Iterator[Path]:
    """Files as a host has them."""
    with override_settings(STATIC_ROOT=str(tmp_path)):
        _forget_storage()
        call_command('collectstatic', interactive=False, verbosity=0)
        _forget_storage()
        yield tmp_path
    _forget_storage()


def _forget_storage() -> None:
    storages._storages.pop('staticfiles', None)
    staticfiles_storage._wrapped = empty


def test_a_page_and_all_that_it_loads_is_light(collected: Path, core: StubCore) -> None:
    """Octets as they are sent, and files that are kept for good."""
    offer(core, *(listed(f'list-{number}') for number in range(60)))
    browser = Client(headers=HOST | {'accept-encoding': 'gzip'})
    page = browser.get('/signup/', secure=True)
    assert page.status_code == 200
    assert page['Content-Encoding'] == 'gzip'
    total = len(page.content)
    text = gzip.decompress(page.content).decode()
    paths = re.findall(r'(?:src|href)="(/static/[^"]+)"', text)
    assert {path.rpartition('.')[2] for path in paths} == {'css', 'js', 'svg'}
    for path in paths:
        answer = browser.get(path, secure=True)
        assert answer.status_code == 200
        assert 'immutable' in answer['Cache-Control']
        total += len(b''.join(answer.streaming_content))
    assert total < 60_000


def test_the_admin_pages_have_their_files_and_no_others_are_collected(
    collected: Path,
) -> None:
    names = {path.relative_to(collected).parts[0] for path in collected.iterdir()}
    assert names == {'admin', 'qnet', 'staticfiles.json'}
    assert list((collected / 'admin/css').glob('base.*.css.gz'))


# What programs read.


def test_search_engines(anybody: Client) -> None:
    answer = anybody.get('/robots.txt', secure=True)
    assert answer['Content-Type'] == 'text/plain; charset=utf-8'
    rules = RobotFileParser()
    rules.parse(text_of(answer).splitlines())
    for path in ('/', '/signup/', '/forms/', '/archives/', '/archives/list/a@b/'):
        assert rules.can_fetch('any', path), path
    for page in PAGES:
        if is_personal(page.name) and not page.path.startswith(
            ('/mailman3/lists/', '/archives/list/')
        ):
            assert not rules.can_fetch('any', page.path), page.path


def test_whom_to_tell_of_a_weakness(anybody: Client) -> None:
    path = '/.well-known/security.txt'
    assert anybody.get(path, secure=True).status_code == 404
    with override_settings(
        SECURITY_CONTACT='mailto:security@example.gov',
        SECURITY_POLICY='https://agency.example.gov/vulnerability',
    ):
        answer = anybody.get(path, secure=True)
    assert answer['Content-Type'] == 'text/plain; charset=utf-8'
    fields = MultiValueDict()
    for line in text_of(answer).splitlines():
        name, _, value = line.partition(': ')
        fields.appendlist(name, value)
    assert fields['Contact'] == 'mailto:security@example.gov'
    assert fields['Policy'] == 'https://agency.example.gov/vulnerability'
    assert fields['Canonical'] == f'https://lists.example.gov{path}'
    # RFC 9116, section 2.5.5: once, as RFC 3339 has it.
    [expires] = fields.getlist('Expires')
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT00:00:00\+00:00', expires)
