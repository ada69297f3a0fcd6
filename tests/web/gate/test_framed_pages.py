# SPDX-License-Identifier: GPL-3.0-or-later
"""Every page of Postorius', by its name: in our frame, and fit without scripts.

What browsers see of them, `tests/browser` looks at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from django.urls import NoReverseMatch, reverse
from postorius import urls as stock_urls
from postorius.models import EmailTemplate

from tests.web.gate.conftest import GatedSite
from tests.web.gate.stub_mailman import NEWS, STOCK

EVIL = '<b>evil</b>'
HELD = {
    'request_id': 1,
    'sender': 'a@example.org',
    'subject': EVIL,
    'reason': 'Because',
    'hold_date': '2026-01-01T00:00:00',
    'message_id': '<1@example.org>',
    'msg': f'From: a@example.org\nSubject: Hello\nX-More: {EVIL}\n\nThe text. {EVIL}\n',
}
REQUEST = {
    'token': 'c' * 40,
    'token_owner': 'moderator',
    'email': 'new@example.org',
    'display_name': EVIL,
    'type': 'subscription',
    'list_id': NEWS,
    'when': '2026-01-02T03:04:05',
}
SETTINGS = {
    'owner_address': 'news-owner@example.gov',
    'join_address': 'news-join@example.gov',
    'info': 'Some *info*.',
    'volume': 3,
    'last_post_at': None,
    'digest_last_sent_at': '2026-01-01T00:00:00',
}
MATCH = {'header': 'x-spam', 'pattern': EVIL, 'action': 'hold', 'position': 0}

#: Pages that only take a form, give a file, or are another page's stand-in.
NO_PAGES = {
    'csv_view',
    'change_subscription',
    'confirm_token',
    'handle_subscription_request',
    'list_anonymous_subscribe',
    'list_subscribe',
    'list_unsubscribe',
    'moderate_held_message',
    'remove_domain_owner',
    'rest_attachment_for_held_message',
    'rest_held_message',
    'rest_template',
}


class Reading(HTMLParser):
    """What of a page counts here."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.title, self.headings, self.wrong = '', [], []
        self.fields: list[dict[str, str | None]] = []
        self.labels: set[str | None] = set()
        self.ids: list[str] = []
        self.depth, self.legends = 0, []
        self._in, self._label = '', False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if 'id' in found and tag != 'input':
            self.ids.append(str(found['id']))
        if tag == 'title' or re.fullmatch('h[1-6]', tag):
            self._in = tag
        if re.fullmatch('h[1-6]', tag):
            self.headings.append(int(tag[1]))
        if 'style' in found or tag in ('style', 'script', 'center', 'font'):
            self.wrong.append(tag)
        self.wrong += [name for name in found if name.startswith('on')]
        if found.get('href') == '#':
            self.wrong.append('a link that leads nowhere')
        if tag == 'th' and 'scope' not in found:
            self.wrong.append('a header of no rows')
        if tag == 'label':
            self._label = True
            self.labels.add(found.get('for'))
        hidden = found.get('type') in ('hidden', 'submit') or 'hidden' in found
        if tag in ('input', 'select', 'textarea') and not hidden:
            self.fields.append({**found, 'in label': 'yes' if self._label else None})

    def handle_endtag(self, tag: str) -> None:
        self._in = '' if tag == self._in else self._in
        self._label = self._label and tag != 'label'

    def handle_data(self, data: str) -> None:
        if self._in == 'title':
            self.title += data


def _more(answer: Any) -> Any:
    """A core that has something on every page."""

    def answered(method: str, path: str, query: dict[str, list[str]]) -> Any:
        status, found = answer(method, path, query)
        if method != 'GET' or path.startswith('plugins/'):
            if path.endswith('bounces/members'):
                row = {'address': 'Member@example.gov', 'score': 2.5, 'place': 'x'}
                return 200, {'entries': [row]}
            return status, found
        last = path.rsplit('/', 1)[-1]
        link = f'http://127.0.0.1/3.1/{path}/1'
        rows: dict[str, Any] = {
            'held': HELD,
            'requests': REQUEST,
            'bans': {'email': 'bad@example.org', 'list_id': NEWS},
            'header-matches': MATCH,
        }
        if last in rows:
            entry = {**rows[last], 'self_link': link}
            return 200, {'start': 0, 'total_size': 1, 'entries': [entry]}
        if path.endswith('/held/1'):
            return 200, {**HELD, 'self_link': link}
        if path.endswith('/config'):
            return 200, {**SETTINGS, **found}
        if path == 'system/preferences':
            return 200, {'delivery_mode': 'regular', 'self_link': link}
        return status, found

    return answered


@pytest.fixture
def full(site: GatedSite, monkeypatch: pytest.MonkeyPatch) -> Iterator[GatedSite]:
    """The site; there is something on every page."""
    monkeypatch.setattr(site.core, 'answer', _more(site.core.answer))
    texts = [
        EmailTemplate.objects.create(
            name='list:member:regular:footer',
            context=context,
            identifier=identifier,
            data='A footer.',
        )
        for context, identifier in (('list', NEWS), ('domain', 'example.gov'))
    ]
    yield site
    for text in texts:
        text.delete()


def _patterns(patterns: Any) -> Iterator[str]:
    for each in patterns:
        if hasattr(each, 'url_patterns'):
            yield from _patterns(each.url_patterns)
        elif each.name:
            yield each.name


NAMES = sorted(set(_patterns(stock_urls.urlpatterns)) - NO_PAGES)
KINDS = {'list': NEWS, 'domain': 'example.gov'}
_ROLES = ('member', 'nonmember', 'moderator', 'owner')


