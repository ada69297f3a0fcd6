# SPDX-License-Identifier: GPL-3.0-or-later
"""What stock pages let people do, and that they do not any more (R24-R27)."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import modify_settings, override_settings
from postorius.models import EmailTemplate

from qnet_mailman.web.gate.access import Access
from qnet_mailman.web.gate.decorators import administrators_only, moderators_only
from qnet_mailman.web.harp.rights import Rights
from tests.web.gate.conftest import GatedSite
from tests.web.gate.stub_mailman import NEWS, NEWS_ADDRESS, OTHER, TOKEN

LISTS = '/mailman3/lists'
L = f'{LISTS}/{NEWS}'
GATE = 'qnet_mailman.web.gate.middleware.GateMiddleware'


@pytest.fixture
def stock(forgotten: GatedSite) -> Iterator[GatedSite]:
    """The site without the gate."""
    with modify_settings(MIDDLEWARE={'remove': [GATE]}):
        yield forgotten


def text_of(response: Any) -> str:
    """A page's words, in one line."""
    return ' '.join(response.content.decode().split())


def said(site: GatedSite, name: str, path: str, **data: str) -> str:
    """What the page says that somebody gets instead of another."""
    browser = site.browser(name)
    if data:
        response = browser.post(path, data, secure=True)
    else:
        response = browser.get(path, secure=True)
    assert response.status_code == 403
    assert "default-src 'none'" in response['Content-Security-Policy']
    assert response['Cache-Control'] == 'no-store'
    return text_of(response)


def paths_changed(site: GatedSite) -> list[str]:
    return [f'{method} {path}' for method, path, _fields in site.core.changes]


# The members page.

NEW_OWNER = {'email': 'moderator@example.gov', 'display_name': ''}


def test_stock_lets_a_moderator_make_an_owner(stock: GatedSite) -> None:
    stock.browser('moderator').post(f'{L}/members/owner/', NEW_OWNER, secure=True)
    assert paths_changed(stock) == ['POST members']


def test_a_moderator_makes_no_owner(forgotten: GatedSite) -> None:
    words = said(forgotten, 'moderator', f'{L}/members/owner/', **NEW_OWNER)
    assert 'This takes an administrator of the list' in words
    assert paths_changed(forgotten) == []


def test_a_moderator_removes_no_member(forgotten: GatedSite) -> None:
    said(forgotten, 'moderator', f'{L}/members/member/', choices='member@example.gov')
    assert paths_changed(forgotten) == []


@pytest.fixture
def open_roster(forgotten: GatedSite) -> Iterator[GatedSite]:
    """The members may see each other."""
    forgotten.core.settings['member_roster_visibility'] = 'members'
    yield forgotten
    forgotten.core.settings['member_roster_visibility'] = 'moderators'


def test_members_see_the_members_and_nothing_else(open_roster: GatedSite) -> None:
    browser = open_roster.browser('member')
    page = browser.get(f'{L}/members/member/', secure=True)
    assert page.status_code == 200
    for role in ('owner', 'moderator', 'nonmember'):
        said(open_roster, 'member', f'{L}/members/{role}/')
    said(open_roster, 'member', f'{L}/members/member/', choices='member@example.gov')
    assert paths_changed(open_roster) == []


@pytest.mark.parametrize('role', ['owner', 'moderator'])
def test_an_administrator_is_led_to_an_administrator_request(
    forgotten: GatedSite, role: str
) -> None:
    with override_settings(
        SUPPORT_ADDRESS='help@example.gov', FORMS_ADDRESS='requests@example.gov'
    ):
        words = said(forgotten, 'administrator', f'{L}/members/{role}/', **NEW_OWNER)
    assert 'Nothing has been changed' in words
    assert 'How to change who looks after a list' in words
    assert 'href="mailto:requests@example.gov?subject=Administrator%20request"' in words
    # A program may answer at the address for forms: not to a message without one.
    taken_off = words.partition('taken off the list')[2]
    assert 'href="mailto:help@example.gov?' in taken_off.partition('</li>')[0]
    assert f'href="{L}/forms/administrator-request.xlsx"' in words
    assert 'href="/forms/#administrator-request"' in words
    remove = f'{L}/remove/{role}/administrator@example.gov'
    for asked in ({}, {'yes': '1'}):
        words = said(forgotten, 'administrator', remove, **asked)
        assert 'How to change who looks after a list' in words
    assert paths_changed(forgotten) == []


