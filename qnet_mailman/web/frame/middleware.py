# SPDX-License-Identifier: GPL-3.0-or-later
"""What browsers are told a page may load and do."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

#: No inline script or style, and nothing but what this site serves.
POLICY = '; '.join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADER = 'Content-Security-Policy'


class ContentSecurityPolicyMiddleware:
    """Gives each answer the policy above, unless its view has given it another."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with the policy.

        :param request: The request.
        """
        response = self.get_response(request)
        response.headers.setdefault(HEADER, POLICY)
        return response