def _addresses(name: str) -> list[str]:
    """Where a page is; several where it differs much."""
    texts = {each.context: each.pk for each in EmailTemplate.objects.all()}
    found = {
        'list_id': NEWS,
        'email': 'member@example.gov',
        'visible_section': 'digest',
        'domain': 'example.gov',
        'user_id': 'id-of-member',
        'member_id': f'member-member-example-gov-{NEWS}'.replace('.', '-'),
    }
    if name == 'list_members':
        return [reverse(name, args=(NEWS, role)) for role in _ROLES]
    if name == 'remove_role':
        return [reverse(name, args=(NEWS, 'owner', 'administrator@example.gov'))]
    if name.endswith(('_template_update', '_template_delete')):
        kind = name.partition('_')[0]
        return [reverse(name, args=(KINDS[kind], texts[kind]))]
    for keys in (
        (),
        ('list_id',),
        ('domain',),
        ('user_id',),
        ('member_id',),
        ('list_id', 'email'),
        ('list_id', 'visible_section'),
    ):
        with suppress(NoReverseMatch):
            return [reverse(name, kwargs={key: found[key] for key in keys})]
    pytest.fail(f'no address of {name}')


def checked(answer: Any) -> str:
    """A page's text, once it is as it should be."""
    text = answer.content.decode()
    page = Reading(text)
    name = answer.request['PATH_INFO']
    assert answer.status_code == 200, name
    assert '<link rel="stylesheet" href="/static/qnet/site.css">' in text, name
    assert page.title.endswith(': QualityNet Mailer'), page.title
    assert page.title.split(':')[0].strip(), name
    assert page.wrong == [], name
    assert page.headings.count(1) == 1, name
    assert page.headings[0] == 1, name
    for one, next_one in pairwise(page.headings):
        assert next_one <= one + 1, (name, page.headings)
    for field in page.fields:
        named = field['in label'] or field.get('aria-label')
        assert named or field.get('id') in page.labels, (name, field)
    assert len(set(page.ids)) == len(page.ids), (name, page.ids)
    assert EVIL not in text, name
    return text


@pytest.mark.parametrize('name', NAMES)
def test_a_page_of_postorius(full: GatedSite, name: str) -> None:
    for address in _addresses(name):
        who = 'member' if name.startswith(('user_', 'ps_user')) else 'operator'
        checked(full.browser(who).get(address, secure=True))


@pytest.mark.parametrize('section', ['list_identity', 'bounce_processing', 'dmarc'])
def test_settings(full: GatedSite, section: str) -> None:
    for who in ('operator', 'administrator'):
        address = reverse('list_settings', args=(NEWS, section))
        answer = full.browser(who).get(address, secure=True)
        if answer.status_code == 200:
            checked(answer)


@pytest.mark.parametrize('who', ['', 'member', 'moderator', 'administrator'])
def test_the_first_page_of_a_list(full: GatedSite, who: str) -> None:
    checked(full.browser(who).get(f'/mailman3/lists/{NEWS}/', secure=True))
    checked(full.browser(who).get('/mailman3/lists/', secure=True))


def test_a_held_message_has_a_page(full: GatedSite) -> None:
    path = f'/mailman3/lists/{NEWS}/held_messages/1/'
    listed = checked(
        full.browser('moderator').get(path.removesuffix('1/')[:-1], secure=True)
    )
    assert f'href="{path}"' in listed
    for who, may in (('moderator', False), ('administrator', True), ('operator', True)):
        text = checked(full.browser(who).get(path, secure=True))
        assert 'The text. &lt;b&gt;evil&lt;/b&gt;' in text
        # What is done with later messages configures the list.
        assert ('name="moderation_choice"' in text) == may
    path = path.replace('/1/', '/2/')
    assert full.browser('moderator').get(path, secure=True).status_code == 404


def test_half_points_are_half_points(full: GatedSite) -> None:
    path = f'/mailman3/lists/{NEWS}/members/member/'
    text = checked(full.browser('administrator').get(path, secure=True))
    assert '<td>2.5</td>' in text


def test_other_lists_have_mailmans_own_scores(
    full: GatedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(full.core, 'lists', [NEWS, STOCK])
    monkeypatch.setattr(full.core, 'stock', {STOCK})
    monkeypatch.setitem(full.core.rosters, (STOCK, 'member'), ['member@example.gov'])
    path = f'/mailman3/lists/{STOCK}/members/member/'
    text = checked(full.browser('operator').get(path, secure=True))
    assert '<td>0</td>' in text
    assert '2.5' not in text


def test_nothing_is_offered_that_ends_in_a_refusal(full: GatedSite) -> None:
    browser = full.browser('administrator')
    for path in (
        '',
        'members/member/',
        'members/owner/',
        'members/moderator/',
        'members/nonmember/',
        'held_messages',
        'subscription_requests',
        'bans/',
        'templates',
        'settings/digest',
    ):
        text = browser.get(f'/mailman3/lists/{NEWS}/{path}', secure=True).content
        for link in set(re.findall(r'href="(/mailman3/[^"]+)"', text.decode())):
            if link.endswith('/bounces/'):
                # This core does not say enough for it.
                continue
            answer = browser.get(link.replace('&amp;', '&'), secure=True)
            assert answer.status_code in (200, 302, 404), (path, link)


def test_a_mistake_is_bound_to_its_field(full: GatedSite) -> None:
    answer = full.browser('operator').post(
        '/mailman3/lists/new/', {'listname': 'a b'}, secure=True
    )
    text = answer.content.decode()
    described = re.findall(r'aria-describedby="([^"]+)"[^>]* aria-invalid="true"', text)
    assert described
    for ids in described:
        for one in ids.split():
            assert f'id="{one}"' in text
