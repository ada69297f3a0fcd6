# SPDX-License-Identifier: GPL-3.0-or-later
"""HyperKitty's copy of a policy says public, and core says private, or nothing."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings
from haystack.query import SearchQuerySet
from hyperkitty.models import ArchivePolicy, Favorite, Tag, Tagging, Vote
from whoosh.qparser.common import QueryParserError

from qnet_mailman.web.gate.public_archives import public_archives
from tests.web.gate.asking import text_of
from tests.web.gate.conftest import GatedSite, an_archive
from tests.web.gate.stub_mailman import NEWS_ADDRESS
from tests.web.gate.test_gate_archives import publish
from tests.web.gate.test_gate_matrix import PAGES

#: People who may read no archive of the list.
STRANGERS = ('', 'owner_without_role', 'elsewhere')
SECRETS = (b'Quarterly', b'secret text', b'Attached numbers', b'Ann Author', b'a-tag')
#: All that a site has below HyperKitty's address.
ARCHIVES = [page for page in PAGES if page.path.startswith('/archives/')]


@pytest.fixture
def private(forgotten: GatedSite) -> Iterator[Any]:
    """The archive, with something to find at every turn."""
    from django.utils.timezone import now

    mlist = an_archive()
    email = mlist.emails.get()
    email.sender_name = 'Ann Author'
    email.save()
    email.thread.date_active = now()
    email.thread.save()
    email.attachments.update(content=b'Attached numbers', size=16)
    Tagging.objects.create(
        thread=email.thread,
        user=forgotten.users['member'],
        tag=Tag.objects.create(name='a-tag'),
    )
    for user in forgotten.users.values():
        Favorite.objects.create(thread=email.thread, user=user)
        Vote.objects.create(email=email, user=user, value=1)
    yield mlist
    mlist.delete()
    Tag.objects.all().delete()


def body_of(response: Any) -> bytes:
    content = response.getvalue()
    return gzip.decompress(content) if content.startswith(b'\x1f\x8b') else content


def what_is_shown(site: GatedSite, *people: str) -> set[tuple[str, str, bytes]]:
    """Person, page and secret, for all that any page of the archives shows."""
    shown = set()
    for page in ARCHIVES:
        for name in people:
            for password in (False, True) if name else (False,):
                browser = site.browser(name, password=password)
                response = browser.get(page.path, secure=True)
                body = body_of(response)
                shown |= {(name, page.name, each) for each in SECRETS if each in body}
    return shown


@pytest.mark.parametrize('copied', ['public', 'never'])
def test_no_page_shows_it(forgotten: GatedSite, private: Any, copied: str) -> None:
    private.archive_policy = ArchivePolicy[copied].value
    private.save()
    assert what_is_shown(forgotten, *STRANGERS) == set()


def test_that_would_have_been_seen(forgotten: GatedSite, private: Any) -> None:
    shown = what_is_shown(forgotten, 'member')
    assert {secret for _name, _page, secret in shown} == set(SECRETS)
    assert len({page for _name, page, _secret in shown}) > 14
    publish(forgotten, private)
    assert len({page for _name, page, _s in what_is_shown(forgotten, '')}) > 14


ANSWERS = [(503, None), (404, None), (200, None), (200, {'public': NEWS_ADDRESS})]
ANSWERS += [(200, {'public': [NEWS_ADDRESS, 1]}), (200, {'public': {NEWS_ADDRESS: 1}})]


@pytest.mark.parametrize('answer', ANSWERS, ids=str)
def test_core_gives_no_answer(
    forgotten: GatedSite,
    private: Any,
    monkeypatch: pytest.MonkeyPatch,
    answer: tuple[int, Any],
) -> None:
    """What is unknown is private: every page, for whoever is not a member."""
    stock = forgotten.core.answer

    def respond(method: str, path: str, query: Any) -> Any:
        asked = path == 'plugins/qnet/archives'
        return answer if asked else stock(method, path, query)

    monkeypatch.setattr(forgotten.core, 'answer', respond)
    assert what_is_shown(forgotten, '', 'elsewhere') == set()
    assert public_archives() == frozenset()


QUESTION = 'GET plugins/qnet/archives'
LATEST = f'/archives/list/{NEWS_ADDRESS}/latest'


def test_one_question_for_all_pages(forgotten: GatedSite, private: Any) -> None:
    forgotten.core.public.add(NEWS_ADDRESS)
    browser = forgotten.browser('')
    for path in ('/archives/', LATEST, '/archives/api/lists/', LATEST):
        assert browser.get(path, secure=True).status_code == 200
    assert forgotten.core.asked.count(QUESTION) == 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as the cache and we have it; a test changes it."""
    now = [1_800_000_000.0]
    monkeypatch.setattr('time.time', lambda: now[0])
    return now


