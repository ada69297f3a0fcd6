# SPDX-License-Identifier: GPL-3.0-or-later
"""From the public page to the first announcement, without a ticket (R29, R38)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
import requests

from qnet_mailman.demo.sink import Delivered
from qnet_mailman.demo.site import Site
from tests.forms.filling import fill_with_pypdf, fill_xlsx
from tests.provisioning.made_forms import example

ADDRESS = 'requests@lists.example.gov'
PAT = 'pat@agency.example.gov'
READER = 'reader@hospital.example.org'
RAE = 'rae@agency.example.gov'

pytestmark = pytest.mark.site(
    forms=(), web=True, qnet_cfg_overrides={'forms_address': ADDRESS}
)


def told(site: Site, address: str, subject: str) -> Delivered:
    [mail, *_] = site.delivered(
        lambda mail: mail.subject == subject and address in mail.recipients
    )
    return mail


def fill_in(site: Site, name: str, file_format: str) -> bytes:
    """An empty form of the public page, filled in with another program."""
    with requests.Session() as browser:
        browser.trust_env = False
        url = f'{site.web_url}/forms/list-request.{file_format}'
        answer = browser.get(url, timeout=300)
        assert answer.status_code == 200
    fill: dict[str, Callable[..., bytes]] = {'xlsx': fill_xlsx, 'pdf': fill_with_pypdf}
    form = example('list-request')
    del form['ticket']
    form['requester'] = {'name': 'Rae Requester', 'email': RAE}
    form['list'] |= {'name': name, 'display_name': f'News {name}'}
    return fill[file_format](answer.content, 'list-request', form)


def send(site: Site, content: bytes, file_format: str, number: int) -> None:
    message = EmailMessage()
    message['From'] = f'Rae Requester <{RAE}>'
    message['To'] = ADDRESS
    message['Subject'] = 'A new list'
    message['Message-ID'] = f'<{file_format}{number}@agency.example.gov>'
    message.set_content('Please find the form attached.\n')
    message.add_attachment(
        content,
        maintype='application',
        subtype='octet-stream',
        filename=f'Request.{file_format}',
    )
    site.lmtp_send(RAE, ADDRESS, message.as_bytes())
    site.wait_idle()


@pytest.mark.long
@pytest.mark.parametrize(
    ('file_format', 'number', 'ticket'),
    [('xlsx', 'QM-000001', 'REQ0001234'), ('pdf', 'QM-000002', '')],
)
def test_a_person_without_a_ticket_gets_a_list(
    site: Site, file_format: str, number: str, ticket: str
) -> None:
    address = f'{file_format}-news@lists.example.gov'
    content = fill_in(site, f'{file_format}-news', file_format)
    send(site, content, file_format, 1)
    told(site, RAE, f'Your request has arrived: {number}')
    # Again while it waits: the first number.
    send(site, content, file_format, 2)
    told(site, RAE, f'Your request has arrived before: {number}')
    link = ['--ticket', ticket] if ticket else []
    done = site.mailman('qnet', 'forms', 'approve', number, *link, check=True)
    assert f'{number}: created' in done.stdout
    told(site, RAE, f'Your request {number} has been carried out')
    named = f'{number} ({ticket})' if ticket else number
    for person, subject in (
        (RAE, f'The mailing list News {file_format}-news has been set up'),
        (PAT, f'You are an administrator of the mailing list News {file_format}-news'),
    ):
        assert named in told(site, person, subject).text
    for key in filter(None, (number, ticket)):
        shown = site.mailman('qnet', 'forms', 'show', '--json', key, check=True)
        assert json.loads(shown.stdout)['list'] == address
        log = site.mailman('qnet', 'audit', '--json', '--request', key, check=True)
        assert 'form applied' in [row['action'] for row in json.loads(log.stdout)]
    # The same file at the command line is the first number, too.
    form = site.folder / f'again.{file_format}'
    form.write_bytes(content)
    again = site.mailman('qnet', 'provision', str(form), check=True)
    assert f'unchanged ({address}, {number})' in again.stdout
    site.lmtp_send(
        PAT,
        address,
        f'From: {PAT}\r\nTo: {address}\r\nSubject: First {file_format}\r\n'
        f'Message-ID: <{file_format}@agency.example.gov>\r\n\r\nNews.\r\n'.encode(),
    )
    told(site, READER, f'First {file_format}')


ON_THE_WEB: dict[str, dict[str, str]] = {
    'you': {'requester.name': 'Rae Requester', 'requester.email': RAE},
    'list': {
        'list.type': 'notification',
        'list.display_name': 'News of the web',
        'list.name': 'web-news',
        'list.description': 'What is new.',
    },
    'subscribing': {'list.visibility': 'private'},
    'administrators': {
        'administrators.0.name': 'Pat Example',
        'administrators.0.email': PAT,
        'administrators.0.harp_id': 'pexample',
        'administrators.0.may_post': 'yes',
    },
}


def press(browser: requests.Session, url: str, **sent: Any) -> requests.Response:
    """Open a page, and send its form."""
    page = browser.get(url, timeout=300)
    found = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    data = {'csrfmiddlewaretoken': found[0]} if found else {}
    data |= sent.pop('data', {})
    answer = browser.post(url, data=data, headers={'Referer': url}, timeout=300, **sent)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.long
def test_a_stranger_asks_on_the_web(site: Site) -> None:
    csv = f'email,name\r\n{READER},Robin Reader\r\n'.encode()
    with requests.Session() as browser:
        browser.trust_env = False
        url = browser.get(f'{site.web_url}/forms/list-request/', timeout=300).url
        while not url.endswith('/check/'):
            step = url.split('/')[-2]
            files = {'file': ('readers.csv', csv)} if step == 'subscribers' else {}
            answer = press(browser, url, data=ON_THE_WEB.get(step, {}), files=files)
            assert answer.url != url
            url = answer.url
        press(browser, url)
    question = told(site, RAE, 'Please confirm your request about a mailing list')
    waiting = site.mailman('qnet', 'forms', 'list', check=True).stdout
    assert 'web-news' not in waiting
    [link] = set(re.findall(r'http://\S+/forms/confirm/\w+/', question.text))
    with requests.Session() as browser:
        browser.trust_env = False
        [number] = set(re.findall(r'QM-\d+', press(browser, link).text))
    assert (
        'News of the web' in told(site, RAE, f'Your request has arrived: {number}').text
    )
    done = site.mailman('qnet', 'forms', 'approve', number, check=True)
    assert f'{number}: created' in done.stdout
    told(site, RAE, 'The mailing list News of the web has been set up')
    members = site.rest('GET', 'lists/web-news@lists.example.gov/roster/member').json()
    assert [entry['email'] for entry in members['entries']] == [READER]
