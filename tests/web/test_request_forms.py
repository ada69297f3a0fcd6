# SPDX-License-Identifier: GPL-3.0-or-later
"""The page "Request forms" and the forms to download (R29)."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client, override_settings

from tests.web.caretakers import LIST_ID, administrator, as_person, known, moderator
from tests.web.conftest import StubCore

__all__ = ['administrator', 'as_person', 'moderator']

PATH = '/forms/'
KINDS = ('list-request', 'administrator-request', 'threshold-change', 'list-closure')
FORMATS = ('xlsx', 'pdf', 'yaml', 'json', 'csv')
CONTENT = b'PK\x03\x04 a spreadsheet\x00\xff'
BEGUN = f'/mailman3/lists/{LIST_ID}/forms/threshold-change.xlsx'


@pytest.fixture
def browser(web: object) -> Client:
    return Client(headers={'host': 'lists.example.gov'})


@pytest.fixture(autouse=True)
def nothing_remembered(web: object) -> Iterator[None]:
    """Core is asked again in every test."""
    cache.clear()
    yield
    cache.clear()


def offer(core: StubCore, path: str) -> None:
    core.answers[f'forms/empty/{path}'] = (
        200,
        {
            'name': path.replace('/', '.'),
            'media_type': 'application/x-test',
            'content': base64.b64encode(CONTENT).decode(),
        },
    )


def text_of(browser: Client, path: str = PATH, status: int = 200) -> str:
    answer = browser.get(path, secure=True)
    assert answer.status_code == status
    return re.sub(r'\s+', ' ', answer.content.decode())


def test_the_page_has_every_form_in_every_format(
    core: StubCore, browser: Client
) -> None:
    page = text_of(browser)
    assert core.asked == [], 'the page is there without core'
    links = set(re.findall(r'href="/forms/([^"]+)"', page))
    files = {f'{kind}.{each}' for kind in KINDS for each in FORMATS}
    assert links == files | {f'{kind}/' for kind in KINDS}
    for kind in KINDS:
        section = page.partition(f'<h2 id="{kind}"')[2].partition('</section>')[0]
        assert 'Who may ask:' in section
        assert 'What happens then:' in section
    # Each link says of which form it is, without the text around it.
    names = re.findall(r'<a [^>]*href="/forms/[^"]+">(.*?)</a>', page)
    assert len(set(names)) == len(links)


def test_where_to_send_it(browser: Client) -> None:
    assert 'mailto:' not in text_of(browser)
    assert 'to the people who run this service.' in text_of(browser)
    with override_settings(SUPPORT_ADDRESS='help@example.gov'):
        link = 'own e-mail address to <a href="mailto:help@example.gov?subject=Request'
        assert link in text_of(browser)
        with override_settings(FORMS_ADDRESS='requests@lists.example.gov'):
            page = text_of(browser)
    assert 'address to <a href="mailto:requests@lists.example.gov?subject=' in page
    assert 'Questions? Write to <a href="mailto:help@example.gov">' in page


def test_the_sites_pages_lead_there(browser: Client) -> None:
    for path in ('/', '/signup/done/'):
        assert 'href="/forms/"' in text_of(browser, path)


def test_what_the_agency_has_to_name_stands_below_each_page(browser: Client) -> None:
    link = '<a href="https://agency.example.gov/foia?a=1&amp;b">FOIA</a>'
    with override_settings(
        AGENCY_LINKS={'FOIA': 'https://agency.example.gov/foia?a=1&b'}
    ):
        for path in ('/', '/forms/', '/signup/done/', '/accounts/login/', '/archives/'):
            assert link in text_of(browser, path)


def test_a_form_is_downloaded(core: StubCore, browser: Client) -> None:
    offer(core, 'list-closure/xlsx')
    answer = browser.get('/forms/list-closure.xlsx', secure=True)
    assert answer.status_code == 200
    assert answer.content == CONTENT
    assert answer['Content-Type'] == 'application/x-test'
    assert answer['X-Content-Type-Options'] == 'nosniff'
    assert answer['Content-Disposition'] == 'attachment; filename="list-closure.xlsx"'
    assert 'Set-Cookie' not in answer.headers
    assert browser.post('/forms/list-closure.xlsx', secure=True).status_code == 405


def test_core_is_asked_once_for_many(core: StubCore, browser: Client) -> None:
    offer(core, 'list-closure/xlsx')
    offer(core, 'list-closure/pdf')
    for _ in range(3):
        browser.get('/forms/list-closure.xlsx', secure=True)
    assert core.asked == ['/3.1/plugins/qnet/forms/empty/list-closure/xlsx']
    # Core may then be away, and other forms are other ones.
    core.answers.clear()
    core.status = 503
    assert browser.get('/forms/list-closure.xlsx', secure=True).status_code == 200
    assert browser.get('/forms/list-closure.pdf', secure=True).status_code == 503


@pytest.mark.parametrize(
    'name',
    [
        'other.xlsx',
        'list-closure.docx',
        'list-closure.json-schema',
        'apply.xlsx',
        '.xlsx',
    ],
)
def test_other_files_are_not_asked_for(
    core: StubCore, browser: Client, name: str
) -> None:
    assert browser.get(f'/forms/{name}', secure=True).status_code == 404
    assert core.asked == []


@pytest.mark.parametrize('status', [401, 500, 503, 204, 400])
def test_core_is_away(core: StubCore, browser: Client, status: int) -> None:
    core.status = status
    answer = browser.get('/forms/list-request.pdf', secure=True)
    assert answer.status_code == 503
    assert answer['Retry-After']
    assert answer['Content-Type'].startswith('text/html')
    assert 'Content-Disposition' not in answer.headers
    assert 'in a few minutes' in answer.content.decode()
    # That is not remembered.
    core.status = 204
    offer(core, 'list-request/pdf')
    assert browser.get('/forms/list-request.pdf', secure=True).status_code == 200


def test_a_form_about_a_list_knows_the_person(
    core: StubCore, administrator: Client
) -> None:
    get_user_model().objects.filter(username='pat').update(
        first_name='Pat', last_name='Example'
    )
    offer(core, 'threshold-change/xlsx')
    answer = administrator.get(BEGUN, secure=True)
    assert answer.content == CONTENT
    assert 'no-store' in answer['Cache-Control']
    [(path, fields, _authorization)] = core.requests
    assert path == '/3.1/plugins/qnet/forms/empty/threshold-change/xlsx'
    assert fields == {
        'list': [LIST_ID],
        'name': ['Pat Example'],
        'email': ['pat@example.org'],
    }
    administrator.get(BEGUN, secure=True)
    assert len(core.requests) == 2, "what is one person's is not remembered"


def test_a_name_that_no_form_can_have(core: StubCore, administrator: Client) -> None:
    path = 'threshold-change/xlsx'
    offer(core, path)
    administrator.get('/forms/threshold-change.xlsx', secure=True)
    core.answers[f'forms/empty/{path}'] = (400, {})
    assert administrator.get(BEGUN, secure=True).content == CONTENT
    assert len(core.requests) == 1


def test_a_form_about_a_list_is_for_its_administrators(
    core: StubCore, moderator: Client, browser: Client
) -> None:
    offer(core, 'threshold-change/xlsx')
    assert moderator.get(BEGUN, secure=True).status_code == 403
    assert browser.get(BEGUN, secure=True).status_code == 302
    assert core.requests == []


@pytest.mark.parametrize('kind', ['list-request', 'other'])
def test_no_such_form_about_a_list(
    core: StubCore, administrator: Client, kind: str
) -> None:
    path = BEGUN.replace('threshold-change', kind)
    assert administrator.get(path, secure=True).status_code == 404
    assert core.requests == []


def test_core_is_away_or_does_not_know_the_list(
    core: StubCore, administrator: Client
) -> None:
    core.status = 404
    assert administrator.get(BEGUN, secure=True).status_code == 404
    core.status = 500
    assert administrator.get(BEGUN, secure=True).status_code == 503


def test_the_lists_page_offers_them_to_its_administrators(
    core: StubCore, as_person: Callable[..., Client]
) -> None:
    known(core)
    path = f'/mailman3/lists/{LIST_ID}/qualitynet/'
    browser = as_person(roles={'administrator'}, administers={LIST_ID})
    with override_settings(FORMS_ADDRESS='requests@lists.example.gov'):
        page = text_of(browser, path)
    links = re.findall(rf'href="/mailman3/lists/{LIST_ID}/forms/([^"]+)"', page)
    assert links == [f'{kind}.xlsx' for kind in KINDS[1:]]
    assert 'href="mailto:requests@lists.example.gov?subject=Request%20form"' in page
    assert '<a href="/forms/#threshold-change">threshold-change form</a> to' in page


def test_the_lists_page_offers_moderators_none(
    core: StubCore, moderator: Client
) -> None:
    known(core)
    page = text_of(moderator, f'/mailman3/lists/{LIST_ID}/qualitynet/')
    assert '.xlsx' not in page
    assert 'href="/forms/#administrator-request"' in page
