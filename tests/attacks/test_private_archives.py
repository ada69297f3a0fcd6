# SPDX-License-Identifier: GPL-3.0-or-later
"""Strangers at a private archive, of a site where HyperKitty's jobs do not run.

HyperKitty makes its row for a list with the policy *public*, and leaves it to a job to
ask core.  Here the job waits for ever: the row goes on to say so.  All over HTTP.
"""

from __future__ import annotations

import gzip
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import pytest
import requests

# It sets Django up, which the gate's tests need.
import tests.web.conftest  # noqa: F401
from qnet_mailman.demo.processes import wait_until
from qnet_mailman.demo.site import Site
from tests.sites import started
from tests.web.gate.stub_mailman import NEWS_ADDRESS
from tests.web.gate.test_gate_matrix import PAGES

MEMBER, STRANGER = 'ann@example.org', 'eve@example.net'
PASSWORD = 'only for this test'
#: In the post: subject, text, name of a file, what is in it, author.
SECRETS = (b'Merger', b'of both wards', b'plan-b.txt', b'Beds: 40', b'Ann Author')
POST = f"""\
From: Ann Author <{MEMBER}>
To: {{to}}
Subject: Merger
Message-ID: <merger@example.org>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b

Talk of both wards.
--b
Content-Type: text/plain; name=plan-b.txt
Content-Disposition: attachment; filename=plan-b.txt

Beds: 40
--b--
""".replace('\n', '\r\n')
MAKE_ACCOUNTS = f"""
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
for email in ({MEMBER!r}, {STRANGER!r}):
    user = get_user_model().objects.create_user(email[:3], email, {PASSWORD!r})
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    # An address that they only claim.
    EmailAddress.objects.get_or_create(user=user, email={MEMBER!r})
"""


class Archived(NamedTuple):
    """Where HyperKitty has the post, and what its row says of the list."""

    policy: int
    thread: str
    message: str
    author: str


@pytest.fixture(scope='module')
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp('archives'))
    site.web_settings['Q_CLUSTER'] = {'orm': 'default', 'timeout': 300, 'retry': 360}
    # Nobody wants to wait for a minute here.
    site.web_settings['RIGHTS_CACHE_SECONDS'] = 1
    with started(site, forms=()):
        site.rest('POST', 'domains', {'mail_host': site.domain})
        yield site


def make_list(site: Site, name: str, style: str) -> str:
    """A list with a member and a post of theirs in its archive; its address."""
    address = f'{name}@{site.domain}'
    fields = {'fqdn_listname': address, 'style_name': style}
    assert site.rest('POST', 'lists', fields).status_code == 201
    member = {'list_id': address.replace('@', '.'), 'subscriber': MEMBER}
    yes = dict.fromkeys(('pre_verified', 'pre_confirmed', 'pre_approved'), 'true')
    answer = site.rest('POST', 'members', {**member, **yes})
    assert answer.status_code == 201
    site.lmtp_send(MEMBER, address, POST.format(to=address).encode())
    wait_until(lambda: archived(site, address), 60, 'the post to be archived')
    return address


def archived(site: Site, address: str) -> Archived | None:
    """What HyperKitty has in its database."""
    with closing(sqlite3.connect(site.folder / 'web' / 'web.db')) as database:
        row = database.execute(
            'SELECT l.archive_policy, t.thread_id, e.message_id_hash, s.mailman_id'
            ' FROM hyperkitty_email e'
            ' JOIN hyperkitty_mailinglist l ON l.id = e.mailinglist_id'
            ' JOIN hyperkitty_thread t ON t.id = e.thread_id'
            ' JOIN hyperkitty_sender s ON s.address = e.sender_id'
            ' WHERE l.name = ?',
            (address,),
        ).fetchone()
    return None if row is None else Archived(*row)


@pytest.fixture(scope='module')
def private(site: Site) -> str:
    """A private list; HyperKitty's row for it says that it is public."""
    address = make_list(site, 'measures', 'qnet-discussion-private')
    found = archived(site, address)
    assert found is not None and found.policy == 2
    return address


@pytest.fixture(scope='module')
def public(site: Site) -> str:
    return make_list(site, 'talk', 'qnet-discussion-public')


