# SPDX-License-Identifier: GPL-3.0-or-later
"""The help pages and the guides on the site; each of their links leads somewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client, override_settings
from django.urls import get_resolver, resolve, reverse

from qnet_mailman.styles.base import (
    BOUNCE_THRESHOLD,
    BOUNCE_WARNING_INTERVAL,
    BOUNCE_WARNINGS,
    BOUNCE_WINDOW,
)
from qnet_mailman.web.help import guides
from qnet_mailman.web.help.urls import urlpatterns
from tests.web.conftest import StubCore
from tests.web.test_frame import check_frame

ROOT = Path(__file__).resolve().parents[2]
NAMES = [pattern.name for pattern in urlpatterns]
TITLES = {
    'qnet_help': 'Help',
    'qnet_help_about': 'About the service',
    'qnet_help_start': 'Getting started',
    'qnet_help_questions': 'Questions and answers',
    'qnet_help_bounces': 'About bounces',
    'qnet_help_contact': 'Need help?',
    'qnet_help_members': 'Guide for members',
    'qnet_help_administrators': 'Guide for list administrators and moderators',
}


@pytest.fixture
def anybody() -> Client:
    """A browser in which nobody is signed in."""
    cache.clear()
    return Client(headers={'host': 'lists.example.gov'})


def show(browser: Client, path: str) -> str:
    response = browser.get(path, secure=True)
    assert response.status_code == 200, path
    return str(response.content.decode())


def words_of(page: str) -> str:
    [main] = re.findall('<main.*?</main>', page, re.DOTALL)
    return ' '.join(re.sub('<[^>]+>', ' ', main).split())


class Links(HTMLParser):
    """What a page links to, its anchors, and the levels of its headings."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.levels: list[int] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        found = dict(attrs)
        if found.get('id'):
            assert found['id'] not in self.anchors, 'an anchor stands twice'
            self.anchors.add(found['id'])
        if tag == 'a':
            self.links.add(found['href'])
        if re.fullmatch('h[1-6]', tag):
            self.levels.append(int(tag[1]))


@pytest.mark.parametrize('name', NAMES)
def test_each_page_is_in_the_frame_and_its_headings_are_in_order(
    anybody: Client, name: str
) -> None:
    page = show(anybody, reverse(name))
    check_frame(page, TITLES[name])
    levels = Links(page).levels
    assert all(b - a <= 1 for a, b in pairwise(levels)), levels
    assert '{{' not in page and '{%' not in page


@pytest.mark.parametrize('name', NAMES)
def test_each_link_leads_somewhere(anybody: Client, core: StubCore, name: str) -> None:
    path = reverse(name)
    links = Links(show(anybody, path)).links
    assert len(links) > 10
    for link in links:
        target, _hash, anchor = link.partition('#')
        if target.startswith('mailto:'):
            continue
        if target.startswith('https://'):
            assert target == 'https://list.org'
            continue
        found = (target or path).partition('?')[0]
        assert resolve(found)
        if anchor:
            there = Links(show(anybody, found)).anchors
            assert anchor in there, link


def test_pages_where_questions_arise_lead_to_help() -> None:
    templates = ROOT / 'qnet_mailman/web'
    for path, name in (
        ('signup/templates/signup/sign_up.html', 'qnet_help_questions'),
        ('leaving/templates/leaving/send_again.html', 'qnet_help_bounces'),
        ('lists/templates/lists/bounces.html', 'qnet_help_bounces'),
        ('lists/templates/lists/member.html', 'qnet_help_bounces'),
        ('harp/templates/harp/no_role.html', 'qnet_help_start'),
        ('harp/templates/harp/refused.html', 'qnet_help_start'),
        ('gate/templates/gate/refused.html', 'qnet_help'),
        ('request_forms/templates/request_forms/forms.html', 'qnet_help_start'),
        ('frame/templates/qnet/header.html', 'qnet_help'),
        ('frame/templates/qnet/footer.html', 'qnet_help'),
    ):
        assert f"{{% url '{name}' %}}" in (templates / path).read_text('utf-8'), path


