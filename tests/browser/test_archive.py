# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive in a real browser, without scripts: every page that a person can open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from qnet_mailman.demo.processes import wait_until
from qnet_mailman.demo.site import Site
from tests.browser.conftest import ALSO_PUBLIC, PUBLIC, SIZES, look_at

POSTER = 'pat@agency.example.gov'
READER = 'ann@example.org'
#: What makers of newsletters send, with what spoils a page.
NEWSLETTER = """\
<html><head><style>body{color:#fff}</style><title>News</title></head>
<body bgcolor="#000">
<div style="display:none">Preheader</div>
<table width="1400" role="presentation"><tr><th></th>
<td><img src="https://t.example/1.gif"></td>
<td><h1 id="main" style="position:fixed;top:0">Autumn newsletter</h1>
<h4>New measures</h4>
<p>See <a href="https://example.gov/measures"><img src="cid:logo@x"></a>
and <a href="https://example.gov/a">the specifications</a>.</p></td></tr></table>
<h2></h2><ul>Dates<ul><li>March<li>April</ul></ul>
<ol><a href="javascript:alert(1)">x</a></ol>
<table border="1">
<tr><th>Measure</th><th>Submitted by the hospital itself</th><th>Due</th></tr>
<tr><td>HAI-1</td><td>QuarterlySubmissionWithAVeryLongNameThatDoesNotBreak</td>
<td>May&nbsp;15</td></tr></table>
<form action="/accounts/logout/"><input name="q"><button>Press</button></form>
</main></div>
</body></html>
"""
PIXEL = (
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA'
    'AABJRU5ErkJggg=='
)


def newsletter() -> bytes:
    return f"""\
From: Pat Example <{POSTER}>
To: {PUBLIC}
Subject: Autumn newsletter
Message-ID: <autumn@agency.example.gov>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=m

--m
Content-Type: multipart/related; boundary=r

--r
Content-Type: text/html; charset=utf-8

{NEWSLETTER}
--r
Content-Type: image/png
Content-Transfer-Encoding: base64
Content-ID: <logo@x>

{PIXEL}
--r--
--m
Content-Type: text/csv; name=dates.csv
Content-Disposition: attachment; filename=dates.csv

HAI-1,May
--m--
""".replace('\n', '\r\n').encode()


def talk(number: int) -> bytes:
    answers = '' if number == 1 else 'In-Reply-To: <t1@example.org>\n'
    quoted = '\n'.join(f'> line {line} of what was said' for line in range(8))
    return f"""\
From: Ann Author <{READER}>
To: {ALSO_PUBLIC}
Subject: {'Re: ' if answers else ''}Denominators
Message-ID: <t{number}@example.org>
{answers}
Is https://example.gov/a-rather-long-address/that-goes-on-and-on-and-on/for-a-while
right?

{quoted}

I think so.

-- \nAnn Author
Somewhere General Hospital
""".replace('\n', '\r\n').encode()


@pytest.fixture(scope='module')
def archived(site: Site) -> Site:
    """The site, with an announcement and a conversation."""
    member = {'list_id': ALSO_PUBLIC.replace('@', '.'), 'subscriber': READER}
    yes = dict.fromkeys(('pre_verified', 'pre_confirmed', 'pre_approved'), 'true')
    assert site.rest('POST', 'members', {**member, **yes}).status_code == 201
    site.lmtp_send(POSTER, PUBLIC, newsletter())
    for number in (1, 2, 3):
        site.lmtp_send(READER, ALSO_PUBLIC, talk(number))
        site.wait_idle()
    return site


@pytest.fixture(params=['narrow', pytest.param('desktop', marks=pytest.mark.long)])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A browser that runs no scripts but the test's own: what axe needs.

    Nothing of another machine is loaded.
    """
    size: Any = SIZES[request.param]
    dark = 'dark' if request.param == 'narrow' else 'light'
    context = browser.new_context(viewport=size, color_scheme=dark)  # type: ignore[arg-type]
    context.route(re.compile(r'^(?!http://127\.0\.0\.1:)'), lambda route: route.abort())
    context.route(re.compile(r'\.js(\?|$)'), lambda route: route.abort())
    yield context.new_page()
    context.close()


def address(page: Page, site: Site, name: str) -> str:
    """Where a list's archive is, its newest post archived."""
    url = f'{site.archive_url}list/{name}/'

    def there() -> bool:
        page.goto(url)
        return page.locator('.qnet-threads').count() > 0

    wait_until(there, 60, 'the archive to have something')
    return url