@pytest.fixture(scope='module')
def accounts(site: Site) -> None:
    """Local accounts of the member and of somebody else."""
    subprocess.run(
        [sys.executable, '-m', 'django', 'shell', '-c', MAKE_ACCOUNTS],
        env=site.environment(),
        check=True,
        timeout=120,
    )


def browser(site: Site, person: str = '') -> requests.Session:
    """A browser, in which somebody is signed in with a local password."""
    session = requests.Session()
    session.trust_env = False
    if not person:
        return session
    url = f'{site.web_url}/accounts/login/'
    page = session.get(url, timeout=60).text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token is not None
    answer = session.post(
        url,
        data={
            'login': person,
            'password': PASSWORD,
            'csrfmiddlewaretoken': token[1],
        },
        headers={'Referer': url},
        timeout=60,
    )
    assert 'logout' in answer.text
    return session


def paths(site: Site, address: str) -> Iterator[str]:
    """An address for every page that HyperKitty has, for the list and its post."""
    found = archived(site, address)
    assert found is not None
    exchange = {
        NEWS_ADDRESS: address,
        NEWS_ADDRESS.replace('@', '.'): address.replace('@', '.'),
        'T' * 32: found.thread,
        'M' * 32: found.message,
        '/1/a.txt': '/2/plan-b.txt',
        'id-of-a': found.author or MEMBER,
    }
    for page in PAGES:
        if page.path.startswith('/archives/'):
            path = page.path
            for old, new in exchange.items():
                path = path.replace(old, new)
            yield path
    yield f'/archives/search?q=merger&mlist={address}'
    yield '/archives/search?q=merger'
    yield f'/archives/find-list?term={address}'
    yield f'/archives/?name={address}'


def shown(site: Site, who: requests.Session, address: str) -> set[tuple[str, bytes]]:
    """Pages and the secrets on them, by GET and by POST."""
    found = set()
    for path in paths(site, address):
        for method in ('GET', 'POST'):
            answer = who.request(method, site.web_url + path, timeout=60)
            body = answer.content
            if body.startswith(b'\x1f\x8b'):
                body = gzip.decompress(body)
            # What was asked for may come back.
            unknown = [each for each in SECRETS if each.decode() not in path]
            found |= {(path, each) for each in unknown if each in body}
    return found


def test_strangers_see_nothing(site: Site, private: str, accounts: None) -> None:
    assert shown(site, browser(site), private) == set()
    # Not either for claiming the author's address.
    assert shown(site, browser(site, STRANGER), private) == set()


def test_the_list_of_archives_does_not_name_it(site: Site, private: str) -> None:
    for path in ('/archives/', '/archives/api/lists/'):
        page = browser(site).get(site.web_url + path, timeout=60)
        assert page.status_code == 200
        assert private not in page.text


def test_members_see_what_strangers_were_after(
    site: Site, private: str, accounts: None
) -> None:
    found = shown(site, browser(site, MEMBER), private)
    assert {secret for _path, secret in found} == set(SECRETS)
    assert len({path for path, _secret in found}) > 14


def test_core_decides_now(site: Site, public: str) -> None:
    """A public archive that is made private closes, and opens again."""
    config = f'lists/{public}/config'
    url = f'{site.web_url}/archives/list/{public}/latest'
    visitor = browser(site)

    def opens() -> bool:
        return b'Merger' in visitor.get(url, timeout=60).content

    wait_until(opens, 60, 'the public archive to open')
    for policy in ('private', 'never'):
        site.rest('PATCH', config, {'archive_policy': policy})
        wait_until(lambda: not opens(), 60, 'the archive to close')
        assert shown(site, visitor, public) == set()
        site.rest('PATCH', config, {'archive_policy': 'public'})
        wait_until(opens, 60, 'the archive to open again')


# The last one: it stops core.
def test_without_core_nothing_is_public(site: Site, private: str, public: str) -> None:
    url = f'{site.web_url}/archives/list/{public}/latest'
    visitor = browser(site)
    site.stop_core()
    wait_until(
        lambda: b'Merger' not in visitor.get(url, timeout=60).content,
        60,
        'the archive to close',
    )
    assert shown(site, visitor, private) == set()
    assert shown(site, visitor, public) == set()
