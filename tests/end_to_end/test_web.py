# SPDX-License-Identifier: GPL-3.0-or-later
"""Through the web side: making a list, the archive, the release of a post."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
import requests

from qnet_mailman.demo.processes import wait_until
from qnet_mailman.demo.site import Site
from tests.end_to_end.conftest import LIST, POSTER, READER, announcement, set_key

STYLES = {
    'qnet-notification-public',
    'qnet-notification-private',
    'qnet-discussion-public',
    'qnet-discussion-private',
}

STYLE_OF_TALK = 'qnet-discussion-public'

pytestmark = pytest.mark.site(web=True)


@pytest.fixture
def operator(site: Site) -> Iterator[requests.Session]:
    """A browser's session of the superuser."""
    with requests.Session() as session:
        session.trust_env = False
        url = f'{site.web_url}/accounts/login/'
        page = session.get(url, timeout=300).text
        answer = session.post(
            url,
            data={
                'login': site.web_user,
                'password': site.web_password,
                'csrfmiddlewaretoken': token_in(page),
            },
            headers={'Referer': url},
            timeout=300,
        )
        assert answer.status_code == 200 and 'logout' in answer.text
        yield session


def token_in(page: str) -> str:
    match = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert match is not None, page[:2000]
    return match[1]


@pytest.mark.long
def test_postorius_offers_the_styles_and_makes_a_list_with_one(
    site: Site, operator: requests.Session
) -> None:
    url = f'{site.web_url}/mailman3/lists/new/'
    page = operator.get(url, timeout=300).text
    assert set(re.findall(r'value="(qnet-[a-z-]+)"', page)) >= STYLES
    answer = operator.post(
        url,
        data={
            'csrfmiddlewaretoken': token_in(page),
            'listname': 'measures',
            'mail_host': site.domain,
            'list_owner': 'kim@agency.example.gov',
            'advertised': 'True',
            'list_style': 'qnet-discussion-private',
            'description': 'Talk about measures.',
        },
        headers={'Referer': url},
        timeout=300,
    )
    assert answer.status_code == 200, answer.text[:2000]
    shown = site.mailman('qnet', 'show', f'measures@{site.domain}', '--json')
    found = json.loads(shown.stdout)
    found = found[0] if isinstance(found, list) else found
    assert (found['type'], found['visibility']) == ('discussion', 'private')
    assert (found['mask'], found['replies']) == ('administrators', 'accept')


@pytest.mark.long
def test_rest_offers_the_styles(site: Site) -> None:
    names = {
        style['name'] for style in site.rest('GET', 'lists/styles').json()['styles']
    }
    assert names >= STYLES


@pytest.mark.long
def test_the_archive_shows_the_list_and_not_the_sender(site: Site) -> None:
    site.lmtp_send(POSTER, LIST, announcement('archived'))
    site.delivered(
        lambda mail: mail.subject == 'archived' and READER in mail.recipients
    )
    url = f'{site.archive_url}list/{LIST}/latest'

    def page() -> str:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(url, timeout=300).text

    wait_until(lambda: 'archived' in page(), 30, 'the post to be archived')
    text = page()
    thread = re.search(r'href="([^"]*/thread/[^"]+)"', text)
    assert thread is not None
    with requests.Session() as session:
        session.trust_env = False
        text += session.get(site.web_url + thread[1], timeout=300).text
    assert 'HQR Updates' in text
    for trace in ('Pat Example', 'pat@agency', 'pat(a)agency', 'agency.example.gov'):
        assert trace not in text