def test_an_administrator_sees_who_looks_after_the_list(forgotten: GatedSite) -> None:
    browser = forgotten.browser('administrator')
    page = browser.get(f'{L}/members/owner/', secure=True)
    assert 'administrator@example.gov' in text_of(page)


def test_an_administrator_adds_and_removes_nonmembers_and_members(
    forgotten: GatedSite,
) -> None:
    browser = forgotten.browser('administrator')
    browser.post(f'{L}/members/nonmember/', NEW_OWNER, secure=True)
    browser.post(f'{L}/members/member/', {'choices': 'member@example.gov'}, secure=True)
    assert paths_changed(forgotten) == [
        'POST members',
        f'DELETE lists/{NEWS}/member/member@example.gov',
    ]


def test_an_operator_may_do_as_stock(forgotten: GatedSite) -> None:
    browser = forgotten.browser('operator')
    browser.post(f'{L}/members/owner/', NEW_OWNER, secure=True)
    assert paths_changed(forgotten) == ['POST members']


def test_no_such_roster(forgotten: GatedSite) -> None:
    browser = forgotten.browser('administrator')
    answer = browser.get(f'{L}/remove/archiver/a@example.org', secure=True)
    assert answer.status_code == 404


# Message texts.


@pytest.fixture
def texts(forgotten: GatedSite) -> Iterator[dict[str, Any]]:
    """A footer of each of two lists."""
    yield {
        list_id: EmailTemplate.objects.create(
            name='list:member:regular:footer',
            identifier=list_id,
            context='list',
            data=f'Footer of {list_id}',
        )
        for list_id in (NEWS, OTHER)
    }
    EmailTemplate.objects.all().delete()


def test_stock_lets_an_owner_edit_another_lists_text(
    stock: GatedSite, texts: dict[str, Any]
) -> None:
    browser = stock.browser('administrator')
    path = f'{L}/templates/{texts[OTHER].pk}/update'
    browser.post(path, {'data': 'Mine now'}, secure=True)
    texts[OTHER].refresh_from_db()
    assert texts[OTHER].data == 'Mine now'


@pytest.mark.parametrize('action', ['update', 'delete'])
@pytest.mark.parametrize('method', ['get', 'post'])
def test_the_text_of_another_list(
    forgotten: GatedSite, texts: dict[str, Any], action: str, method: str
) -> None:
    browser = forgotten.browser('administrator')
    path = f'{L}/templates/{texts[OTHER].pk}/{action}'
    answer = getattr(browser, method)(path, {'data': 'Mine now'}, secure=True)
    assert answer.status_code == 404
    texts[OTHER].refresh_from_db()
    assert texts[OTHER].data == f'Footer of {OTHER}'


@pytest.mark.parametrize('name', [NEWS, NEWS_ADDRESS])
def test_the_text_of_ones_own_list(
    forgotten: GatedSite, texts: dict[str, Any], name: str
) -> None:
    browser = forgotten.browser('administrator')
    path = f'{LISTS}/{name}/templates/{texts[NEWS].pk}'
    assert browser.get(f'{path}/update', secure=True).status_code == 200
    browser.post(f'{path}/update', {'data': 'Better'}, secure=True)
    texts[NEWS].refresh_from_db()
    assert texts[NEWS].data == 'Better'


