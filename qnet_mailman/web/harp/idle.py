# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions that nobody uses end: who goes home leaves no open door at the computer.

That holds for everybody who signed in through a provider, with a role or without: a
role is core's to say, and may come in the middle of a session.  For operators the time
is shorter.  A member's local password carries no right (R27), and its session stays.
"""

from __future__ import annotations

import time

from django.conf import settings
from django.http import HttpRequest

from qnet_mailman.web.harp.session import SESSION_KEY

#: Where a session has when it was used last, in seconds since 1970.
USED_KEY = 'qnet_used'
#: The session is written at most once in so many seconds because of that, and
#: at most once in a tenth of the time after which it ends.
GRAIN = 60


def limit_of(request: HttpRequest) -> int | None:
    """After how many idle seconds a session ends; None for never.

    :param request: The request of somebody who is signed in.
    """
    user = request.user
    if user.is_superuser or user.is_staff:
        return int(settings.OPERATOR_IDLE_SECONDS)
    if SESSION_KEY in request.session:
        return int(settings.ROLE_IDLE_SECONDS)
    return None


def is_over(request: HttpRequest) -> bool:
    """Whether a session was idle for too long; if not, this is its last use.

    :param request: The request of somebody who is signed in.
    """
    limit = limit_of(request)
    if limit is None:
        return False
    now = time.time()
    used = request.session.get(USED_KEY)
    if isinstance(used, int | float):
        if now - used >= limit:
            return True
        if abs(now - used) < min(GRAIN, limit / 10):
            return False
    mark(request)
    return False


def mark(request: HttpRequest) -> None:
    """The session is used now.

    :param request: The request.
    """
    request.session[USED_KEY] = time.time()
