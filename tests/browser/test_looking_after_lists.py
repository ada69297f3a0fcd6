# SPDX-License-Identifier: GPL-3.0-or-later
"""Administrators and moderators at their browsers, signed in through a real provider.

The provider is the certified one of ``tests/oidc``; the pages are those of a whole
site (R24-R27).
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, Locator, Page, expect

from qnet_mailman.demo import story
from qnet_mailman.demo.narrator import Narrator
from qnet_mailman.demo.people import PROVIDER, Account
from qnet_mailman.demo.processes import wait_until
from qnet_mailman.demo.reports import USER_UNKNOWN
from qnet_mailman.demo.site import Delivered, Site
from tests.browser.conftest import PUBLIC, SIZES, look_at, tab_to
from tests.sites import started
from tests.web.harp.certified import SECRET, CertifiedProvider

LIST_ID = PUBLIC.replace('@', '.')

#: A list of another style, and its owner's account with a password (R40).
TALK = 'talk@lists.example.gov'
OWNER = 'olga@agency.example.gov'
MAKE_ACCOUNT = f"""
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
user = get_user_model().objects.create_user('olga', '{OWNER}', 'a long password')
EmailAddress.objects.create(user=user, email='{OWNER}', verified=True, primary=True)
"""

#: Signed in by nobody else here: their sign-in is refused.
UNVERIFIED = Account('uexample', 'Uma Example', 'uma@agency.example.gov')


@pytest.fixture(scope='module')
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with one list, and with the certified provider."""
    site = Site(tmp_path_factory.mktemp('browser-harp'))
    provider = CertifiedProvider(tmp_path_factory.mktemp('browser-oidc'), site.web_url)
    accounts = {
        account.user_id: {'harp_id': account.user_id, **account.claims()}
        for account in (*site.accounts.all(), UNVERIFIED)
    }
    accounts[UNVERIFIED.user_id]['email_verified'] = False
    provider.set_accounts(accounts)
    site.web_settings |= {
        'OPENID_PROVIDERS': {
            PROVIDER: {
                'name': 'HARP',
                'issuer': provider.issuer,
                'client_id': 'mailer',
                'client_secret': SECRET,
                'scope': ('openid', 'profile', 'email', 'harp'),
                'claims': {'user_id': 'harp_id'},
            }
        },
    }
    provider.start()
    try:
        with started(site):
            yield site
    finally:
        provider.stop()


@pytest.fixture
def page(page: Page) -> Page:
    """A page that reaches nothing but this machine."""
    page.context.route(
        re.compile(r'^(?!http://127\.0\.0\.1:)'), lambda route: route.abort()
    )
    return page


def go_to_provider(page: Page) -> None:
    """Press the button of the sign-in page, with the keyboard."""
    tab_to(page, page.get_by_role('button', name='Sign in with HARP'))
    page.keyboard.press('Enter')


def sign_in_there(page: Page, account: Account) -> None:
    """Pass the two pages of the provider."""
    page.wait_for_url('**/interaction/**')
    page.locator('input[name=login]').fill(account.user_id)
    page.locator('input[name=password]').fill('anything')
    page.keyboard.press('Enter')
    page.get_by_role('button', name='Continue').click()


def sign_in(page: Page, site: Site, account: Account) -> None:
    """Sign in through the provider, and come back."""
    page.goto(f'{site.web_url}/accounts/login/')
    go_to_provider(page)
    sign_in_there(page, account)
    page.wait_for_url(f'{site.web_url}/**')


def list_page(site: Site, name: str) -> str:
    return f'{site.postorius_url}{LIST_ID}/{name}'


def hold(site: Site, subject: str) -> None:
    """A stranger's post waits for a moderator."""
    author = 'alex@elsewhere.example.com'
    post = (
        f'From: {author}\r\nTo: {PUBLIC}\r\nSubject: {subject}\r\n'
        f'Message-ID: <{subject.replace(" ", ".")}@elsewhere.example.com>\r\n'
        '\r\nHello.\r\n'
    )
    site.lmtp_send(author, PUBLIC, post.encode())
    wait_until(lambda: subject in held(site), 30, f'"{subject}" to be held', site.core)


def held(site: Site) -> set[str]:
    """The subjects of the posts that wait for a moderator."""
    answer = site.rest('GET', f'lists/{LIST_ID}/held').json()
    return {entry['subject'] for entry in answer.get('entries', [])}