def test_bounces_are_told_as_they_are_counted(anybody: Client) -> None:
    words = words_of(show(anybody, reverse('qnet_help_bounces')))
    assert f'{BOUNCE_THRESHOLD} points over {BOUNCE_WINDOW.days} days' in words
    assert BOUNCE_WARNING_INTERVAL.days == 7
    assert f'once a week for {BOUNCE_WARNINGS} weeks' in words
    days = BOUNCE_WARNINGS * BOUNCE_WARNING_INTERVAL.days
    assert f'After {days} days the person is removed' in words


def test_how_to_reach_us_is_in_the_settings(anybody: Client) -> None:
    path = reverse('qnet_help_contact')
    words = words_of(show(anybody, path))
    assert 'the people who run this service' in words
    assert 'Telephone' not in words and 'Chat' not in words
    with override_settings(
        SUPPORT_ADDRESS='help@example.gov',
        SUPPORT_PHONE='1-800-555-0100',
        SUPPORT_CHAT='#mailer on the agency’s chat',
        SUPPORT_LINKS={'Support portal': 'https://support.example.gov/'},
    ):
        page = show(anybody, path)
    assert 'href="mailto:help@example.gov?subject=Question"' in page
    assert '1-800-555-0100' in page and '#mailer on the agency’s chat' in page
    assert '<a href="https://support.example.gov/">Support portal</a>' in page
    with override_settings(SUPPORT_CHAT='https://chat.example.gov/mailer'):
        assert '<a href="https://chat.example.gov/mailer">' in show(anybody, path)


def test_roles_are_asked_for_at_the_sites_provider(anybody: Client) -> None:
    words = words_of(show(anybody, reverse('qnet_help_start')))
    steps = ('User Roles', 'Request a Role', 'QualityNet Workspace', 'List Moderator')
    assert all(step in words for step in steps)
    assert 'HARP account (HARP, EIDM or EUA)' in words


def test_the_service_is_told_whose_it_is(anybody: Client) -> None:
    path = reverse('qnet_help_about')
    assert 'sponsored' not in show(anybody, path)
    with override_settings(AGENCY='Agency of Examples'):
        assert 'It is sponsored by Agency of Examples.' in show(anybody, path)


@pytest.mark.parametrize('file', guides.PAGES)
def test_a_guide_is_the_file_whole(anybody: Client, file: str) -> None:
    text = (ROOT / 'docs' / file).read_text('utf-8')
    page = show(anybody, reverse(guides.PAGES[file]))
    assert re.findall('^# (.+)$', text, re.M) == re.findall('<h1>(.*?)</h1>', page)
    headings = re.findall('^## (.+)$', text, re.M)
    assert set(headings) <= set(re.findall('<h2[^>]*>(.*?)</h2>', page))
    assert page.count('<table') == len(re.findall(r'^\|(?: -+ \|)+$', text, re.M))
    # Tables have heads, and each is named.
    assert '<th scope="col"></th>' not in page
    regions = re.findall('role="region" aria-label="(.*?)"', page)
    assert len(set(regions)) == len(regions) == page.count('<table')
    assert '<img' not in page.partition('<main')[2] and '.png' not in page


def test_a_guide_may_have_no_html(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / 'odd.md').write_text(
        '# Odd <b>\n\n## A `b` & *c*\n\n<script>x</script>\n\n'
        '[there](members.md#help) [not](operators.md) [bad](javascript:x)\n'
    )
    monkeypatch.setattr(guides, 'folder', lambda: tmp_path)
    guide = guides.read_guide.__wrapped__('odd')
    assert '<script' not in guide.body
    assert guide.sections == (('a-b--c', 'A b &amp; c'),)
    assert f'<a href="{reverse("qnet_help_members")}#help">there</a> not bad' in (
        guide.body
    )


def test_a_wheel_has_the_guides_where_the_site_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert guides.folder() == ROOT / 'docs'
    monkeypatch.setattr(guides, '__file__', str(tmp_path / 'a/b/c/guides.py'))
    assert guides.folder().parts[-3:] == ('share', 'qnet-mailer', 'docs')


def test_only_reading_is_possible(anybody: Client) -> None:
    assert {pattern.name for pattern in urlpatterns} <= set(get_resolver().reverse_dict)
    for name in NAMES:
        assert anybody.post(reverse(name), secure=True).status_code == 405
