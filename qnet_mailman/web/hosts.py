# SPDX-License-Identifier: GPL-3.0-or-later
"""The site has one name, whatever a request calls it.

Django takes a ``Host:`` with any port for one of ``ALLOWED_HOSTS``, and those have
loopback names for core.  Links in mails are made of it: somebody who asks for a new
password in another's name would choose where the link in that mail leads.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class HostMiddleware:
    """Stands before all others."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Go on, with the name and port of ``WEB_URL`` as the request's.

        :param request: The request.
        :raises DisallowedHost: where it is for another host (answered with 400).
        """
        request.get_host()
        # Where the settings tell Django to believe these, they are looked at first.
        for field in ('HTTP_X_FORWARDED_HOST', 'HTTP_X_FORWARDED_PORT'):
            request.META.pop(field, None)
        request.META['HTTP_HOST'] = urlsplit(settings.WEB_URL).netloc
        return self.get_response(request)