def first_thread(page: Page, site: Site, name: str) -> str:
    """The newest subject's page."""
    page.goto(address(page, site, name))
    link = page.locator('.qnet-threads a').first.get_attribute('href')
    assert link is not None
    return site.web_url + link


def sign_in(page: Page, site: Site) -> None:
    page.goto(f'{site.web_url}/accounts/login/')
    page.locator('[name=login]').fill(site.web_user)
    page.locator('[name=password]').fill(site.web_password)
    page.locator('main button[type=submit], main button').first.click()
    page.wait_for_load_state('load')


def test_pages_for_everybody(page: Page, archived: Site) -> None:
    overview = address(page, archived, PUBLIC)
    thread = first_thread(page, archived, PUBLIC)
    talked = first_thread(page, archived, ALSO_PUBLIC)
    page.goto(talked)
    message = page.get_by_role('link', name='Link to message 1').get_attribute('href')
    for name, url in (
        ('archives', archived.archive_url),
        ('archive', overview),
        ('archive-latest', f'{overview}latest'),
        ('archive-announcement', thread),
        ('archive-conversation', talked),
        ('archive-message', f'{archived.web_url}{message}'),
        ('archive-search', f'{archived.archive_url}search'),
        ('archive-found', f'{archived.archive_url}search?q=denominators'),
        ('archive-not-found', f'{archived.archive_url}search?q=zebra&mlist={PUBLIC}'),
        ('archive-old', f'{overview}2001/1/'),
        ('archive-for-programs', f'{archived.archive_url}api/'),
        ('archive-no-tags', f'{archived.archive_url}tags/'),
        ('archive-author', page_of_author(page, talked)),
    ):
        page.goto(url)
        look_at(page, name)


def page_of_author(page: Page, thread: str) -> str:
    page.goto(thread)
    links = page.get_by_role('link', name='About Ann Author')
    return str(links.first.evaluate('link => link.href')) if links.count() else thread


def test_pages_for_operators(page: Page, archived: Site) -> None:
    thread = first_thread(page, archived, ALSO_PUBLIC)
    sign_in(page, archived)
    page.goto(thread)
    page.get_by_role('button', name='I like it').first.click()
    page.goto(thread)
    page.get_by_role('button', name='Add it to my favorites').click()
    page.get_by_label('Add a tag').fill('numbers')
    page.get_by_role('button', name='Add', exact=True).click()
    look_at(page, 'archive-taking-part')
    assert 'Tag: numbers' in page.locator('main').inner_text()
    overview = address(page, archived, ALSO_PUBLIC)
    profile = f'{archived.archive_url}profile/'
    for name, url in (
        ('archive-operator', overview),
        ('archive-delete', f'{thread}delete'),
        ('archive-join', f'{thread}reattach'),
        ('archive-delete-all', f'{overview}delete/'),
        *(
            (f'archive-own-{each or "posts"}', f'{profile}{each}')
            for each in ('', 'favorites', 'votes', 'last_views', 'subscriptions')
        ),
    ):
        page.goto(url)
        look_at(page, name)
    page.goto(f'{profile}votes')
    page.get_by_role('button', name='Take it back').click()
    page.goto(f'{profile}favorites')
    page.get_by_role('button', name='Remove').click()
    page.goto(thread)
    page.get_by_role('button', name='Remove the tag numbers').click()


def test_pictures_of_other_sites_only_when_asked(page: Page, archived: Site) -> None:
    asked: list[str] = []
    page.on('request', lambda request: asked.append(request.url))
    page.goto(first_thread(page, archived, PUBLIC))
    logo = page.locator('.qnet-body img')
    # It is loaded when it comes into view.
    logo.scroll_into_view_if_needed()
    shown = 'image => new Promise(done => {const look = () => image.naturalWidth'
    assert logo.evaluate(f'{shown} ? done(true) : setTimeout(look, 50); look()}})')
    assert not [url for url in asked if 't.example' in url]
    page.get_by_role('link', name='Show pictures from other sites').click()
    page.wait_for_load_state('load')
    look_at(page, 'archive-pictures')
    assert page.locator('.qnet-body img[src="https://t.example/1.gif"]').count() == 1
