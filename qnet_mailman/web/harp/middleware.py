# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends sessions that must not go on, before any page sees them.

* A session that began at a provider and was ended there, or whose account is
  not linked to the provider any more.
* A superuser's (or other staff's) session that began with a local password,
  where ``LOCAL_SUPERUSERS`` is off (R27).  Taking only the power away would
  mean changing ``is_superuser`` on the user, and stock code that saves the user
  would write that to the database.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

from qnet_mailman.web.harp.pages import Refusal, refusal_page
from qnet_mailman.web.harp.session import SESSION_KEY, identity, provider_session

log = logging.getLogger('qnet.web')


class ProviderSessionMiddleware:
    """Stands after the one that finds out who is signed in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Look at the session, then go on.

        :param request: The request.
        """
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            user = request.user
            if user.is_authenticated:
                if SESSION_KEY in request.session:
                    session = provider_session(request)
                    if session is None:
                        logout(request)
                    elif session.session_key != request.session.session_key:
                        # A change of the password gives the session a new key.
                        session.session_key = request.session.session_key
                        session.save(update_fields=['session_key'])
                if (
                    (user.is_superuser or user.is_staff)
                    and not settings.LOCAL_SUPERUSERS
                    and request.user.is_authenticated
                    and identity(request) is None
                ):
                    log.warning('superuser %s: local sign-in refused', user.pk)
                    logout(request)
                    return refusal_page(request, Refusal.LOCAL_SUPERUSER)
        return self.get_response(request)
