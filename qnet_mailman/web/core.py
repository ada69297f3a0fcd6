# SPDX-License-Identifier: GPL-3.0-or-later
"""Talking to Mailman core about what only this package's plugin knows.

Lists, members and settings are reached with mailmanclient; this is for the
plugin's own resources under ``plugins/qnet/``.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import requests
from django.conf import settings

log = logging.getLogger('qnet.web')

#: Seconds to wait for core before a page says that it cannot be reached.
TIMEOUT = 20


class CoreUnavailable(Exception):
    """Core did not answer, or with something that is no answer."""


def post(path: str, data: Mapping[str, str]) -> int:
    """POST to a resource of the plugin.

    :param path: The resource below ``plugins/qnet/``.
    :param data: The fields to send.
    :return: The HTTP status, below 500 and other than 401.
    :raises CoreUnavailable: where core cannot be reached, refuses our
        credentials or has failed.
    """
    url = f'{settings.MAILMAN_REST_API_URL.rstrip("/")}/3.1/plugins/qnet/{path}'
    try:
        answer = requests.post(
            url,
            data=dict(data),
            auth=(settings.MAILMAN_REST_API_USER, settings.MAILMAN_REST_API_PASS),
            timeout=TIMEOUT,
        )
    except requests.RequestException as error:
        log.error('POST %s: %s', url, error)
        raise CoreUnavailable from error
    if answer.status_code == 401 or answer.status_code >= 500:
        log.error('POST %s: %s %s', url, answer.status_code, answer.reason)
        raise CoreUnavailable
    return answer.status_code
