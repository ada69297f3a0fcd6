# SPDX-License-Identifier: GPL-3.0-or-later
"""How the ticket system of a site hears of a step: by a URL or a command.

It gets one JSON object, signed with a secret that both sides have: HMAC-SHA256 (RFC
2104) over the moment of sending, a dot, and the bytes of the object.  What goes wrong
is said without the URL, the command, their answers and the secret.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import requests

from qnet_mailman import values
from qnet_mailman.settings import Settings

MAX_ANSWER = 64 * 1024
"""Bytes of an answer; more is not read."""
LEAST_SECRET = 16
"""Bytes of a secret (RFC 2104 section 3 wants it no shorter than what it is for)."""
TIMESTAMP = 'X-QNet-Timestamp'
SIGNATURE = 'X-QNet-Signature'
_PASSED_ON = ('PATH', 'HOME', 'LANG', 'TZ')
"""Of our environment, what a command gets: other variables may be secret."""


class NotHeard(Exception):
    """The ticket system has not heard of a step, and is to be told again."""


def secret_of(settings: Settings) -> bytes:
    """The secret with which steps are signed; read each time, so that it can change.

    :raises NotHeard: if it cannot be used.
    """
    path = settings.ticket_system_secret_file
    try:
        secret = b'' if path is None else Path(path).read_bytes().strip()
    except OSError as error:
        raise NotHeard(
            f'ticket_system_secret_file cannot be read: {error.strerror}'
        ) from None
    if len(secret) < LEAST_SECRET:
        raise NotHeard(
            f'ticket_system_secret_file has fewer than {LEAST_SECRET} characters'
        )
    return secret


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """What shows that a step is ours.

    :param timestamp: Seconds since 1970, in decimals.
    """
    signed = timestamp.encode() + b'.' + body
    return 'sha256=' + hmac.new(secret, signed, hashlib.sha256).hexdigest()


def tell(step: dict[str, Any], settings: Settings, sent_at: int) -> str:
    """Tell the ticket system of a step.

    :param step: The step, as the guide for operators says.
    :param sent_at: Now, in seconds since 1970.
    :return: The ticket that it answers with; may be empty.
    :raises NotHeard: if it did not say that it has heard.
    """
    body = json.dumps(step).encode()
    timestamp = str(sent_at)
    signed = signature(secret_of(settings), timestamp, body)
    seconds = settings.ticket_system_timeout.total_seconds()
    if settings.ticket_system_url is not None:
        answer = _post(settings.ticket_system_url, body, timestamp, signed, seconds)
    else:
        command = settings.ticket_system_command
        answer = _run(command, body, timestamp, signed, seconds)
    return ticket_in(answer)


def ticket_in(answer: bytes) -> str:
    """The ticket in an answer, `{"ticket": "REQ0001234"}`; empty where it has none."""
    try:
        found = json.loads(answer)
        return values.ticket(found['ticket'])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ''


def _anonymous(request: Any) -> Any:
    # With anything here, no password out of a ~/.netrc is added.
    return request


def _post(url: str, body: bytes, timestamp: str, signed: str, seconds: float) -> bytes:
    headers = {
        'Content-Type': 'application/json',
        'Accept': 'application/json',
        TIMESTAMP: timestamp,
        SIGNATURE: signed,
    }
    end = time.monotonic() + seconds
    try:
        with requests.post(
            url,
            data=body,
            headers=headers,
            auth=_anonymous,
            timeout=seconds,
            allow_redirects=False,
            stream=True,
        ) as response:
            if not 200 <= response.status_code < 300:
                raise NotHeard(f'it answers {response.status_code}')
            answer = bytearray()
            for part in response.iter_content(1):
                answer += part
                if len(answer) >= MAX_ANSWER or time.monotonic() > end:
                    break
            return bytes(answer)
    except (requests.RequestException, OSError, ValueError) as error:
        # Their words have the whole URL in them.
        raise NotHeard(f'it cannot be reached ({type(error).__name__})') from None


def _run(
    command: str, body: bytes, timestamp: str, signed: str, seconds: float
) -> bytes:
    environment = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
    environment |= {'QNET_TIMESTAMP': timestamp, 'QNET_SIGNATURE': signed}
    try:
        process = subprocess.Popen(
            shlex.split(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            # Ended with all that it has started.
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise NotHeard(f'it cannot be started ({type(error).__name__})') from None
    try:
        answer, _ = process.communicate(body, timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise NotHeard(f'it takes more than {seconds:g} s') from None
    if process.returncode:
        raise NotHeard(f'it ends with status {process.returncode}')
    return answer[:MAX_ANSWER]
