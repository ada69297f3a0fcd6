# SPDX-License-Identifier: GPL-3.0-or-later
"""What stock pages let people do, and that they do not any more (R24-R27)."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from postorius.models import EmailTemplate

from qnet_mailman.web.gate.access import Access
from qnet_mailman.web.gate.decorators import administrators_only, moderators_only
from qnet_mailman.web.harp.rights import Rights
from tests.web.gate.asking import LISTS, L, paths_changed, said, stock, text_of
from tests.web.gate.conftest import GatedSite
from tests.web.gate.stub_mailman import NEWS, NEWS_ADDRESS, OTHER, TOKEN

__all__ = ['stock']

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


# One door.


def test_nobody_signs_in_at_the_database_pages(forgotten: GatedSite) -> None:
    path = '/admin/login/?next=/admin/'
    answer = forgotten.browser('').get(path, secure=True)
    assert answer['Location'].startswith('/accounts/login/?next=/admin/login/')
    assert forgotten.browser('administrator').get(path, secure=True).status_code == 403
    operator = forgotten.browser('operator')
    assert operator.get(path, secure=True)['Location'] == '/admin/'
    user = forgotten.users['operator']
    user.is_staff = False
    user.save()
    try:
        answer = operator.get(path, secure=True)
    finally:
        user.is_staff = True
        user.save()
    assert answer.status_code == 403
    assert b'type="password"' not in answer.content


def test_the_archives_api_is_for_programs(forgotten: GatedSite) -> None:
    answer = forgotten.browser('').get(
        '/archives/api/lists/', secure=True, headers={'accept': 'text/html'}
    )
    assert answer.status_code == 406 or answer['Content-Type'] == 'application/json'
    answer = forgotten.browser('').get('/archives/api/lists/', secure=True)
    assert answer['Content-Type'] == 'application/json'