def size_of(page: Page) -> str:
    assert page.viewport_size is not None
    return str(page.viewport_size['width'])


def heading(page: Page) -> Locator:
    return page.get_by_role('heading', level=1)


@pytest.fixture(scope='module')
def talk(site: Site) -> str:
    """The address of the page of a list of another style."""
    style = ('--style-name', 'legacy-default')
    site.mailman('create', *style, '-o', OWNER, TALK, check=True)
    subprocess.run(
        [sys.executable, '-m', 'django', 'shell', '-c', MAKE_ACCOUNT],
        env=site.environment(),
        check=True,
    )
    return f'{site.postorius_url}{TALK.replace("@", ".")}/'


def test_the_owner_of_another_list_signs_in_with_a_password(
    site: Site, page: Page, talk: str
) -> None:
    page.goto(f'{site.web_url}/accounts/login/')
    page.get_by_text('Sign in with a password').click()
    page.locator('input[name=login]').fill(OWNER)
    page.locator('input[name=password]').fill('a long password')
    page.keyboard.press('Enter')
    page.wait_for_url('**/start/')
    expect(heading(page)).to_have_text('My lists')
    look_at(page, 'start-owner')
    page.get_by_role('rowheader').get_by_role('link', name='Talk').click()
    page.wait_for_url(talk)
    page.get_by_role('link', name='Settings', exact=True).click()
    words = f'Talk at {size_of(page)}'
    page.locator('input[name=description]').fill(words)
    page.get_by_role('button', name='Save changes').click()
    expect(page.get_by_role('status').first).to_contain_text('have been updated')
    answer = site.rest('GET', f'lists/{TALK}/config/description')
    assert answer.json()['description'] == words

    for name in ('settings/', 'held_messages', 'qualitynet/'):
        page.goto(list_page(site, name))
        expect(heading(page)).to_have_text('Sign in through HARP for this page')


def test_joining_another_list_without_an_account(
    site: Site, page: Page, talk: str, mail_to: Callable[..., Delivered]
) -> None:
    """With Postorius's form, and Mailman's own mail and policy (R40)."""
    address = f'reader-{size_of(page)}@example.net'
    page.goto(talk)
    look_at(page, 'other-list')
    page.locator('input[name=email]').fill(address)
    page.get_by_role('button', name='Subscribe').click()
    expect(page.locator('main .alert').first).to_contain_text('check your inbox')
    question = mail_to(address, 'confirm').text
    [token] = set(re.findall(r'\b[0-9a-f]{40}\b', question))
    page.goto(f'{talk}confirm/?token={token}')
    expect(heading(page)).to_have_text('Confirm your subscription')
    page.get_by_role('button', name='Confirm').click()
    expect(page.get_by_role('main')).to_contain_text('you are subscribed now')
    assert 'Welcome' in mail_to(address, 'Welcome').subject
    answer = site.rest('GET', f'lists/{TALK}/member/{address}')
    assert answer.status_code == 200


@pytest.fixture(scope='module')
def suspended(site: Site) -> dict[str, str]:
    """A member for each size of page, to whom the list stopped sending."""
    tale = story.from_form(site, Narrator(io.StringIO()))
    subject = 'The deadline has moved'
    tale.subject = subject
    tale.post(
        tale.administrator, tale.message(tale.administrator, subject, 'It has.\n')
    )
    members = (tale.subscriber, tale.others[0])
    for member in members:
        tale.copies(member, 0, subject)
    site.mailman('qnet', 'set', PUBLIC, 'threshold=1', check=True)
    for member in members:
        tale.bounce(member, USER_UNKNOWN)
        assert delivery_of(site, member.email) == 'by_bounces'
    return dict(zip(SIZES, (member.email for member in members), strict=True))


def delivery_of(site: Site, address: str) -> str | None:
    """How the bounces of a member stand; None where there are none."""
    done = site.mailman('qnet', 'bounces', PUBLIC, '--json', check=True)
    rows = {row['address']: row['delivery'] for row in json.loads(done.stdout)}
    return rows.get(address)


