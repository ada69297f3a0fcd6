# SPDX-License-Identifier: GPL-3.0-or-later
"""What HyperKitty's pages about people tell strangers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from hyperkitty.models import Favorite, LastView, Sender, Tag, Tagging, Vote
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.web.gate.profiles import shown_name
from tests.web.gate.asking import text_of
from tests.web.gate.conftest import GatedSite, an_archive
from tests.web.gate.stub_mailman import NEWS_ADDRESS
from tests.web.gate.test_gate_archives import publish

AUTHOR = 'a@example.org'
PROFILE = '/archives/users/id-of-a/'
POSTS = f'{PROFILE}posts?list={NEWS_ADDRESS}'


@pytest.fixture
def private(forgotten: GatedSite) -> Iterator[Any]:
    mlist = an_archive()
    yield mlist
    mlist.delete()


def name_author(mlist: Any, name: str) -> None:
    mlist.emails.update(sender_name=name)


@pytest.mark.parametrize('name', ['', AUTHOR, f'Ann <{AUTHOR}>', f'"{AUTHOR}"'])
@pytest.mark.parametrize('person', ['', 'elsewhere', 'member'])
def test_no_page_about_people_shows_an_address(
    forgotten: GatedSite, private: Any, name: str, person: str
) -> None:
    publish(forgotten, private)
    name_author(private, name)
    email = private.emails.get()
    for user in forgotten.users.values():
        Favorite.objects.create(thread=email.thread, user=user)
        LastView.objects.create(thread=email.thread, user=user)
        Vote.objects.create(email=email, user=user, value=1)
    pages = [PROFILE, POSTS, '/archives/profile/']
    pages += [f'/archives/profile/{each}' for each in ('favorites', 'votes')]
    pages += ['/archives/profile/last_views', '/archives/profile/subscriptions']
    seen = {
        path: forgotten.browser(person).get(path, secure=True, follow=True)
        for path in pages
    }
    assert seen[PROFILE].status_code == 200
    for path, response in seen.items():
        page = text_of(response)
        assert AUTHOR not in page, path
        assert AUTHOR.replace('@', '\uff20') not in page or path == POSTS


def test_an_operator_sees_the_addresses(forgotten: GatedSite, private: Any) -> None:
    page = forgotten.browser('operator').get('/archives/users/id-of-a/', secure=True)
    assert 'a@example.gov' in text_of(page)


def test_nobody_learns_whether_core_knows_an_address(
    forgotten: GatedSite, private: Any
) -> None:
    """Stock asks core for anybody, by identifier or by address (R13)."""
    for name in ('', 'elsewhere'):
        for who in ('member@example.gov', 'id-of-member', 'nobody@example.gov', '1'):
            path = f'/archives/users/{who}/'
            answer = forgotten.browser(name).get(path, secure=True)
            assert answer.status_code == 404
    about = [asked for asked in forgotten.core.asked if 'users/' in asked]
    assert not [asked for asked in about if 'elsewhere' not in asked]


def test_a_profile_is_for_those_who_read_something_of_the_person(
    forgotten: GatedSite, private: Any
) -> None:
    name_author(private, 'Ann Author')
    for name in ('', 'elsewhere', 'owner_without_role'):
        answer = forgotten.browser(name).get(PROFILE, secure=True)
        assert answer.status_code == 404
    for name in ('member', 'moderator'):
        answer = forgotten.browser(name).get(PROFILE, secure=True)
        assert 'Ann Author' in text_of(answer)


def test_a_name_from_a_private_list_is_not_told_on_a_public_one(
    forgotten: GatedSite, private: Any
) -> None:
    publish(forgotten, private)
    other = an_archive('other@example.gov')
    name_author(other, 'Ann Private')
    name_author(private, 'Ann')
    try:
        for path in (PROFILE, POSTS):
            page = text_of(forgotten.browser('member').get(path, secure=True))
            assert 'Ann' in page and 'Ann Private' not in page
        private.emails.update(sender=Sender.objects.create(address='b@example.org'))
        answer = forgotten.browser('member').get(POSTS, secure=True)
        assert answer.status_code == 404
    finally:
        other.delete()


def test_an_address_that_somebody_only_claims(
    forgotten: GatedSite, private: Any
) -> None:
    """Stock shows what its owner wrote to private lists."""
    user = forgotten.users['elsewhere']
    claimed = EmailAddress.objects.create(user=user, email=AUTHOR, verified=False)
    browser = forgotten.browser('elsewhere')
    try:
        page = text_of(browser.get('/archives/profile/', secure=True))
        assert 'Quarterly' not in page
        # Nor what they wrote themselves to a list that they have left.
        claimed.verified = True
        claimed.save()
        page = text_of(browser.get('/archives/profile/', secure=True))
        assert 'Quarterly' not in page
        publish(forgotten, private)
        page = text_of(browser.get('/archives/profile/', secure=True))
        assert 'Quarterly' in page
    finally:
        claimed.delete()


def test_tags_of_other_lists_are_not_suggested(
    forgotten: GatedSite, private: Any
) -> None:
    publish(forgotten, private)
    other = an_archive('other@example.gov')
    user = forgotten.users['member']
    tag = Tag.objects.create(name='merger')
    Tagging.objects.create(thread=other.threads.get(), user=user, tag=tag)
    path = f'/archives/list/{NEWS_ADDRESS}/thread/{"T" * 32}/suggest-tags'
    try:
        for query in ('', '?term=m', '?term='):
            answer = forgotten.browser('').get(path + query, secure=True)
            assert answer.content == b'[]'
    finally:
        other.delete()
        tag.delete()


@given(st.one_of(st.text(), st.emails(), st.none()))
def test_no_name_holds_an_address(name: str | None) -> None:
    shown = shown_name(name)
    assert shown and '@' not in shown
