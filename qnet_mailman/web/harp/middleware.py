# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends sessions that must not go on, before any page sees them.

* A session that began at a provider and was ended there, or whose account is
  not linked to the provider any more.
* A superuser's (or other staff's) session that began with a local password,
  where ``LOCAL_SUPERUSERS`` is off, or with an identity that is no operator's (R27).
  Taking only the power away would mean changing ``is_superuser`` on the user, and
  stock code that saves the user would write that to the database.
* One that nobody has used for a while (see :mod:`qnet_mailman.web.harp.idle`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

from qnet_mailman.web.harp.idle import is_over
from qnet_mailman.web.harp.operators import has_power
from qnet_mailman.web.harp.pages import Refusal, refusal_page
from qnet_mailman.web.harp.session import SESSION_KEY, identity, provider_session

#: Pages that no session matters to: mail providers press this button (RFC 8058).
WITHOUT_SESSION = frozenset({'qnet_unsubscribe'})
#: What is said to somebody whose session was over.
SIGNED_OUT = (
    'You were signed out because this page had not been used for a while. '
    'Please sign in again.'
)

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
        if request.user.is_authenticated:
            refusal = _refusal_of(request)
            if refusal is not None:
                log.warning('superuser %s: refused: %s', user.pk, refusal.name)
                logout(request)
                return refusal_page(request, refusal)
        if request.user.is_authenticated and is_over(request):
            logout(request)
            messages.info(request, SIGNED_OUT)
        return None


def _refusal_of(request: HttpRequest) -> Refusal | None:
    """Why an account with Django's flags may not go on; None if it may.

    Staff that are no superusers get nothing from the gate; with an identity they are
    people like others.
    """
    user = request.user
    if not (user.is_superuser or user.is_staff) or has_power(request):
        return None
    if identity(request) is None:
        return Refusal.LOCAL_SUPERUSER
    return Refusal.NOT_OPERATOR if user.is_superuser else None
