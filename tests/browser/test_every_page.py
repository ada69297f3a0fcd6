# SPDX-License-Identifier: GPL-3.0-or-later
"""Every page of the site, as five people have it, in a browser without JavaScript.

From each person's start page all links are followed: none is dead.  Of each page, by
its name in Django, some are then looked at: on phones and on a desk, light and dark.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from django.urls import Resolver404, resolve, reverse
from playwright.sync_api import Browser, BrowserContext, Page

# It sets Django up, which knows the names of pages.
import tests.web.conftest  # noqa: F401
from qnet_mailman.demo.reports import USER_UNKNOWN, report
from qnet_mailman.demo.site import Site
from qnet_mailman.web.gate.policy import NEEDS, Need
from tests.browser.conftest import PATIENCE, PUBLIC, violations
from tests.sites import EXAMPLES, FORM, started

pytestmark = pytest.mark.long

PRIVATE = 'hqr-workgroup@lists.example.gov'
#: A list of another style (R40), and one that has sent nothing.
TALK, EMPTY = 'talk@lists.example.gov', 'empty@lists.example.gov'
FORMS = 'forms@lists.example.gov'
LIST_ID = PUBLIC.replace('@', '.')
MEMBER, PASSWORD = 'ann@example.net', 'only for this test'
WRITER = 'pat@agency.example.gov'
MAKE_ACCOUNT = f"""
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
user = get_user_model().objects.create_user('ann', {MEMBER!r}, {PASSWORD!r})
EmailAddress.objects.create(user=user, email={MEMBER!r}, verified=True, primary=True)
from postorius.models import EmailTemplate
for context, identifier in (('list', {LIST_ID!r}), ('domain', 'lists.example.gov')):
    EmailTemplate.objects.create(
        name='list:user:notice:welcome',
        data='Welcome.',
        language='en',
        context=context,
        identifier=identifier,
    )
"""
PEOPLE = ('stranger', 'member', 'moderator', 'administrator', 'operator')
#: Width and height in CSS pixels, and the colours that a person likes.
SCREENS = tuple(
    (width, height, colours)
    for width, height in ((320, 640), (360, 740), (1280, 900))
    for colours in ('light', 'dark')
)
OF_EACH = 3
"""How many addresses of a page are followed, and looked at."""
TOKEN = 'a' * 40


def html_post(to: str, subject: str, reply_to: str = '') -> bytes:
    """An announcement as a newsletter is: text, HTML with a picture, a file."""
    message = EmailMessage()
    message['From'] = f'Pat Example <{WRITER}>'
    message['To'] = to
    message['Subject'] = subject
    name = re.sub('[^a-z]', '-', f'{subject}-{to.partition("@")[0]}'.lower())
    message['Message-ID'] = f'<{name}@agency.example.gov>'
    if reply_to:
        message['In-Reply-To'] = message['References'] = reply_to
    message.set_content(
        'The deadline has moved.\n\n> And what of ours?\n\nSee above.\n'
    )
    message.add_alternative(
        '<html><body><h1>News</h1><p style="color:#eee">The deadline has '
        '<a href="https://www.example.gov/news">moved</a>.</p>'
        '<img src="https://www.example.gov/logo.png"><table><tr><td>Day</td>'
        '<td>Monday</td></tr></table></body></html>',
        subtype='html',
    )
    message.add_attachment(b'a,b\n1,2\n', 'text', 'csv', filename='days.csv')
    return message.as_bytes()


def plain_post(author: str, to: str, subject: str) -> bytes:
    return (
        f'From: {author}\r\nTo: {to}\r\nSubject: {subject}\r\n'
        f'Message-ID: <{subject.replace(" ", ".")}@example.com>\r\n\r\nHello.\r\n'
    ).encode()


@pytest.fixture(scope='module')
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site in the middle of its work: posts, replies, what waits, what bounced."""
    site = Site(tmp_path_factory.mktemp('every-page'), provider=True)
    site.web_settings |= {'LOCAL_SUPERUSERS': True, 'LOCAL_SIGN_UP': True}
    site.qnet_cfg_overrides |= {'poster_authentication': 'off', 'forms_address': FORMS}
    with started(site, (FORM, EXAMPLES / 'discussion-private.json')):
        fill(site)
        yield site