@pytest.mark.long
def test_an_administrator_looks_after_a_list(
    site: Site,
    page: Page,
    suspended: dict[str, str],
    request: pytest.FixtureRequest,
) -> None:
    address = suspended[request.node.callspec.params['page']]
    sign_in(page, site, site.accounts.administrator)
    page.wait_for_url('**/start/')
    expect(heading(page)).to_have_text('My lists')
    look_at(page, 'start')
    tab_to(page, page.get_by_role('rowheader').get_by_role('link', name='HQR Updates'))
    page.keyboard.press('Enter')
    page.wait_for_url('**/qualitynet/')
    look_at(page, 'list')

    # Masking: the arrow keys choose, as in every group of radio buttons.
    for choice, key in (('everyone', 'ArrowDown'), ('administrators', 'ArrowUp')):
        masks = page.get_by_role('group', name='hidden')
        tab_to(page, masks.locator('input:checked'))
        page.keyboard.press(key)
        tab_to(page, page.get_by_role('button', name='Save masking'))
        page.keyboard.press('Enter')
        expect(page.locator('main .alert').first).to_contain_text('masking changed')
        shown = site.mailman('qnet', 'show', PUBLIC, '--json', check=True)
        assert json.loads(shown.stdout)['mask'] == choice
    account = site.accounts.administrator
    audit = site.mailman('qnet', 'audit', '--list', PUBLIC, '--json', check=True)
    [*_, last] = json.loads(audit.stdout)
    assert account.user_id in last['actor']

    tab_to(page, page.get_by_role('link', name='Bounces', exact=True))
    page.keyboard.press('Enter')
    page.wait_for_url('**/bounces/')
    look_at(page, 'bounces')
    tab_to(page, page.get_by_label('Address has'))
    page.keyboard.type(address.partition('@')[0])
    page.keyboard.press('Enter')
    page.wait_for_url('**text=**')
    assert page.locator('tbody th[scope=row] a').all_inner_texts() == [address]
    look_at(page, 'bounces-filtered')
    with page.expect_download() as download:
        page.get_by_role('link', name='as CSV').click()
    table = download.value.path().read_text('utf-8')
    assert address in table
    assert not any(each in table for each in suspended.values() if each != address)

    tab_to(page, page.get_by_role('link', name=address, exact=True))
    page.keyboard.press('Enter')
    expect(
        page.get_by_role('heading', name='What the mail server said')
    ).to_be_visible()
    expect(page.get_by_label('Message')).to_contain_text('IT department')
    look_at(page, 'bounces-of-a-member')
    tab_to(page, page.get_by_role('button', name='Turn on delivery'))
    page.keyboard.press('Enter')
    expect(page.locator('main .alert').first).to_contain_text('starts from zero')
    assert delivery_of(site, address) != 'by_bounces'


@pytest.mark.long
def test_an_administrator_looks_through_the_audit_log(site: Site, page: Page) -> None:
    """With the keyboard; who sent a masked post is behind a button (R31)."""
    account = site.accounts.administrator
    post = f'From: {account.email}\r\nTo: {PUBLIC}\r\nSubject: News\r\n\r\nHello.\r\n'
    site.lmtp_send(account.email, PUBLIC, post.encode())
    masked = ('qnet', 'audit', '--list', PUBLIC, '--action', 'post masked')
    wait_until(
        lambda: site.mailman(*masked).stdout, 60, 'a post to be masked', site.core
    )
    sign_in(page, site, account)
    page.goto(list_page(site, 'qualitynet/'))
    tab_to(page, page.get_by_role('link', name='Audit log'))
    page.keyboard.press('Enter')
    page.wait_for_url('**/audit/')
    look_at(page, 'list-audit')
    tab_to(page, page.get_by_label('Only this', exact=True))
    page.keyboard.type('Post m')
    tab_to(page, page.get_by_role('button', name='Show', exact=True))
    page.keyboard.press('Enter')
    page.wait_for_url('**action=post+masked**')
    rows = page.get_by_role('row').filter(has_text='Post masked')
    expect(rows.first).to_contain_text('(hidden)')
    tab_to(page, page.get_by_role('button', name='Show who sent'))
    page.keyboard.press('Enter')
    expect(page.locator('main .alert').first).to_contain_text('That you have looked')
    expect(rows.first).to_contain_text(account.email)
    look_at(page, 'list-audit-senders')
    looked = ('qnet', 'audit', '--action', 'senders shown')
    assert account.user_id in site.mailman(*looked, check=True).stdout
    with page.expect_download() as download:
        page.get_by_role('link', name='JSON Lines').click()
    [*lines] = download.value.path().read_text('utf-8').splitlines()
    assert lines and account.email not in str(lines)


