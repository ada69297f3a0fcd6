# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies at Mailman's REST server that are too large, or not what is asked for.

On a running server, byte by byte: what is announced is never sent, and the answer comes
all the same.
"""

from __future__ import annotations

import base64
import http.client
import json
import socket
from contextlib import closing

import pytest

from qnet_mailman.demo.ports import HOST
from qnet_mailman.demo.site import Site

PLUGIN = '/3.1/plugins/qnet'
PATHS = ('/3.1/lists', '/3.1/members', f'{PLUGIN}/signup', f'{PLUGIN}/forms/apply')
JSON, FORM = 'application/json', 'application/x-www-form-urlencoded'

pytestmark = pytest.mark.site(forms=())


def announce(site: Site, path: str, *fields: str, known: bool = True) -> int:
    """Send the header of a POST and no body.

    :return: The status of the answer.
    """
    secret = site.rest_password if known else 'guessed'
    credentials = base64.b64encode(f'{site.rest_user}:{secret}'.encode()).decode()
    head = (
        f'POST {path} HTTP/1.1',
        f'Host: {HOST}',
        f'Authorization: Basic {credentials}',
        *fields,
        *('', ''),
    )
    with socket.create_connection((HOST, site.rest_port), 60) as connection:
        connection.sendall('\r\n'.join(head).encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        with closing(answer):
            return answer.status


@pytest.mark.parametrize('known', [True, False])
@pytest.mark.parametrize('kind', [JSON, FORM])
@pytest.mark.parametrize('path', PATHS)
def test_more_than_anybody_may_send(
    site: Site, path: str, kind: str, known: bool
) -> None:
    fields = (f'Content-Type: {kind}', f'Content-Length: {10 * 1024**3}')
    assert announce(site, path, *fields, known=known) == 413


def test_a_form_that_would_be_read_before_the_credentials(site: Site) -> None:
    fields = (f'Content-Type: {FORM}', 'Content-Length: 1048577')
    assert announce(site, f'{PLUGIN}/forms/apply', *fields, known=False) == 413


def test_a_body_without_an_end(site: Site) -> None:
    fields = (f'Content-Type: {JSON}', 'Transfer-Encoding: chunked')
    assert announce(site, f'{PLUGIN}/forms/apply', *fields) == 411


@pytest.mark.parametrize('body', ['[]', '"text"', '7', 'null', '[[[', '[' * 100_000])
@pytest.mark.parametrize('path', PATHS)
def test_no_object(site: Site, path: str, body: str) -> None:
    answer = site._http.post(
        f'{site.rest_url}{path}',
        data=body,
        headers={'Content-Type': JSON},
        timeout=60,
    )
    assert answer.status_code == 400
    assert 'JSON' in answer.text


def test_the_server_goes_on(site: Site) -> None:
    answer = site.rest('POST', 'domains', {'mail_host': 'more.example.gov'})
    assert answer.status_code == 201
    answer = site._http.post(
        f'{site.rest_url}{PLUGIN}/lists/overview',
        data=json.dumps({'list': 'news.more.example.gov'}),
        headers={'Content-Type': JSON},
        timeout=60,
    )
    assert answer.json()['lists'] == []