def fill(site: Site) -> None:
    for address, style in (
        (TALK, 'legacy-default'),
        (EMPTY, 'qnet-notification-public'),
    ):
        site.mailman('create', '--style-name', style, address, check=True)
    yes = dict.fromkeys(('pre_verified', 'pre_confirmed', 'pre_approved'), 'true')
    for address in (PUBLIC, PRIVATE, TALK):
        for member in (MEMBER, f'bo@{address.partition("@")[0]}.example.net'):
            fields = {'list_id': address.replace('@', '.'), 'subscriber': member}
            assert site.rest('POST', 'members', {**fields, **yes}).status_code == 201
    for address in (PUBLIC, PRIVATE):
        for subject in ('The deadline', 'The next call'):
            site.lmtp_send(WRITER, address, html_post(address, subject))
    site.lmtp_send(MEMBER, TALK, plain_post(MEMBER, TALK, 'Hello'))
    form = EmailMessage()
    form['From'], form['To'], form['Subject'] = WRITER, FORMS, 'A list is not needed'
    form['Message-ID'] = '<form@agency.example.gov>'
    form.set_content('See the form.\n')
    closure = EXAMPLES / 'list-closure.yaml'
    form.add_attachment(
        closure.read_bytes(), 'application', 'yaml', filename=closure.name
    )
    site.lmtp_send(WRITER, FORMS, form.as_bytes())
    stranger = 'alex@elsewhere.example.com'
    for address in (PUBLIC, PRIVATE, TALK):
        subject = f'Question to {address.partition("@")[0]}'
        site.lmtp_send(stranger, address, plain_post(stranger, address, subject))
    site.rest(
        'POST',
        'members',
        {'list_id': PRIVATE.replace('@', '.'), 'subscriber': stranger},
    )
    site.wait_idle()
    [copy, *_] = site.delivered(
        lambda mail: f'bo@{PUBLIC.partition("@")[0]}.example.net' in mail.recipients,
    )
    [address] = copy.recipients
    failure = report(USER_UNKNOWN, address, copy.mail_from, copy.subject)
    site.lmtp_send('', copy.mail_from, failure)
    subprocess.run(
        [sys.executable, '-m', 'django', 'shell', '-c', MAKE_ACCOUNT],
        env=site.environment(),
        check=True,
    )
    site.wait_idle()


@pytest.fixture(scope='module', params=PEOPLE)
def person(
    request: pytest.FixtureRequest, browser: Browser, site: Site
) -> Iterator[tuple[str, BrowserContext]]:
    """Somebody, signed in if they can, at a browser without scripts."""
    # Where a browser runs no scripts at all, axe does not either.
    context = browser.new_context(reduced_motion='reduce')
    context.route(re.compile(r'\.js(\?|$)'), lambda route: route.abort())
    context.set_default_timeout(PATIENCE)
    who = request.param
    page = context.new_page()
    if who in ('member', 'operator'):
        page.goto(f'{site.web_url}/accounts/login/')
        login = MEMBER if who == 'member' else site.web_user
        password = PASSWORD if who == 'member' else site.web_password
        # Behind the button for those who sign in through the provider.
        page.locator('main summary').click()
        page.locator('input[name=login]').fill(login)
        page.locator('input[name=password]').fill(password)
        page.keyboard.press('Enter')
        page.wait_for_url('**/start/')
    elif who != 'stranger':
        account = getattr(site.accounts, who)
        page.goto(f'{site.web_url}/accounts/login/')
        page.get_by_role('button', name='HARP').click()
        page.locator('input[name=sub]').fill(account.user_id)
        page.locator('input[name=password]').fill(account.password)
        page.keyboard.press('Enter')
        page.wait_for_url('**/start/')
    page.close()
    yield who, context
    context.close()


