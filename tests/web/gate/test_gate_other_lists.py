# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists without one of our styles: who they say, by whichever sign-in (R40).

What looks after such a list gives nothing on ours, and the other way round.
"""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from postorius.models import EmailTemplate

from qnet_mailman.web.gate.access import Access
from qnet_mailman.web.gate.middleware import GateMiddleware
from qnet_mailman.web.gate.rosters import cut_with_roles
from qnet_mailman.web.harp.rights import NO_RIGHTS, Rights
from tests.web.gate.asking import LISTS, L, paths_changed, text_of
from tests.web.gate.conftest import GatedSite, an_archive
from tests.web.gate.stub_mailman import (
    NEWS,
    NEWS_ADDRESS,
    STOCK,
    STOCK_ADDRESS,
)
from tests.web.gate.test_gate_matrix import EVERYBODY, PAGES, Page, answer_of

T = f'{LISTS}/{STOCK}'
HELD = {'msgid': '1', 'accept': '', 'moderation_choice': 'accept'}
NEW_OWNER = {'email': 'new@example.gov', 'display_name': ''}
#: Whose row of the table a person's is on the other list: the same right, there.
LIKE = {
    'owner': 'administrator',
    'helper': 'moderator',
    'reader': 'member',
    'administrator': 'elsewhere',
    '': '',
    'operator': 'operator',
}
#: Those of them who sign in with a password.
LOCAL = ('owner', 'helper', 'reader')
#: Where stock says otherwise than we do.
MORE = {
    'hk_thread_set_category': 'oooxso',
    'list_delete': 'oxxxso',
    'rest_template': 'oooooo',
}
#: What the gate leaves to a setting of the list or the site.
LEFT = ('list_members', 'hk_message_new', 'hk_message_reply', 'hk_user_posts')
OURS = ('qnet_list', 'qnet_member')


@pytest.fixture(scope='module')
def both(site: GatedSite) -> GatedSite:
    """The site with a list of another style, its owner, and its moderator."""
    site.core.lists.append(STOCK)
    site.core.stock.add(STOCK)
    for name, role in zip(LOCAL, ('owner', 'moderator', 'member'), strict=True):
        site.add(name)
        site.core.rosters[STOCK, role] = [f'{name}@example.gov']
        # On rosters of ours, too, behind our back.
        site.core.rosters[NEWS, role].append(f'{name}@example.gov')
    for address in (NEWS_ADDRESS, STOCK_ADDRESS):
        an_archive(address)
    return site


@pytest.fixture
def other(both: GatedSite, forgotten: GatedSite) -> GatedSite:
    """The same; nothing is cached."""
    return forgotten


@pytest.fixture
def gate_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the gate there is an empty page."""
    judged = GateMiddleware.process_view

    def judge(self: GateMiddleware, request: HttpRequest, *rest: Any) -> HttpResponse:
        return judged(self, request, *rest) or HttpResponse()

    monkeypatch.setattr(GateMiddleware, 'process_view', judge)


def answers(browser: Client, page: Page, method: str, list_id: str) -> str:
    """The letter for what a browser gets for a page of a list."""
    path = page.path.replace(NEWS_ADDRESS, list_id.replace('.', '@', 1))
    send = getattr(browser, method)
    response = send(path.replace(NEWS, list_id), page.data, secure=True)
    is_missing = response.status_code == 404 and page.name.startswith(OURS)
    return '404' if is_missing else answer_of(response, page)


@pytest.mark.parametrize('method', ['get', 'post'])
@pytest.mark.usefixtures('gate_alone')
def test_every_page_of_a_list(other: GatedSite, method: str) -> None:
    """With a password: as on stock there, and as nobody's on ours."""
    pages = [
        page
        for page in PAGES
        if (NEWS in page.path or NEWS_ADDRESS in page.path) and page.name not in LEFT
    ]
    assert len(pages) > 70
    wrong = []
    for number, (name, like) in enumerate(LIKE.items()):
        browser = other.browser(name, password=name in LOCAL)
        for page in pages:
            letters = (page.post or page.get) if method == 'post' else page.get
            expected = letters[EVERYBODY.index(like)]
            if page.name in MORE:
                expected = MORE[page.name][number]
            elif page.name.startswith(OURS) and expected == 'o':
                expected = '404'
            found = {STOCK: (answers(browser, page, method, STOCK), expected)}
            if name in LOCAL[:2]:
                nobodys = letters[EVERYBODY.index('elsewhere')]
                found[NEWS] = answers(browser, page, method, NEWS), nobodys
            wrong += [
                (page.name, name, list_id, got)
                for list_id, (got, wanted) in found.items()
                if got != wanted
            ]
    assert wrong == []


