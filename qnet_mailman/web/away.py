# SPDX-License-Identifier: GPL-3.0-or-later
"""What is answered while core is away: a page that says so, whatever was asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from mailmanclient import MailmanConnectionError
from postorius.middleware import PostoriusMiddleware
from postorius.models import MailmanApiError

from qnet_mailman.web import patience
from qnet_mailman.web.core import CoreUnavailable
from qnet_mailman.web.pages import page

log = logging.getLogger('qnet.web')

AWAY = (CoreUnavailable, MailmanApiError, MailmanConnectionError)


def unavailable(request: HttpRequest) -> HttpResponse:
    """The page that says that core did not answer.

    :param request: The request.
    """
    return page(request, 'qnet/unavailable.html', status=HTTPStatus.SERVICE_UNAVAILABLE)


class CoreAwayMiddleware(PostoriusMiddleware):
    """In the place of Postorius' own, and before whatever asks core."""

    get_response: Callable[[HttpRequest], HttpResponse]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer; not with a page of Postorius' that lacks what core did not say.

        :param request: The request.
        """
        with patience.noting_failures() as failures:
            response = self.get_response(request)
        if failures and response.status_code == HTTPStatus.OK and _is_stock(request):
            return unavailable(request)
        return response

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponse | None:
        """Say so where a view failed because of core; stock views do so in many ways.

        :param request: The request.
        :param exception: Of the view.
        """
        if isinstance(exception, AWAY) or patience.has_failed():
            log.error('%s: %s', request.path, type(exception).__name__)
            return unavailable(request)
        return super().process_exception(request, exception)


def _is_stock(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and match.func.__module__.startswith('postorius.')
