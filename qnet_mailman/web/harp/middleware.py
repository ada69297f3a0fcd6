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
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

from qnet_mailman.web.harp.pages import Refusal, refusal_page
from qnet_mailman.web.harp.session import SESSION_KEY, identity, provider_session

#: Pages that no session matters to: mail providers press this button (RFC 8058).
WITHOUT_SESSION = frozenset({'qnet_unsubscribe'})

log = logging.getLogger('qnet.web')


class ProviderSessionMiddleware:
    """Stands after the one that finds out who is signed in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Go on.

        :param request: The request.
        """
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: Any, _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        """Look at the session.

        :param request: The request; it is known which page it is for.
        :return: None to go on.
        """
        if (
            settings.SESSION_COOKIE_NAME not in request.COOKIES
            or request.resolver_match.view_name in WITHOUT_SESSION
        ):
            return None
        user = request.user
        if not user.is_authenticated:
            return None
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
        return None