class _Links(HTMLParser):
    """What a page leads to, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        fields = dict(attrs)
        name = {'a': 'href', 'link': 'href', 'img': 'src', 'script': 'src'}.get(tag)
        if name and fields.get(name):
            self.found.append(str(fields[name]))


def name_of(path: str) -> str:
    """The name of a page; its path where Django has none for it."""
    try:
        return str(resolve(urlsplit(path).path).view_name)
    except Resolver404:
        return urlsplit(path).path


def crawl(
    context: BrowserContext, base: str, starts: list[str]
) -> dict[str, list[str]]:
    """Follow links; the addresses of each page.

    :raises AssertionError: where some are dead.
    """
    pages: dict[str, list[str]] = defaultdict(list)
    files: set[str] = set()
    waiting = [(start, 'where it begins') for start in starts]
    seen = set(starts)
    dead = []
    while waiting:
        path, source = waiting.pop(0)
        answer = context.request.get(base + path)
        if not answer.ok:
            dead.append(f'{answer.status} {path} (from {source})')
            continue
        if 'text/html' not in answer.headers.get('content-type', ''):
            continue
        at = answer.url.removeprefix(base)
        if not at.startswith('/'):
            continue
        if at not in pages[name_of(at)]:
            pages[name_of(at)].append(at)
        for link in _Links(answer.text()).found:
            target = urldefrag(urljoin(answer.url, link)).url
            if not target.startswith(f'{base}/'):
                continue
            target = target.removeprefix(base)
            if target in seen or target.startswith('/accounts/logout/'):
                continue
            seen.add(target)
            if target.startswith('/static/'):
                files.add(target)
            elif len(pages[name_of(target)]) < OF_EACH:
                waiting.append((target, at))
    for target in files:
        if not context.request.get(base + target).ok:
            dead.append(target)
    assert not dead, '\n'.join(dead)
    return {name: found for name, found in pages.items() if found}


@pytest.fixture(scope='module')
def looked_at() -> set[str]:
    """The names of all pages that anybody has seen."""
    return set()


#: To start from: what no link leads to, or only one in a mail.
HIDDEN = (
    '/accounts/password/reset/',
    '/accounts/password/reset/done/',
    '/accounts/password/reset/key/done/',
    f'/accounts/password/reset/key/1-{TOKEN}/',
    '/accounts/confirm-email/',
    f'/accounts/confirm-email/{TOKEN}/',
    '/accounts/inactive/',
    '/accounts/reauthenticate/',
    '/accounts/signup/',
    *(
        reverse(name)
        for name in (
            'socialaccount_login_cancelled',
            'socialaccount_login_error',
            'socialaccount_signup',
            'account_confirm_login_code',
            'account_request_reauthentication_code',
            'account_confirm_reauthentication_code',
            'qnet_robots',
            'qnet_security',
            'qnet_unattended',
            'hk_find_list',
        )
    ),
    f'/archives/list/{PUBLIC}/2026/12/1/',
    '/accounts/email/',
    '/accounts/password/change/',
    '/accounts/password/set/',
    '/accounts/social/connections/',
    '/accounts/logout/',
    '/admin/login/',
    '/harp/no-role/',
    '/signup/done/',
    f'/signup/confirm/{TOKEN}/',
    f'/unsubscribe/{TOKEN}',
    f'/send-again/{TOKEN}/',
    f'/posts/confirm/{TOKEN}/',
    f'/decide/{TOKEN}/',
    f'/forms/confirm/{TOKEN}/',
    '/nowhere/',
    '/archives/list/nobody@lists.example.gov/',
    '/mailman3/lists/nobody.lists.example.gov/',
    f'/archives/list/{PUBLIC}/message/{"A" * 32}/',
    f'/archives/list/{EMPTY}/',
    '/archives/users/',
    '/archives/tags/',
    '/archives/categories/',
    '/archives/search?q=deadline',
    '/archives/profile/',
    '/archives/profile/favorites',
    '/archives/profile/last_views',
    '/archives/profile/votes',
    '/archives/profile/subscriptions',
)


def test_no_link_is_dead_and_every_page_is_for_everybody(
    person: tuple[str, BrowserContext], site: Site, looked_at: set[str]
) -> None:
    who, context = person
    found = crawl(
        context, site.web_url, ['/', '/start/'] if who != 'stranger' else ['/']
    )
    wrong: list[str] = []
    page = context.new_page()
    said: list[str] = []
    page.on('console', lambda message: said.append(message.text))
    # What is behind the sign-in of the database's own pages is Django's.
    ours = {name: some for name, some in found.items() if not name.startswith('admin:')}
    for path in (*(one for some in ours.values() for one in some[:OF_EACH]), *HIDDEN):
        # What others have looked at is as it is, but for the frame.
        name = name_of(path)
        key = path if path in HIDDEN else name
        wrong += look(page, site.web_url, path, thorough=key not in looked_at)
        wrong += [f'{path}: {one}' for one in said if 'Security Policy' in one]
        said.clear()
        looked_at |= {key, name}
    assert not wrong, f'{len(wrong)} as {who}:\n' + '\n'.join(wrong)


def look(page: Page, base: str, path: str, *, thorough: bool) -> list[str]:
    """What is wrong with a page."""
    wrong: list[str] = []
    for width, height, colours in SCREENS if thorough else SCREENS[:1]:
        page.set_viewport_size({'width': width, 'height': height})
        scheme: Any = colours
        page.emulate_media(color_scheme=scheme)
        answer = page.goto(base + path)
        where = f'{path} at {width} px, {colours}'
        assert answer is not None
        if answer.status >= 500 and answer.status != 503:
            return [f'{where}: {answer.status}']
        if 'text/html' not in answer.headers.get('content-type', ''):
            return []
        # Elsewhere, or at the database's own pages, whose sign-in is ours.
        if not page.url.startswith(base) or page.url.startswith(f'{base}/admin/'):
            return []
        if page.evaluate('document.documentElement.scrollWidth') > width:
            wrong.append(f'{where}: scrolls sideways')
        wrong += [f'{where}: {one}' for one in violations(page)]
        if colours == 'light' and width == 320:
            wrong += [f'{where}: {one}' for one in frame_of(page)]
    return wrong


def frame_of(page: Page) -> list[str]:
    """What is not as on all pages."""
    wrong = []
    if not re.fullmatch(r'\S.*: QualityNet Mailer', page.title().strip()):
        wrong.append(f'its title is {page.title()!r}')
    for selector in ('html[lang=en]', 'header.qnet-header', 'footer.qnet-footer', 'h1'):
        if page.locator(selector).count() != 1:
            wrong.append(f'{page.locator(selector).count()} of {selector}')
    # The Tab key goes as one reads, and first past the navigation.
    if page.locator('[tabindex]:not([tabindex="0"]):not([tabindex="-1"])').count():
        wrong.append('an order of its own for the Tab key')
    if page.locator('a').first.get_attribute('href') != '#main':
        wrong.append('no way past the navigation')
    scripts = page.locator('script:not([src*="/qnet/"])').count()
    if scripts or page.locator('[style]').count():
        wrong.append('scripts or styles that are not ours')
    return wrong


#: What is no page: files, what programs ask for, what only takes a POST or leads on.
NO_PAGES = frozenset(
    name
    for name, need in NEEDS.items()
    if need is Need.CORE
    or name.startswith(('hk_api_', 'hk_mailman_', 'hyperkitty.views.compat', 'rest_'))
    or name.endswith(('_file', '_csv', '_form', '_mbox', '_feed', '_attachment'))
) | {
    *('csv_view', 'django.contrib.staticfiles.views.serve', 'qnet_backchannel_logout'),
    *('change_subscription', 'handle_subscription_request', 'list_subscribe'),
    *('list_anonymous_subscribe', 'list_unsubscribe', 'moderate_held_message'),
    *('confirm_token', 'openid_connect_callback', 'openid_connect_login'),
    *('postorius.views.list.list_index', 'remove_domain_owner'),
    *('qnet_ask', 'qnet_ask_check', 'qnet_ask_discard', 'qnet_ask_sent'),
    *('qnet_list_bounces_act', 'qnet_list_change', 'qnet_member_enable'),
    'qnet_mailman.web.lists.views.sign_up_instead',
    'django.views.generic.base.TemplateView',
    *('hk_favorite', 'hk_message_new', 'hk_message_reply', 'hk_message_vote'),
    *('hk_suggest_tags', 'hk_tags', 'hk_thread_reattach_suggest', 'hk_thread_replies'),
    'hk_thread_set_category',
    # What HyperKitty's scripts loaded into the page of a list leads to that page.
    *(name for name in NEEDS if name.startswith('hk_list_overview_')),
    'hk_list_recent_activity',
}


def test_every_name_was_looked_at(looked_at: set[str]) -> None:
    missed = {name for name in NEEDS if name not in looked_at} - NO_PAGES
    assert not missed, '\n'.join(sorted(missed))
