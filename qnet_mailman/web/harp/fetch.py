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
from typing import Any

import requests
from requests.auth import AuthBase

#: Seconds to wait for a connection, and for each piece of an answer.
TIMEOUT = (3.05, 5)
#: Seconds that the whole answer may take.
DEADLINE = 10
#: Bytes that an answer may have.
MAX_SIZE = 1_000_000


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
    try:
        status, body = _exchange(method, url, data, auth)
    except (requests.RequestException, ValueError) as error:
        # The message may quote the address, never the fields.
        raise ProviderUnavailable(f'{method} {url}: {type(error).__name__}') from error
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict):
        if status == 200:
            return answer
        code = answer.get('error')
        if 400 <= status < 500 and isinstance(code, str):
            raise ProviderRefused(code[:50] if code.isprintable() else 'unreadable')
    raise ProviderUnavailable(f'{method} {url}: status {status}, not a JSON object')


def _exchange(
    method: str,
    url: str,
    data: Mapping[str, str] | None,
    auth: AuthBase | None,
) -> tuple[int, bytes]:
    until = time.monotonic() + DEADLINE
    with (
        requests.Session() as session,
        session.request(
            method,
            url,
            data=data,
            auth=auth,
            headers={'Accept': 'application/json'},
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
        return answer.status_code, bytes(body)