@pytest.mark.long
def test_an_administrator_is_led_to_the_forms(site: Site, page: Page) -> None:
    sign_in(page, site, site.accounts.administrator)
    page.goto(f'{site.postorius_url}new/')
    expect(heading(page)).to_have_text('How to get a new list')
    look_at(page, 'new-list')
    tab_to(page, page.get_by_role('link', name='list-request'))
    page.keyboard.press('Enter')
    page.wait_for_url('**/forms/#list-request')
    expect(heading(page)).to_have_text('Request forms')
    look_at(page, 'forms')
    # The next stops are in the section to which the link led.
    page.keyboard.press('Tab')
    expect(page.locator('#list-request ~ p a').first).to_be_focused()
    page.keyboard.press('Tab')
    link = page.get_by_role('link', name='Spreadsheet (XLSX) of the form list-request')
    expect(link).to_be_focused()
    assert answers_in(downloaded(page))['Kind of form'] == 'list-request'

    page.goto(list_page(site, 'qualitynet/'))
    look_at(page, 'list-with-forms')
    tab_to(page, page.get_by_role('link', name='Another bounce threshold'))
    answers = answers_in(downloaded(page))
    assert answers['Which list (required)'] == PUBLIC
    asker = site.accounts.administrator
    assert answers['Your name (required)'] == asker.name
    assert answers['Your e-mail address (required)'] == asker.email


def downloaded(page: Page) -> Path:
    """What the Enter key on a link saves."""
    with page.expect_download() as download:
        page.keyboard.press('Enter')
    return download.value.path()


def answers_in(spreadsheet: Path) -> dict[str, str]:
    """What a form holds, by the label of the field."""
    with spreadsheet.open('rb') as file:
        rows = load_workbook(file)['Request'].iter_rows(values_only=True)
        return {str(label): str(answer) for label, _explained, answer in rows}


@pytest.mark.long
def test_a_moderator_sees_the_lists_pages_and_cannot_change_anything_there(
    site: Site, page: Page, suspended: dict[str, str]
) -> None:
    sign_in(page, site, site.accounts.moderator)
    expect(heading(page)).to_have_text('My lists')
    for path in ('qualitynet/', 'bounces/'):
        answer = page.goto(list_page(site, path))
        assert answer is not None and answer.status == 200
        for name in ('Save', 'Turn on'):
            expect(page.get_by_role('button', name=name)).to_have_count(0)
        expect(page.get_by_role('link', name='as CSV')).to_have_count(0)
        look_at(page, f'moderator-{path.strip("/")}')


@pytest.mark.long
def test_a_moderator_decides_about_posts_and_cannot_change_the_list(
    site: Site, page: Page
) -> None:
    subject = f'Hello at {size_of(page)}'
    hold(site, subject)
    sign_in(page, site, site.accounts.moderator)
    page.goto(list_page(site, 'held_messages'))
    row = page.get_by_role('row').filter(has_text=subject)
    # Back from the row to the button above it, as somebody without a mouse goes.
    tab_to(page, row.get_by_role('checkbox'))
    page.keyboard.press('Space')
    accept = page.get_by_role('button', name='Accept')
    for _ in range(80):
        if accept.evaluate('element => element === document.activeElement'):
            break
        page.keyboard.press('Shift+Tab')
    page.keyboard.press('Enter')
    site.delivered(lambda mail: subject in mail.subject)
    assert subject not in held(site)

    for path in ('settings/', 'mass_removal/', 'bans/', 'delete'):
        answer = page.goto(list_page(site, path))
        assert answer is not None and answer.status == 403
        expect(heading(page)).to_contain_text('takes an administrator')
    look_at(page, 'takes-an-administrator')
    tab_to(page, page.get_by_role('link', name='Requests to join'))
    page.keyboard.press('Enter')
    page.wait_for_url('**/subscription_requests')