@pytest.mark.parametrize('pk', ['x', '0', '9' * 30, '²', '-1', ''])
def test_no_such_text(forgotten: GatedSite, pk: str) -> None:
    path = f'{L}/templates/{pk}/update'
    answer = forgotten.browser('administrator').get(path, secure=True)
    assert answer.status_code == 404


# Tokens.


def test_stock_lets_a_stranger_approve_with_a_token(stock: GatedSite) -> None:
    """The token of a request that waits for a moderator."""
    stock.browser('').post(f'{L}/confirm/', {'token': TOKEN}, secure=True)
    assert paths_changed(stock) == [f'POST lists/{NEWS}/requests/{TOKEN}']


def test_a_token_leads_to_our_own_page(forgotten: GatedSite) -> None:
    browser = forgotten.browser('')
    for answer in (
        browser.get(f'{L}/confirm/?token={TOKEN}', secure=True),
        browser.post(f'{L}/confirm/', {'token': TOKEN}, secure=True),
    ):
        assert answer.status_code == 303
        assert answer['Location'] == f'/signup/confirm/{TOKEN}/'
        assert answer['Referrer-Policy'] == 'no-referrer'
    assert forgotten.core.asked == []


@pytest.mark.parametrize('token', ['', 'a/b', 'a b', 'é', 'a' * 2000])
def test_no_token(forgotten: GatedSite, token: str) -> None:
    answer = forgotten.browser('').get(f'{L}/confirm/', {'token': token}, secure=True)
    assert answer.status_code == 404


# Configuring by other ways.


def test_a_moderator_decides_about_a_message(forgotten: GatedSite) -> None:
    browser = forgotten.browser('moderator')
    fields = {'msgid': '1', 'discard': '', 'moderation_choice': 'no-action'}
    browser.post(f'{L}/held_messages/moderate', fields, secure=True)
    assert paths_changed(forgotten) == [f'POST lists/{NEWS_ADDRESS}/held/1']


def test_a_moderator_lets_nobody_post_for_good(forgotten: GatedSite) -> None:
    fields = {'msgid': '1', 'accept': '', 'moderation_choice': 'accept'}
    path = f'{L}/held_messages/moderate'
    words = said(forgotten, 'moderator', path, **fields)
    assert 'This takes an administrator of the list' in words
    assert paths_changed(forgotten) == []
    answer = forgotten.browser('administrator').post(path, fields, secure=True)
    assert answer.status_code == 302


def move(site: GatedSite, role: str) -> int:
    """The administrator moves a membership to another address."""
    number = f'{role}-administrator-example-gov-news-example-gov'
    fields = {'member_id': number, 'subscriber': 'administrator@example.gov'}
    answer = site.browser('administrator').post(
        f'{L}/change_subscription', fields, secure=True
    )
    return int(answer.status_code)


def test_only_subscriptions_move_to_another_address(forgotten: GatedSite) -> None:
    """The rosters of owners and moderators follow the roles (R25)."""
    assert move(forgotten, 'owner') == 404
    members = forgotten.core.rosters[NEWS, 'member']
    members.append('administrator@example.gov')
    try:
        assert move(forgotten, 'member') == 302
    finally:
        members.remove('administrator@example.gov')


def test_staff_that_is_no_operator(forgotten: GatedSite, archive: Any) -> None:
    """`is_staff` alone opens things in stock."""
    user = forgotten.users['elsewhere']
    type(user).objects.filter(pk=user.pk).update(is_staff=True)
    try:
        path = f'/archives/list/{NEWS_ADDRESS}/delete/'
        assert 'operators' in said(forgotten, 'elsewhere', path)
        assert 'operators' in said(forgotten, 'elsewhere', '/admin/')
    finally:
        type(user).objects.filter(pk=user.pk).update(is_staff=False)


# What the pages say (R24).


def test_the_page_for_a_new_list(forgotten: GatedSite) -> None:
    with override_settings(SUPPORT_ADDRESS='help@example.gov'):
        words = said(forgotten, 'administrator', f'{LISTS}/new/')
    assert 'href="/forms/#list-request"' in words
    assert 'href="mailto:help@example.gov?subject=New%20list"' in words
    assert paths_changed(forgotten) == []


