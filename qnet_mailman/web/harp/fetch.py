# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP to a provider that may be down, slow, or somebody else.

A web process waits for the answer, so that the time and the size are bounded,
for the whole answer and not only for each piece of it.  Redirects are not
followed: they would take the client's secret elsewhere.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from requests.auth import AuthBase

#: Seconds to wait for a connection, and for each piece of an answer.
TIMEOUT = (3.05, 5)
#: Seconds that the whole answer may take.
DEADLINE = 10
#: Bytes that an answer may have.
MAX_SIZE = 1_000_000
#: Media types.
JSON = 'application/json'
JWT = 'application/jwt'


class ProviderUnavailable(Exception):
    """The provider did not answer, or with nonsense; the text is for operators."""


class ProviderRefused(Exception):
    """The provider answered with an OAuth error (RFC 6749, section 5.2).

    :ivar code: Such as ``invalid_grant``.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Bearer(AuthBase):
    """An access token (RFC 6750, section 2.1).

    As ``auth``, because requests would put a password of ``.netrc`` over a
    plain header field.
    """

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers['Authorization'] = f'Bearer {self.token}'
        return request


def fetch(
    method: str,
    url: str,
    *,
    data: Mapping[str, str] | None = None,
    auth: AuthBase | None = None,
) -> dict[str, Any]:
    """Ask, and read the JSON object that comes back.

    :param method: The HTTP method.
    :param url: The address.
    :param data: Fields of a form.
    :param auth: How to show who asks.
    :raises ProviderRefused: where the answer is an OAuth error.
    :raises ProviderUnavailable: where it is anything but an object.
    """
    return _object(_exchange(method, url, data, auth, JSON))


def fetch_claims(url: str, auth: AuthBase) -> dict[str, Any] | str:
    """GET what may be a JSON object, or a signed token.

    :param url: The address.
    :param auth: How to show who asks.
    :return: The object; the token as it came, for somebody to check.
    :raises ProviderRefused: where the answer is an OAuth error.
    :raises ProviderUnavailable: where it is anything else.
    """
    answer = _exchange('GET', url, None, auth, f'{JSON}, {JWT}')
    if answer.status == 200 and answer.kind == JWT:
        return answer.body.decode('ascii', 'replace').strip()
    return _object(answer)


@dataclass(frozen=True)
class _Answer:
    """What came back.

    :ivar asked: For messages: method and address.
    :ivar kind: The media type, without parameters, in lower case.
    """

    asked: str
    status: int
    kind: str
    body: bytes


def _object(answer: _Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    status = answer.status
    if isinstance(found, dict):
        if status == 200:
            return found
        code = found.get('error')
        if 400 <= status < 500 and isinstance(code, str):
            raise ProviderRefused(code[:50] if code.isprintable() else 'unreadable')
    raise ProviderUnavailable(f'{answer.asked}: status {status}, not a JSON object')


def _exchange(
    method: str,
    url: str,
    data: Mapping[str, str] | None,
    auth: AuthBase | None,
    accept: str,
) -> _Answer:
    """Ask.

    :raises ProviderUnavailable: where no answer comes.
    """
    asked = f'{method} {url}'
    try:
        status, kind, body = _receive(method, url, data, auth, accept)
    except (requests.RequestException, ValueError) as error:
        # The message may quote the address, never the fields.
        raise ProviderUnavailable(f'{asked}: {type(error).__name__}') from error
    return _Answer(asked, status, kind.partition(';')[0].strip().lower(), body)


def _receive(
    method: str,
    url: str,
    data: Mapping[str, str] | None,
    auth: AuthBase | None,
    accept: str,
) -> tuple[int, str, bytes]:
    until = time.monotonic() + DEADLINE
    with (
        requests.Session() as session,
        session.request(
            method,
            url,
            data=data,
            auth=auth,
            headers={'Accept': accept},
            timeout=TIMEOUT,
            allow_redirects=False,
            stream=True,
        ) as answer,
    ):
        body = bytearray()
        for piece in answer.iter_content(8192):
            body += piece
            if len(body) > MAX_SIZE or time.monotonic() > until:
                raise requests.RequestException('too large or too slow')
        kind = answer.headers.get('Content-Type', '')
        return answer.status_code, kind, bytes(body)