@pytest.mark.parametrize('setting', [60, 86400])
def test_core_changes_its_mind(
    forgotten: GatedSite, private: Any, clock: list[float], setting: int
) -> None:
    """What is public closes within a minute, whatever a setting says."""
    with override_settings(RIGHTS_CACHE_SECONDS=setting):
        visitor = forgotten.browser('')
        forgotten.core.public.add(NEWS_ADDRESS)
        assert visitor.get(LATEST, secure=True).status_code == 200
        forgotten.core.public.clear()
        clock[0] += 60
        assert visitor.get(LATEST, secure=True).status_code == 302


def test_an_archive_opens_at_once(
    forgotten: GatedSite, private: Any, clock: list[float]
) -> None:
    """Strangers do not wait until the answer is old, and do not make core busy."""
    visitor = forgotten.browser('')
    for _ in range(5):
        assert visitor.get(LATEST, secure=True).status_code == 302
    assert forgotten.core.asked.count(QUESTION) == 1
    forgotten.core.public.add(NEWS_ADDRESS)
    clock[0] += 1
    assert visitor.get(LATEST, secure=True).status_code == 200
    assert forgotten.core.asked.count(QUESTION) == 2


def test_core_that_is_away_is_left_alone(
    forgotten: GatedSite, private: Any, clock: list[float]
) -> None:
    visitor = forgotten.browser('')
    forgotten.core.public.add(NEWS_ADDRESS)
    forgotten.core.down = True
    try:
        for _ in range(5):
            clock[0] += 0.9
            assert visitor.get(LATEST, secure=True).status_code == 503
        assert forgotten.core.asked.count(QUESTION) == 1
    finally:
        forgotten.core.down = False
    clock[0] += 5
    assert visitor.get(LATEST, secure=True).status_code == 200


#: Pages that tell which archives there are.
OVERVIEWS = ('/archives/', '/archives/find-list?term=news', '/archives/api/lists/')


@pytest.mark.parametrize('path', OVERVIEWS)
def test_which_archives_there_are(
    forgotten: GatedSite, private: Any, path: str
) -> None:
    browser = forgotten.browser('')
    assert NEWS_ADDRESS not in text_of(browser.get(path, secure=True))
    publish(forgotten, private)
    assert NEWS_ADDRESS in text_of(browser.get(path, secure=True))


# Searching.

NAMESAKE = f'staff-{NEWS_ADDRESS}'


@pytest.fixture
def namesakes(forgotten: GatedSite) -> Iterator[Any]:
    """A public archive, and a private one whose name ends like its."""
    public, other = an_archive(), an_archive(NAMESAKE)
    public.emails.update(subject='Minutes', content='Nothing.')
    publish(forgotten, public)
    call_command('rebuild_index', interactive=False, verbosity=0)
    yield other
    call_command('clear_index', interactive=False, verbosity=0)
    public.delete()
    other.delete()


@pytest.mark.parametrize('mlist', ['', f'&mlist={NEWS_ADDRESS}'])
def test_searching_beside_a_namesake(
    forgotten: GatedSite, namesakes: Any, mlist: str
) -> None:
    """Nothing of it, nor whether there is anything."""
    browser = forgotten.browser('')
    page = text_of(browser.get(f'/archives/search?q=secret{mlist}', secure=True))
    assert 'Quarterly' not in page
    assert '>0 messages<' in page
    page = text_of(browser.get(f'/archives/search?q=minutes{mlist}', secure=True))
    assert '>1 message<' in page


def test_threads_of_a_namesake_are_not_suggested(
    forgotten: GatedSite, namesakes: Any
) -> None:
    path = f'/archives/list/{NEWS_ADDRESS}/thread/{"T" * 32}/reattach'
    browser = forgotten.browser('administrator')
    page = browser.get(f'{path}?q=secret', secure=True)
    assert page.status_code == 200
    assert 'No messages like these' in text_of(page)


def test_a_query_that_cannot_be_read(
    forgotten: GatedSite, namesakes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_args: Any) -> Any:
        raise QueryParserError(ValueError())

    monkeypatch.setattr(SearchQuerySet, '__getitem__', unreadable)
    page = forgotten.browser('').get('/archives/search?q=x', secure=True)
    assert page.status_code == 200
    assert 'This query cannot be read.' in text_of(page)


def test_searching_for_nothing_or_nowhere(forgotten: GatedSite, namesakes: Any) -> None:
    browser = forgotten.browser('')
    for query in ('', '?q=', '?q=%20', '?q=minutes&page=99&count=x'):
        page = browser.get(f'/archives/search{query}', secure=True)
        assert page.status_code == 200
    page = browser.get('/archives/search?q=x&mlist=gone@example.gov', secure=True)
    assert page.status_code == 404
