# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking a server of HTTP whether it answers."""

from __future__ import annotations

from typing import Any

import requests

TIMEOUT = 10
"""Seconds until what answers at all has answered."""


def problem_of(url: str, *, follow: bool = False, **more: Any) -> str | None:
    """Why a resource does not answer as it should; None if it does.

    :param follow: Whether it may lead elsewhere.
    :param more: What else `requests.get` takes.
    """
    try:
        answer = requests.get(url, timeout=TIMEOUT, allow_redirects=follow, **more)
    except requests.RequestException as error:
        return type(error).__name__
    if answer.is_redirect:
        return f'it leads to {answer.headers["Location"]}'
    return None if answer.ok else f'status {answer.status_code}'
