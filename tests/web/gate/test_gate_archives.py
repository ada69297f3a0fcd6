# SPDX-License-Identifier: GPL-3.0-or-later
"""Who reads which archive, by every way that leads to one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.test import modify_settings
from hyperkitty.api import thread
from hyperkitty.models import ArchivePolicy, Email, Favorite, LastView, Vote
from mailmanclient.restobjects.user import User

from qnet_mailman.web.gate import archives
from tests.web.gate.asking import GATE, text_of
from tests.web.gate.conftest import GatedSite, an_archive
from tests.web.gate.stub_mailman import NEWS, NEWS_ADDRESS

ARCHIVE = f'/archives/list/{NEWS_ADDRESS}/'
BY_HASH = (
    f'/archives/api/list/{NEWS_ADDRESS}/email/{"M" * 32}/',
    f'/archives/api/list/{NEWS_ADDRESS}/thread/{"T" * 32}/',
)
READERS = {'member', 'owner_as_moderator', 'moderator', 'administrator', 'operator'}
EVERYBODY = ('', 'owner_without_role', 'elsewhere', *sorted(READERS))


@pytest.fixture
def private(forgotten: GatedSite) -> Iterator[Any]:
    """The list's archive, for its members."""
    mlist = an_archive()
    yield mlist
    mlist.delete()


def publish(site: GatedSite, mlist: Any) -> None:
    """Let core say that the archive is public, and HyperKitty's copy not yet."""
    site.core.public.add(mlist.name)
    mlist.archive_policy = ArchivePolicy.private.value
    mlist.save()
    cache.clear()


def who_sees(site: GatedSite, path: str, text: str) -> set[str]:
    """The people in whose answer there is a text."""
    return {
        name
        for name in EVERYBODY
        if text in text_of(site.browser(name).get(path, secure=True))
    }


@pytest.mark.parametrize('path', BY_HASH)
def test_stock_shows_private_mail_by_its_hash(
    forgotten: GatedSite, private: Any, path: str
) -> None:
    with modify_settings(MIDDLEWARE={'remove': [GATE]}):
        answer = forgotten.browser('').get(path, secure=True)
    assert 'Quarterly numbers' in text_of(answer)


@pytest.mark.parametrize('path', BY_HASH)
def test_private_mail_by_its_hash(
    forgotten: GatedSite, private: Any, path: str
) -> None:
    assert who_sees(forgotten, path, 'Quarterly numbers') == READERS


def test_a_public_archive_is_for_everybody(forgotten: GatedSite, private: Any) -> None:
    publish(forgotten, private)
    for path in (*BY_HASH, f'{ARCHIVE}thread/{"T" * 32}/'):
        assert who_sees(forgotten, path, 'Quarterly numbers') == set(EVERYBODY)


def test_an_archive_without_a_list_any_more(forgotten: GatedSite, private: Any) -> None:
    """Stock shows everybody what was private until archiving was stopped."""
    private.archive_policy = ArchivePolicy.never.value
    private.save()
    path = f'{ARCHIVE}thread/{"T" * 32}/'
    assert who_sees(forgotten, path, 'Quarterly numbers') == READERS


def test_what_there_is(forgotten: GatedSite, private: Any) -> None:
    """The start page of the archives names the archives that one can read."""
    assert who_sees(forgotten, '/archives/', NEWS_ADDRESS) == READERS


def test_the_posts_of_a_person(forgotten: GatedSite, private: Any) -> None:
    path = f'/archives/users/id-of-a/posts?list={NEWS_ADDRESS}'
    assert who_sees(forgotten, path, 'The secret text.') == READERS


@pytest.fixture
def index(web: Path, private: Any) -> Iterator[None]:
    """What HyperKitty searches, of the one message."""
    call_command('rebuild_index', interactive=False, verbosity=0)
    yield
    call_command('clear_index', interactive=False, verbosity=0)


@pytest.mark.parametrize(
    ('query', 'expected'),
    [
        # As in stock, an operator looks into a private archive to search it.
        ('?q=secret', READERS - {'operator'}),
        (f'?q=secret&mlist={NEWS_ADDRESS}', READERS),
    ],
)
@pytest.mark.parametrize('order', ['', '&sort=date-asc', '&sort=date-desc'])
def test_searching(
    forgotten: GatedSite,
    private: Any,
    index: None,
    query: str,
    expected: set[str],
    order: str,
) -> None:
    query += order
    found = who_sees(forgotten, f'/archives/search{query}', 'Quarterly numbers')
    assert found == expected


