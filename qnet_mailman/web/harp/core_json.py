# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking Mailman core for a JSON answer."""

from __future__ import annotations

import logging
from typing import Any

import requests
from django.conf import settings

from qnet_mailman.web.core import TIMEOUT, CoreUnavailable

log = logging.getLogger('qnet.web')


def call(
    method: str, path: str, *, timeout: float = TIMEOUT, **fields: Any
) -> tuple[int, Any]:
    """Call core's REST server.

    :param method: The HTTP method.
    :param path: The resource below the API's version.
    :param timeout: Seconds to wait.
    :param fields: ``params`` or ``data``; a list in it is a repeated field.
    :return: The status, below 500 and other than 401, and the answer's JSON,
        None where it has none.
    :raises CoreUnavailable: where core cannot be reached, refuses our
        credentials or has failed.
    """
    url = f'{settings.MAILMAN_REST_API_URL.rstrip("/")}/3.1/{path}'
    try:
        answer = requests.request(
            method,
            url,
            auth=(settings.MAILMAN_REST_API_USER, settings.MAILMAN_REST_API_PASS),
            timeout=timeout,
            **fields,
        )
    except requests.RequestException as error:
        log.error('%s %s: %s', method, path, type(error).__name__)
        raise CoreUnavailable from error
    if answer.status_code == 401 or answer.status_code >= 500:
        log.error('%s %s: %s', method, path, answer.status_code)
        raise CoreUnavailable
    try:
        return answer.status_code, answer.json()
    except ValueError:
        return answer.status_code, None
