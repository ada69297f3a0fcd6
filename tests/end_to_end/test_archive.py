# SPDX-License-Identifier: GPL-3.0-or-later
"""From a post to its page: the archive before it, the link in each copy, the search."""

from __future__ import annotations

import re

import pytest
import requests

from qnet_mailman.demo.processes import wait_until
from qnet_mailman.demo.site import Delivered, Site
from tests.end_to_end.conftest import LIST, POSTER, READER

pytestmark = pytest.mark.site(web=True)

SUBJECT = 'Measure specifications'
HTML = (
    '<h1>Specifications</h1><p>The <b>marigold</b> release is there.</p>'
    '<img src="https://tracker.example/p.gif" alt="Logo"><script>alert(1)</script>'
)
POST = f"""\
From: Pat Example <{POSTER}>
To: {LIST}
Subject: {SUBJECT}
Message-ID: <specifications@agency.example.gov>
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=b

--b

The marigold release is there.
--b
Content-Type: text/html; charset=utf-8

{HTML}
--b--
""".replace('\n', '\r\n')


def get(url: str) -> requests.Response:
    """A page, as a stranger gets it."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=300)


@pytest.fixture(scope='module')
def before(site: Site) -> requests.Response:
    """The archive's page before the first post."""
    return get(f'{site.archive_url}list/{LIST}/')


@pytest.fixture(scope='module')
def copy(site: Site, before: requests.Response) -> Delivered:
    """A subscriber's copy of the announcement."""
    site.lmtp_send(POSTER, LIST, POST.encode())
    return site.delivered(
        lambda mail: SUBJECT in mail.subject and READER in mail.recipients
    )[0]


def test_an_archive_without_posts_says_so(before: requests.Response) -> None:
    assert before.status_code == 200
    assert 'No messages yet' in before.text


def test_a_list_that_does_not_exist_has_no_archive(site: Site) -> None:
    assert get(f'{site.archive_url}list/nothing@{site.domain}/').status_code == 404


def test_the_links_in_a_copy_are_alive(site: Site, copy: Delivered) -> None:
    """Here over http, on a port of its own."""
    pages = {}
    for name in ('Archived-At', 'List-Archive'):
        field = str(copy.message[name])
        url = field.strip('<> ')
        assert url.startswith(f'{site.web_url}/archives/list/{LIST}/'), field
        wanted = 'Specifications</h3>' if name == 'Archived-At' else SUBJECT
        wait_until(
            lambda url=url, wanted=wanted: wanted in get(url).text,  # type: ignore[misc]
            60,
            f'{name} to open',
        )
        pages[name] = get(url)
        assert pages[name].status_code == 200
    text = pages['Archived-At'].text
    assert '<h3>Specifications</h3>' in text and '<b>marigold</b>' in text
    assert '<script' not in text.lower().split('<main')[1]
    assert 'tracker.example' not in text
    assert 'Pat Example' not in text and POSTER not in text


def test_what_was_just_archived_is_found(site: Site, copy: Delivered) -> None:
    url = f'{site.archive_url}search?mlist={LIST}&q=marigold'
    wait_until(lambda: SUBJECT in get(url).text, 60, 'the post to be found')
    found = get(url).text
    assert re.search(r'<h2>1 message</h2>', found)
    assert '<h2>0 messages</h2>' in get(url.replace('marigold', 'dandelion')).text