def test_searching_what_is_public(
    forgotten: GatedSite, private: Any, index: None
) -> None:
    publish(forgotten, private)
    found = who_sees(forgotten, '/archives/search?q=secret', 'Quarterly numbers')
    assert found == set(EVERYBODY)


def test_a_subscription_counts_by_a_verified_address(
    forgotten: GatedSite, private: Any
) -> None:
    browser = forgotten.browser('member')
    addresses = EmailAddress.objects.filter(user=forgotten.users['member'])
    addresses.update(verified=False)
    try:
        assert browser.get(ARCHIVE, secure=True).status_code == 403
        cache.clear()
        addresses.update(verified=True, email='Member@Example.gov')
        assert browser.get(ARCHIVE, secure=True).status_code == 200
    finally:
        addresses.update(verified=True, email='member@example.gov')


def test_a_member_signed_in_with_a_password_reads(
    forgotten: GatedSite, private: Any
) -> None:
    browser = forgotten.browser('member', password=True)
    assert browser.get(ARCHIVE, secure=True).status_code == 200
    browser = forgotten.browser('administrator', password=True)
    answer = browser.get(ARCHIVE, secure=True)
    assert answer.status_code == 403
    assert 'This archive is private' in text_of(answer)


def test_while_core_is_down_members_do_not_read(
    forgotten: GatedSite, private: Any
) -> None:
    forgotten.core.down = True
    try:
        answer = forgotten.browser('member').get(ARCHIVE, secure=True)
        assert answer.status_code == 503
    finally:
        forgotten.core.down = False


def test_core_goes_down_in_between(
    forgotten: GatedSite, private: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(_user: Any) -> Any:
        raise HTTPError('', 503, 'Service Unavailable', None, None)

    monkeypatch.setattr(User, 'subscriptions', property(down))
    answer = forgotten.browser('member').get(ARCHIVE, secure=True)
    assert answer.status_code == 403


def test_no_such_archive(forgotten: GatedSite) -> None:
    for path in (
        '/archives/list/gone@example.gov/',
        '/archives/api/list/gone@example.gov/threads/',
    ):
        assert forgotten.browser('').get(path, secure=True).status_code == 404


@pytest.mark.parametrize('name', ['favorites', 'last_views', 'votes'])
def test_what_somebody_marked_while_they_could_read(
    forgotten: GatedSite, private: Any, name: str
) -> None:
    email = private.emails.get()
    for user in forgotten.users.values():
        Favorite.objects.create(thread=email.thread, user=user)
        LastView.objects.create(thread=email.thread, user=user)
        Vote.objects.create(email=email, user=user, value=1)
    path = f'/archives/profile/{name}'
    assert who_sees(forgotten, path, 'Quarterly numbers') == READERS
    publish(forgotten, private)
    found = who_sees(forgotten, path, 'Quarterly numbers')
    assert found == set(EVERYBODY) - {''}


DELETE = f'{ARCHIVE}message/{"M" * 32}/delete'


def count() -> int:
    return int(Email.objects.count())


@pytest.mark.parametrize(
    'name', ['owner_without_role', 'owner_as_moderator', 'moderator', 'member']
)
def test_who_deletes_no_message(forgotten: GatedSite, private: Any, name: str) -> None:
    data = {'email': [private.emails.get().pk]}
    answer = forgotten.browser(name).post(DELETE, data, secure=True)
    assert answer.status_code == 403
    assert count() == 1


def test_an_administrator_deletes_a_message(
    forgotten: GatedSite, private: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one whom the roster has under another address."""
    monkeypatch.setitem(forgotten.core.rosters, (NEWS, 'owner'), ['else@example.org'])
    data = {'email': [private.emails.get().pk]}
    answer = forgotten.browser('administrator').post(DELETE, data, secure=True)
    assert answer.status_code == 302
    assert count() == 0


def test_who_is_offered_to_delete(forgotten: GatedSite, private: Any) -> None:
    path = f'{ARCHIVE}thread/{"T" * 32}/'
    offered = who_sees(forgotten, path, f'{"T" * 32}/delete')
    assert offered == {'administrator', 'operator'}
    # Stock asks core at every page.
    assert f'GET lists/{NEWS_ADDRESS}/roster/owner' not in forgotten.core.asked


def test_another_hyperkitty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(thread, 'is_mlist_authorized')
    with pytest.raises(ImproperlyConfigured, match=r'hyperkitty\.api\.thread'):
        archives.install()