@pytest.mark.parametrize(
    ('name', 'path', 'words'),
    [
        ('member', f'{L}/settings/', 'You need a role for this page'),
        ('owner_without_role', f'{L}/held_messages', 'href="/harp/no-role/"'),
        ('elsewhere', f'{L}/settings/', 'This is not one of your lists'),
        ('elsewhere', f'{L}/held_messages', f'<strong>{NEWS}</strong>'),
        ('moderator', f'{L}/settings/', 'This takes an administrator of the list'),
        ('moderator', f'{L}/settings/', f'href="{L}/held_messages"'),
        ('owner_as_moderator', f'{L}/csv_view/', 'This takes an administrator'),
        ('administrator', '/mailman3/domains/', 'This page is for operators'),
    ],
)
def test_why_not(forgotten: GatedSite, name: str, path: str, words: str) -> None:
    assert words in said(forgotten, name, path)


def test_what_is_in_an_address_is_shown_as_text(forgotten: GatedSite) -> None:
    words = said(forgotten, 'elsewhere', f'{LISTS}/<script>x/settings/')
    assert '<script>x' not in words
    assert '&lt;script&gt;x' in words


def test_nobody_signs_in_and_comes_back(forgotten: GatedSite) -> None:
    browser = forgotten.browser('')
    answer = browser.get(f'{L}/settings/digest?a=1', secure=True)
    assert answer['Location'] == f'/accounts/login/?next={L}/settings/digest%3Fa%3D1'
    assert answer['Cache-Control'] == 'no-store'
    answer = browser.post(f'{L}/delete', secure=True)
    assert answer['Location'] == '/accounts/login/?next=/start/'


# Whose rights a session carries (R26, R27).


def test_a_password_carries_no_rights(forgotten: GatedSite) -> None:
    """The administrator, on the roster and with the role, by a local password."""
    browser = forgotten.browser('administrator', password=True)
    for path in (f'{L}/settings/', f'{L}/held_messages'):
        answer = browser.get(path, secure=True)
        assert answer.status_code == 403
        assert 'Sign in through HARP' in text_of(answer)
    assert 'GET plugins/qnet/roles/rights' not in forgotten.core.asked


def test_a_superusers_password_counts_where_it_is_let_in(
    forgotten: GatedSite,
) -> None:
    path = '/mailman3/domains/'
    browser = forgotten.browser('operator', password=True)
    with override_settings(LOCAL_SUPERUSERS=True):
        assert browser.get(path, secure=True).status_code == 200
    answer = browser.get(path, secure=True)
    assert answer.status_code == 403
    assert 'cannot sign in with a password' in text_of(answer)


def test_is_operator_says_no_to_a_password_on_its_own(
    forgotten: GatedSite,
) -> None:
    """Whatever the other middleware does."""
    request = HttpRequest()
    request.user = forgotten.users['operator']
    request.session = {}
    assert not Access(request).is_operator
    with override_settings(LOCAL_SUPERUSERS=True):
        assert Access(request).is_operator


def test_the_archives_api_takes_no_password(forgotten: GatedSite, archive: Any) -> None:
    """It would go round the sign-in page, and what that allows."""
    user = forgotten.users['operator']
    user.set_password('correct horse')
    user.save()
    try:
        secret = base64.b64encode(b'operator:correct horse').decode()
        answer = forgotten.browser('').get(
            f'/archives/api/list/{NEWS_ADDRESS}/emails/',
            secure=True,
            headers={'authorization': f'Basic {secret}'},
        )
        assert answer.status_code == 302
        answer = forgotten.browser('').get(
            '/archives/api/lists/',
            secure=True,
            headers={'authorization': 'Basic bm9ib2R5Om5v'},
        )
        assert answer.status_code == 200
    finally:
        user.set_unusable_password()
        user.save()
        # A new password ends the sessions of before.
        forgotten.cookies.pop(('operator', False), None)
        forgotten.cookies.pop(('operator', True), None)