@pytest.mark.long
def test_masked_and_unmasked_posts_are_one_thread(site: Site) -> None:
    talk = f'talk@{site.domain}'
    site.rest('POST', 'lists', {'fqdn_listname': talk, 'style_name': STYLE_OF_TALK})
    site.mailman(
        *('qnet', 'roles', 'assign', talk, POSTER, '--role', 'administrator'),
        *('--name', 'Pat Example', '--may-post'),
        check=True,
    )
    for address in ('ann@example.org', 'bob@example.org'):
        site.rest(
            'POST',
            'members',
            {
                'list_id': f'talk.{site.domain}',
                'subscriber': address,
                'pre_verified': True,
                'pre_confirmed': True,
                'pre_approved': True,
                'send_welcome_message': False,
            },
        )

    def send(author: str, number: int, answers: str = '') -> str:
        reference = f'In-Reply-To: {answers}\r\n' if answers else ''
        site.lmtp_send(
            author,
            talk,
            f'From: {author}\r\nTo: {talk}\r\nSubject: Thread {number}\r\n'
            f'Message-ID: <t{number}@home.example.org>\r\n{reference}\r\nHello.\r\n'
            ''.encode(),
        )
        (copy,) = site.delivered(
            lambda mail: (
                'bob@example.org' in mail.recipients
                and mail.subject.endswith(f'Thread {number}')
            )
        )
        return str(copy.message['message-id'])

    masked = send(POSTER, 1)
    assert masked.endswith(f'@{site.domain}>')
    unmasked = send('ann@example.org', 2, masked)
    assert unmasked == '<t2@home.example.org>'
    send(POSTER, 3, unmasked)
    # The administrator answers their own copy, which has the id they gave it.
    send(POSTER, 4, '<t1@home.example.org>')
    site.wait_idle()
    url = f'{site.web_url}/archives/api/list/{talk}/threads/'
    with requests.Session() as session:
        session.trust_env = False

        def threads() -> list[dict[str, object]]:
            found = session.get(url, timeout=300).json()
            return found['results'] if isinstance(found, dict) else found

        wait_until(
            lambda: sum(int(str(t['replies_count'])) + 1 for t in threads()) == 4,
            30,
            'four posts to be archived',
        )
        assert len(threads()) == 1


@pytest.mark.long
def test_a_text_set_in_postorius_reaches_the_copies(
    site: Site, operator: requests.Session
) -> None:
    """Core fetches it from the web side, where it shows a credential."""
    list_id = LIST.replace('@', '.')
    url = f'{site.web_url}/mailman3/lists/{list_id}/templates/new'
    answer = operator.post(
        url,
        data={
            'csrfmiddlewaretoken': token_in(operator.get(url, timeout=300).text),
            'name': 'list:member:regular:footer',
            'data': 'Set by hand.',
        },
        headers={'Referer': url},
        timeout=300,
    )
    assert answer.status_code == 200, answer.text[:2000]
    (uri,) = site.rest('GET', f'lists/{list_id}/uris').json()['entries']
    # Whoever is on this host, or comes through its proxy, does not get it.
    with requests.Session() as session:
        session.trust_env = False
        stranger = session.get(uri['uri'], timeout=300)
    assert stranger.status_code == 403
    assert 'Set by hand.' not in stranger.text
    site.lmtp_send(POSTER, LIST, announcement('with-footer'))
    (copy,) = site.delivered(
        lambda mail: mail.subject == 'with-footer' and READER in mail.recipients
    )
    assert 'Set by hand.' in copy.message.as_string()


# The last one: it changes a setting of the site.
@pytest.mark.long
def test_the_page_that_releases_a_post(site: Site) -> None:
    site.stop_core()
    set_key(site, 'poster_authentication', 'confirm')
    site.start_core()
    site.lmtp_send(POSTER, LIST, announcement('to-confirm'))
    (asked,) = site.delivered(
        lambda mail: POSTER in mail.recipients and 'Did you write' in mail.subject
    )
    text = asked.text
    (link,) = re.findall(r'http://\S+/posts/confirm/\S+', text)
    with requests.Session() as session:
        session.trust_env = False
        # A scanner that follows links releases nothing.
        page = session.get(link, timeout=300).text
        assert '<button' in page
        site.wait_idle()
        assert not [
            mail
            for mail in site.messages()
            if mail.subject == 'to-confirm' and READER in mail.recipients
        ]
        answer = session.post(
            link,
            data={'csrfmiddlewaretoken': token_in(page)},
            headers={'Referer': link},
            timeout=300,
        )
        assert answer.status_code == 200
        site.delivered(
            lambda mail: mail.subject == 'to-confirm' and READER in mail.recipients
        )
        again = session.post(
            link,
            data={'csrfmiddlewaretoken': token_in(page)},
            headers={'Referer': link},
            timeout=300,
        )
        assert again.status_code in (404, 409, 410)