@pytest.mark.long
def test_without_a_role_the_pages_say_how_to_get_one(site: Site, page: Page) -> None:
    sign_in(page, site, site.accounts.nobody)
    expect(heading(page)).to_contain_text('without a role')
    expect(page.get_by_role('main')).to_contain_text(site.accounts.nobody.user_id)
    look_at(page, 'no-role')
    tab_to(page, page.get_by_role('link', name='Go on without a role'))
    page.keyboard.press('Enter')
    page.wait_for_url(lambda url: 'no-role' not in url)
    for path in ('settings/', 'held_messages', 'members/owner/'):
        answer = page.goto(list_page(site, path))
        assert answer is not None and answer.status == 403
    page.goto(list_page(site, 'held_messages'))
    look_at(page, 'needs-a-role')
    tab_to(page, page.get_by_role('link', name='How to get a role'))
    page.keyboard.press('Enter')
    expect(heading(page)).to_contain_text('without a role')


@pytest.mark.long
def test_who_is_not_signed_in_comes_back_to_the_page(site: Site, page: Page) -> None:
    page.goto(list_page(site, 'held_messages'))
    page.wait_for_url('**/accounts/login/**')
    go_to_provider(page)
    sign_in_there(page, site.accounts.moderator)
    page.wait_for_url(list_page(site, 'held_messages'))


@pytest.mark.long
def test_an_address_that_the_provider_does_not_vouch_for(
    site: Site, page: Page
) -> None:
    sign_in(page, site, UNVERIFIED)
    expect(heading(page)).to_contain_text('not confirmed')
    look_at(page, 'not-confirmed')
    tab_to(page, page.get_by_role('link', name='To the sign-in page'))
    page.keyboard.press('Enter')
    expect(page.get_by_role('button', name='Sign in with HARP')).to_be_visible()


@pytest.mark.long
def test_a_password_does_not_let_the_operator_in(site: Site, page: Page) -> None:
    page.goto(f'{site.web_url}/accounts/login/')
    page.get_by_text('Sign in with a password').click()
    page.get_by_label('E-mail address or user name').fill(site.web_user)
    page.get_by_label('Password').fill(site.web_password)
    page.get_by_role('button', name='Sign in with the password').click()
    expect(heading(page)).to_contain_text('cannot sign in with a password')
    look_at(page, 'no-password')


@pytest.mark.long
def test_signing_out_goes_on_to_the_provider(site: Site, page: Page) -> None:
    sign_in(page, site, site.accounts.nobody)
    page.goto(f'{site.web_url}/accounts/logout/')
    tab_to(page, page.get_by_role('button', name='Sign out'))
    page.keyboard.press('Enter')
    page.wait_for_url('**/session/end**')
    page.get_by_role('button', name='Yes').click()
    page.wait_for_url(f'{site.web_url}/')
    # The next person at this computer is asked for a password.
    page.goto(f'{site.web_url}/accounts/login/')
    go_to_provider(page)
    expect(page.locator('input[name=password]')).to_be_visible()


# The last one: it takes a role away.
@pytest.mark.long
def test_a_revoked_role_ends_in_an_open_browser(site: Site, browser: Browser) -> None:
    subject = 'Held until the end'
    hold(site, subject)
    account = site.accounts.moderator
    roles = ('qnet', 'roles')
    who = (account.user_id, '--role', 'moderator')
    context = browser.new_context()
    page = context.new_page()
    sign_in(page, site, account)
    page.goto(list_page(site, 'held_messages'))
    page.get_by_role('row').filter(has_text=subject).get_by_role('checkbox').check()
    site.mailman(*roles, 'revoke', *who, '--reason', 'Left.', check=True)
    roster = site.rest('GET', f'lists/{LIST_ID}/roster/moderator').json()
    assert account.email not in str(roster)
    other = context.new_page()

    def is_closed() -> bool:
        answer = other.goto(list_page(site, 'held_messages'))
        assert answer is not None
        return answer.status == 403

    wait_until(is_closed, 60, 'the page not to open any more')
    expect(heading(other)).to_contain_text('You need a role')
    # The page that was open all the time does nothing any more either.
    page.get_by_role('button', name='Discard').first.click()
    expect(heading(page)).to_contain_text('You need a role')
    assert subject in held(site)
    # Signing in again does not help; an operator's word does.
    context.clear_cookies()
    sign_in(page, site, account)
    expect(heading(page)).to_contain_text('without a role')
    site.mailman(*roles, 'approve', *who, check=True)
    context.clear_cookies()
    sign_in(page, site, account)
    answer = page.goto(list_page(site, 'held_messages'))
    assert answer is not None and answer.status == 200
    context.close()
