# SPDX-License-Identifier: GPL-3.0-or-later
"""Core's REST API in this process, as the web side and scripts ask it."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlencode

from falcon.testing import TestClient

AUTHORIZATION = 'Basic ' + base64.b64encode(b'restadmin:restpass').decode()


def ask(method: str, path: str, fields: dict[str, Any] | None = None) -> Any:
    """Send a request; fields stand in the query, or in the body of a POST.

    :param path: Behind the version: ``plugins/qnet/roles``.
    :return: Falcon's answer: `status_code`, `json`.
    """
    # Needs a configuration when it is imported.
    from mailman.rest.wsgiapp import make_application

    application = make_application()
    # Falcon's client looks at the arguments of what it is given.
    client = TestClient(lambda environ, start: application(environ, start))
    headers = {'Authorization': AUTHORIZATION}
    text = urlencode(fields or {}, doseq=True)
    where: dict[str, Any] = {'query_string': text}
    if method == 'POST':
        headers['Content-Type'] = 'application/x-www-form-urlencoded'
        where = {'body': text}
    return client.simulate_request(method, f'/3.1/{path}', headers=headers, **where)
