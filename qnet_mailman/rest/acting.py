# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is in the audit log for what is changed over REST (R31).

That is whom the web side has signed for (:mod:`..core_actor`); otherwise `REST`, with
whom the caller names, for which there is no proof.
"""

from __future__ import annotations

import configparser
import io
import logging
import re
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import cache
from typing import Any

from mailman.config import config
from mailman.config.config import external_configuration

from qnet_mailman import core_actor, values
from qnet_mailman.model.audit import recorded_as
from qnet_mailman.model.changes import Doing, doing, nothing
from qnet_mailman.rest.asked import doing_of, fields_of
from qnet_mailman.rest.limits import Application
from qnet_mailman.rest.patience import SAFE

ACTOR = 'REST'

log = logging.getLogger('mailman.plugins')

_FIELD = f'HTTP_{core_actor.FIELD.upper().replace("-", "_")}'
_signed: ContextVar[str | None] = ContextVar('signed_actor', default=None)


def signed(application: Application) -> Application:
    """An application that knows who acts in each of its requests."""

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        actor = _signed_for(environ)
        token = _signed.set(actor)
        try:
            with recorded_as(actor or ACTOR), doing(_what_asks(environ)):
                return application(environ, start)
        finally:
            _signed.reset(token)

    return answer


def _path(environ: dict[str, Any]) -> str:
    path: str = environ.get('SCRIPT_NAME', '') + environ['PATH_INFO']
    # As WSGI has it (PEP 3333).
    return path.encode('latin-1').decode('utf-8', 'surrogateescape')


def _what_asks(environ: dict[str, Any]) -> Callable[[], Doing | None]:
    """What finds out what the request is to change."""
    method, path = environ['REQUEST_METHOD'], _path(environ)
    if method in SAFE:
        return nothing
    body = environ['wsgi.input'].read(int(environ.get('CONTENT_LENGTH') or 0))
    environ['wsgi.input'] = io.BytesIO(body)
    kind = environ.get('CONTENT_TYPE', '')

    def asked() -> Doing | None:
        # Without the version of the interface.
        below = re.sub(r'^/\d\.\d(?=/)', '', path)
        return doing_of(method, below, fields_of(kind, body))

    return asked


def _signed_for(environ: dict[str, Any]) -> str | None:
    value = environ.get(_FIELD)
    if value is None:
        return None
    method, path = environ['REQUEST_METHOD'], _path(environ)
    actor = core_actor.actor_of(_key(), method, path, value, time.time())
    if actor is None:
        log.warning(
            'REST: who acts is not signed as it must be: api_key of '
            'mailman-hyperkitty.cfg must be MAILMAN_ARCHIVER_KEY of the web side, and '
            "the hosts' clocks must agree"
        )
    return actor


@cache
def _key() -> str:
    """What the web side signs with; empty where there is none."""
    path = getattr(getattr(config.archiver, 'hyperkitty', None), 'configuration', '')
    if not path:
        return ''
    try:
        return str(external_configuration(path).get('general', 'api_key'))
    except (configparser.Error, OSError):
        return ''


def person(value: str) -> str:
    """The person for whom a caller asks, as the caller names them.

    :raises ValueError: if that does not fit into a line.
    """
    return values.line(value, values.MAX_NAME, optional=True)


def acting_for(actor: str | None) -> str:
    """Whom the web side has signed for; else the caller, with whom it has named."""
    return _signed.get() or (f'{ACTOR}: {actor}' if actor else ACTOR)
