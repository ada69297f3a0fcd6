# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that change something wait while a backup is begun.

What they change is in the database and in queues, of which a backup has the same
moment.  Those that only read go on: runners that have yet to finish their work may wait
for one, and the backup for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from qnet_mailman.queues import standstill
from qnet_mailman.rest.limits import Application, refuse

SAFE = frozenset({'GET', 'HEAD', 'OPTIONS'})
"""Methods that change nothing (RFC 9110, section 9.2.1)."""
WAIT = 30.0
"""Seconds for which a request waits; then its client is to come again."""


def patient(application: Application) -> Application:
    """An application that stands still when it is asked to.

    It answers in its time; or, if that is too long, 503 (RFC 9110, section 15.6.4).
    """

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ['REQUEST_METHOD'] in SAFE:
            return application(environ, start)
        with standstill.working(wait=WAIT) as may_work:
            if may_work:
                return application(environ, start)
        return refuse(start, HTTPStatus.SERVICE_UNAVAILABLE, ('Retry-After', '30'))

    return answer