def sent(site: GatedSite, name: str, path: str, **data: str) -> Any:
    """What somebody gets with a password for a form, or a page where there is none."""
    browser = site.browser(name, password=True)
    if data:
        return browser.post(path, data, secure=True)
    return browser.get(path, secure=True)


#: What stock lets owners do, and moderators: page, form, and what core is then asked.
ACTS = (
    ('owner', 'members/owner/', NEW_OWNER, 'POST members'),
    (
        'owner',
        'remove/moderator/helper@example.gov',
        {'yes': '1'},
        f'DELETE lists/{STOCK_ADDRESS}/moderator/helper%40example.gov',
    ),
    (
        'owner',
        'settings/list_identity',
        {'display_name': 'Talks', 'description': 'x', 'advertised': 'False'},
        f'PATCH lists/{STOCK_ADDRESS}/config',
    ),
    ('owner', 'bans/', {'add': '', 'email': 'a@b.gov'}, f'POST lists/{STOCK}/bans'),
    ('owner', 'delete', {'yes': '1'}, f'DELETE lists/{STOCK}'),
    ('helper', 'held_messages/moderate', HELD, f'POST lists/{STOCK_ADDRESS}/held/1'),
)


@pytest.mark.parametrize(('name', 'below', 'form', 'act'), ACTS)
def test_what_stock_lets_them_do(
    other: GatedSite, name: str, below: str, form: dict[str, str], act: str
) -> None:
    """On their list it is done; the same on ours is refused, and changes nothing."""
    assert sent(other, name, f'{L}/{below}', **form).status_code == 403
    assert paths_changed(other) == []
    answer = sent(other, name, f'{T}/{below}', **form)
    assert answer.status_code == 302
    assert act in paths_changed(other)


def test_pages_of_the_list_open(other: GatedSite) -> None:
    for name, pages in {
        'owner': ('settings/bounce_processing', 'templates', 'members/owner/'),
        'helper': ('held_messages', 'subscription_requests', 'members/member/'),
    }.items():
        for below in pages:
            answer = sent(other, name, f'{T}/{below}')
            assert answer.status_code == 200
            menu = text_of(answer)
            assert f'href="{T}/held_messages"' in menu
            assert f'href="{T}/qualitynet/"' not in menu
            assert f'href="{T}/bounces/"' not in menu
    assert 'threshold-change' not in text_of(
        sent(other, 'owner', f'{T}/settings/bounce_processing')
    )


def test_its_owners_delete_from_its_archive_alone(other: GatedSite) -> None:
    """HyperKitty asks `is_owner`, whatever its page has let through."""
    for address, status in ((STOCK_ADDRESS, 200), (NEWS_ADDRESS, 403)):
        path = f'/archives/list/{address}/message/{"M" * 32}/delete'
        assert sent(other, 'owner', path).status_code == status


def test_core_fetches_its_texts_as_it_was_told_before(other: GatedSite) -> None:
    """Without a credential, as stock; those of ours it shows one for."""
    for list_id, status in ((STOCK, 200), (NEWS, 403)):
        text = EmailTemplate.objects.create(
            name='list:member:regular:footer',
            identifier=list_id,
            context='list',
            data='A footer.',
        )
        path = f'/mailman3/api/templates/list/{list_id}/{text.name}'
        answer = other.browser('').get(path, secure=True)
        text.delete()
        assert answer.status_code == status
        assert (b'A footer.' in answer.content) == (status == 200)
    other.core.down = True
    try:
        path = f'/mailman3/api/templates/list/{STOCK}/list:member:regular:footer'
        assert other.browser('').get(path, secure=True).status_code == 403
    finally:
        other.core.down = False