def test_a_revocation_reaches_an_open_browser_within_a_minute(
    forgotten: GatedSite, archive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = forgotten.browser('administrator')
    paths = (
        f'{L}/settings/digest',
        f'{L}/held_messages',
        f'{L}/members/owner/',
        f'/mailman3/api/list/{NEWS}/held_message/1/',
        f'/archives/list/{NEWS_ADDRESS}/',
        f'/archives/list/{NEWS_ADDRESS}/thread/{"T" * 32}/delete',
        f'/archives/api/list/{NEWS_ADDRESS}/email/{"M" * 32}/',
    )
    begin = time.time()
    monkeypatch.setattr(time, 'time', lambda: begin)
    for path in paths:
        assert browser.get(path, secure=True).status_code == 200
    monkeypatch.setitem(forgotten.core.rights, 'administrator', {})
    # Still on the roster: core's projection is not asked.
    monkeypatch.setattr(time, 'time', lambda: begin + 60)
    for path in paths:
        assert browser.get(path, secure=True).status_code == 403
        assert browser.post(path, secure=True).status_code == 403


def test_a_new_role_opens_the_list_within_a_minute(
    forgotten: GatedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = forgotten.browser('member')
    begin = time.time()
    monkeypatch.setattr(time, 'time', lambda: begin)
    assert browser.get(f'{L}/settings/digest', secure=True).status_code == 403
    rights = {'roles': ['administrator'], 'administers': [NEWS]}
    monkeypatch.setitem(forgotten.core.rights, 'member', rights)
    monkeypatch.setattr(time, 'time', lambda: begin + 60)
    assert browser.get(f'{L}/settings/digest', secure=True).status_code == 200


def test_while_core_is_down_nobody_has_rights(forgotten: GatedSite) -> None:
    forgotten.core.down = True
    try:
        browser = forgotten.browser('administrator')
        assert browser.get(f'{L}/settings/', secure=True).status_code == 403
    finally:
        forgotten.core.down = False


def test_nothing_of_it_is_stored_on_the_account(forgotten: GatedSite) -> None:
    browser = forgotten.browser('administrator')
    assert browser.get(f'{L}/settings/digest', secure=True).status_code == 200
    name = {'username': 'administrator', 'first_name': 'Ad', 'last_name': 'Min'}
    fields = {**name, 'timezone': 'UTC'}
    browser.post('/user-profile/', fields, secure=True)
    user = forgotten.users['administrator']
    user.refresh_from_db()
    assert user.first_name == 'Ad'
    assert not user.is_superuser
    assert not user.is_staff


# Our own decorators.


def test_the_decorators(forgotten: GatedSite) -> None:
    def view(request: HttpRequest, list_id: str) -> HttpResponse:
        return HttpResponse(list_id)

    def status(decorator: Any, rights: Rights | None) -> int:
        request = HttpRequest()
        request.method = 'GET'
        request.session = {}
        request.resolver_match = SimpleNamespace(view_name='x', namespace='')
        request.user = AnonymousUser()
        request.qnet = Access(request)
        if rights is not None:
            request.user = forgotten.users['member']
            request.qnet._rights = rights
        return int(decorator(view)(request, list_id=NEWS_ADDRESS).status_code)

    moderates = Rights(frozenset({'moderator'}), moderates=frozenset({NEWS}))
    administers = Rights(frozenset({'administrator'}), administers=frozenset({NEWS}))
    for rights, administrator, moderator in (
        (None, 302, 302),
        (Rights(), 403, 403),
        (Rights(frozenset({'administrator'})), 403, 403),
        (moderates, 403, 200),
        (administers, 200, 200),
    ):
        assert status(administrators_only, rights) == administrator
        assert status(moderators_only, rights) == moderator
