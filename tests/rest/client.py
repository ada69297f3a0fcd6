# SPDX-License-Identifier: GPL-3.0-or-later
"""Core's REST API in this process, as the web side and scripts ask it."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

from falcon.testing import TestClient

JSON = 'application/json'
FORM = 'application/x-www-form-urlencoded'


def authorization(password: str = 'restpass') -> str:
    """What stands in the header."""
    return 'Basic ' + base64.b64encode(f'restadmin:{password}'.encode()).decode()


AUTHORIZATION = authorization()


def application() -> Any:
    """Core's REST server, as a WSGI application; it needs a configuration."""
    # Which this needs, too, when it is imported.
    from mailman.rest.wsgiapp import make_application

    if not _has_plugin():
        return make_application()
    from qnet_mailman.rest.refusals import answer

    return answer(make_application())


def _has_plugin() -> bool:
    from mailman.config import config

    return 'qnet' in config.plugins


def client() -> TestClient:
    """Asks it without a connection."""
    # Not at the top: it needs a configuration when it is imported.
    from qnet_mailman.rest.acting import signed

    made = signed(application()) if _has_plugin() else application()
    # Falcon's client looks at the arguments of what it is given.
    return TestClient(lambda environ, start: made(environ, start))


def ask(
    method: str,
    path: str,
    fields: dict[str, Any] | None = None,
    *,
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> Any:
    """Send a request.

    :param path: Behind the version: ``plugins/qnet/roles``.
    :param fields: In the query of a GET, and else in the body.
    :param body: JSON, instead of the fields; a text goes as it is.
    :return: Falcon's answer: `status_code`, `json`.
    """
    sent: dict[str, Any] = {}
    given = {'Authorization': AUTHORIZATION}
    if body is not None:
        given['Content-Type'] = JSON
        sent['body'] = body if isinstance(body, str) else json.dumps(body)
    elif method == 'GET':
        sent['query_string'] = urlencode(fields or {}, doseq=True)
    else:
        given['Content-Type'] = FORM
        sent['body'] = urlencode(fields or {}, doseq=True)
    return client().simulate_request(
        method, f'/3.1/{path}', headers={**given, **(headers or {})}, **sent
    )