@pytest.mark.parametrize('name', ['owner', 'helper'])
def test_an_address_that_nobody_has_confirmed_counts_for_nothing(
    other: GatedSite, name: str
) -> None:
    addresses = EmailAddress.objects.filter(user=other.users[name])
    addresses.update(verified=False)
    try:
        assert sent(other, name, f'{T}/held_messages').status_code == 403
    finally:
        addresses.update(verified=True)


def test_a_list_that_has_just_been_adopted(other: GatedSite) -> None:
    """What was looked at a moment ago changes nothing on a list of ours."""
    assert sent(other, 'owner', f'{T}/settings/digest').status_code == 200
    other.core.stock.discard(STOCK)
    try:
        for below, form in (('members/owner/', NEW_OWNER), ('delete', {'yes': '1'})):
            assert sent(other, 'owner', f'{T}/{below}', **form).status_code == 403
    finally:
        other.core.stock.add(STOCK)
    assert paths_changed(other) == []


def test_while_core_is_away_nobody_has_any_right(other: GatedSite) -> None:
    request = RequestFactory().get('/')
    request.session = {}
    request.user = other.users['owner']
    other.core.down = True
    try:
        access = Access(request)
        assert not access.administers(STOCK)
        assert access.is_ours(STOCK)
    finally:
        other.core.down = False


# Where these lists need a role, too.


def test_a_role_may_be_asked_for(other: GatedSite) -> None:
    page = f'{T}/settings/digest'
    rights = other.core.rights
    with override_settings(OTHER_LISTS_NEED_ROLE=True):
        words = text_of(sent(other, 'owner', page))
        assert 'Sign in through HARP' in words
        browser = other.browser('owner')
        assert 'You need a role' in text_of(browser.get(page, secure=True))
        rights['owner'] = {'roles': ['administrator']}
        cache.clear()
        try:
            assert browser.get(page, secure=True).status_code == 200
            assert browser.get(f'{L}/settings/digest', secure=True).status_code == 403
        finally:
            del rights['owner']


def test_rosters_cut_with_roles() -> None:
    found = Rights(administers=frozenset({'a'}), moderates=frozenset({'b'}))
    for roles, expected in {
        ('administrator',): found,
        ('administrator', 'moderator'): found,
        ('moderator',): Rights(moderates=frozenset({'a', 'b'})),
        (): NO_RIGHTS,
    }.items():
        assert cut_with_roles(found, frozenset(roles)) == expected


# What the pages say.


@pytest.mark.parametrize('name', ['helper', 'member'])
def test_why_not_here(other: GatedSite, name: str) -> None:
    words = text_of(sent(other, name, f'{T}/settings/digest'))
    assert 'This takes an owner of the list' in words
    assert 'HARP' not in words


def test_my_lists(other: GatedSite) -> None:
    words = text_of(sent(other, 'owner', '/start/'))
    assert f'<a href="{T}/">Talk</a>' in words
    assert '<td>Owner</td>' in words
    assert NEWS not in words
    assert '/qualitynet/' not in words
    assert '/bounces/' not in words


def test_a_person_without_a_role_hears_of_their_lists(other: GatedSite) -> None:
    for name, lists in (('owner', True), ('member', False)):
        page = other.browser(name).get('/harp/no-role/', secure=True)
        assert ('href="/start/">the lists' in text_of(page)) == lists


def test_somebody_without_an_account_joins_with_stocks_form(other: GatedSite) -> None:
    browser = other.browser('')
    words = text_of(browser.get(f'{T}/', secure=True))
    assert f'action="{T}/anonymous_subscribe"' in words
    assert '/signup/?lists=' not in words
    form = {'email': 'new@example.org', 'display_name': ''}
    answer = browser.post(f'{T}/anonymous_subscribe', form, secure=True)
    assert answer['Location'] == f'{T}/'
    assert paths_changed(other) == ['POST members']
    answer = browser.post(f'{L}/anonymous_subscribe', form, secure=True)
    assert answer['Location'] == f'/signup/?lists={NEWS}'
    assert paths_changed(other) == ['POST members']
    strict = Client(enforce_csrf_checks=True, headers={'host': 'lists.example.gov'})
    answer = strict.post(f'{T}/anonymous_subscribe', form, secure=True)
    assert answer.status_code == 403
