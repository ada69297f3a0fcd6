# SPDX-License-Identifier: GPL-3.0-or-later
"""Talking to Mailman core about what only this package's plugin knows.

Lists, members and settings are reached with mailmanclient; this is for the
plugin's own resources under ``plugins/qnet/``, and the few that it has no call for.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import requests
from django.conf import settings
from django.http import Http404

from qnet_mailman import core_actor
from qnet_mailman.web import patience
from qnet_mailman.web.pages import may_be_token

log = logging.getLogger('qnet.web')

#: Where the plugin's resources are, below the API's version.
PLUGIN = 'plugins/qnet'
#: In core's audit log, where nobody is known who acts.
OURSELVES = 'web side'
#: Seconds to wait for core before a page says that it cannot be reached.
TIMEOUT = patience.SHORT
#: The same where core reads or writes a file first, or changes a whole list.
FILE_TIMEOUT = patience.LONG

Limit = float | tuple[float, float]

_acting: ContextVar[Callable[[], str]] = ContextVar('acting', default=str)


class CoreUnavailable(Exception):
    """Core did not answer, or with something that is no answer."""


@dataclass(frozen=True)
class Answer:
    """What core said.

    :ivar status: The HTTP status, below 500 and other than 401.
    :ivar fields: The JSON object of the body; empty where there is none.
    """

    status: int
    fields: Mapping[str, Any] = field(default_factory=dict)


def get(path: str) -> Answer:
    """GET a resource of the plugin.

    :param path: The resource below ``plugins/qnet/``.
    :raises CoreUnavailable: as `call()` does.
    """
    return call('GET', f'{PLUGIN}/{path}')


def post(
    path: str, data: Mapping[str, str | Sequence[str]], *, timeout: Limit = TIMEOUT
) -> Answer:
    """POST to a resource of the plugin.

    :param path: The resource below ``plugins/qnet/``.
    :param data: The fields to send; one with several values is sent that often.
    :param timeout: Seconds to wait.
    :raises CoreUnavailable: as `call()` does.
    """
    return call('POST', f'{PLUGIN}/{path}', data=data, timeout=timeout)


def post_json(path: str, data: Mapping[str, str]) -> Answer:
    """POST to a resource of the plugin that takes files: core takes them in JSON only.

    :param path: The resource below ``plugins/qnet/``.
    :param data: The object to send.
    :raises CoreUnavailable: as `call()` does.
    """
    return call('POST', f'{PLUGIN}/{path}', json=data, timeout=FILE_TIMEOUT)


def post_token(path: str, token: str, **more: str) -> Answer:
    """POST the token of a link; only core can tell what it stands for.

    :param path: The resource below ``plugins/qnet/``.
    :param token: What the link has in its place.
    :param more: Further fields.
    :return: 404, without asking core, where it can be no token.
    :raises CoreUnavailable: as `call()` does.
    """
    if not may_be_token(token):
        return Answer(404)
    return post(path, {'token': token, **more})


def get_text(path: str) -> bytes:
    """GET a resource of the plugin that is no JSON.

    :param path: The resource below ``plugins/qnet/``.
    :raises CoreUnavailable: as `call()` does.
    """
    answer = _ask('GET', f'{PLUGIN}/{path}', timeout=TIMEOUT)
    if answer.status_code != 200:
        raise CoreUnavailable
    return answer.content


def found(answer: Answer) -> Mapping[str, Any]:
    """The fields of an answer that should be one.

    :raises Http404: where core has no such thing.
    :raises CoreUnavailable: where it says anything else.
    """
    if answer.status == 404:
        raise Http404('core has no such thing')
    if answer.status != 200:
        raise CoreUnavailable
    return answer.fields


def read(path: str, fields: Mapping[str, str]) -> Mapping[str, Any]:
    """What a resource of the plugin says about some fields.

    :param path: The resource below ``plugins/qnet/``.
    :param fields: What is asked, for behind its question mark; may be empty.
    :raises Http404: where core has no such thing.
    :raises CoreUnavailable: where it says anything else.
    """
    return found(get(f'{path}?{urlencode(fields)}' if fields else path))


def call(
    method: str,
    path: str,
    *,
    data: Mapping[str, str | Sequence[str]] | None = None,
    json: Mapping[str, str] | None = None,
    params: Mapping[str, str | Sequence[str]] | None = None,
    timeout: Limit = TIMEOUT,
) -> Answer:
    """Call core's REST server.

    :param method: The HTTP method.
    :param path: The resource below the API's version.
    :param data: The fields of the body.
    :param json: An object for the body, instead of fields.
    :param params: Those of the query.
    :param timeout: Seconds to wait.
    :raises CoreUnavailable: where core cannot be reached, refuses our
        credentials or has failed.
    """
    answer = _ask(method, path, data=data, json=json, params=params, timeout=timeout)
    try:
        fields = answer.json()
    except requests.JSONDecodeError:
        fields = {}
    return Answer(answer.status_code, fields if isinstance(fields, dict) else {})


@contextmanager
def acting_as(actor: Callable[[], str]) -> Iterator[None]:
    """Say who acts while this lasts.

    :param actor: What finds that out, once core is called; '' where nobody is known.
    """
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)


def acting() -> str:
    """Who acts, as `acting_as()` has it; '' where nobody is known."""
    return _acting.get()()


def who_acts(method: str, url: str) -> str:
    """What shows core who acts in a request to it (R31).

    That is whom `acting_as()` has named; else the web side itself.
    """
    key = getattr(settings, 'MAILMAN_ARCHIVER_KEY', '')
    return core_actor.sign(key, method, url, acting() or OURSELVES, time.time())


def say_who_acts(parameters: dict[str, Any]) -> dict[str, Any]:
    """Let mailmanclient send it, too, which is Postorius' and HyperKitty's way to core.

    :param parameters: Of the request, as mailmanclient hands them to its hooks.
    """
    proof = who_acts(parameters['method'], parameters['url'])
    headers = {**parameters['headers'], core_actor.FIELD: proof}
    return {**parameters, 'headers': headers}


def _ask(method: str, path: str, *, timeout: Limit, **more: Any) -> requests.Response:
    # Tokens are in the fields and not in the address, which is logged.
    url = f'{settings.MAILMAN_REST_API_URL.rstrip("/")}/3.1/{path}'
    if timeout == FILE_TIMEOUT:
        patience.make_sure(lambda probe: _ask('GET', probe, timeout=TIMEOUT))
    try:
        with patience.asking():
            answer = requests.request(
                method,
                url,
                auth=(settings.MAILMAN_REST_API_USER, settings.MAILMAN_REST_API_PASS),
                headers={core_actor.FIELD: who_acts(method, url)},
                timeout=timeout,
                **more,
            )
    except requests.RequestException as error:
        log.error('%s %s: %s', method, path, type(error).__name__)
        raise CoreUnavailable from error
    if answer.status_code == 401 or answer.status_code >= 500:
        log.error('%s %s: %s %s', method, path, answer.status_code, answer.reason)
        raise CoreUnavailable
    return answer
