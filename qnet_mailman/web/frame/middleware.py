# SPDX-License-Identifier: GPL-3.0-or-later
"""What browsers are told a page may load and do."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse

from qnet_mailman.web.harp.config import providers

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
#: Pages whose form leads to a provider.  Browsers hold each step of that way against
#: `form-action`, and a provider may send people on to others.
TO_PROVIDERS = frozenset(
    {
        'account_login',
        'account_logout',
        'openid_connect_login',
        'socialaccount_connections',
    }
)


class ContentSecurityPolicyMiddleware:
    """Gives each answer the policy above, unless its view has given it another."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with the policy.

        :param request: The request.
        """
        response = self.get_response(request)
        response.headers.setdefault(HEADER, _policy(request))
        return response


def _policy(request: HttpRequest) -> str:
    """The policy of the page that was found for a request."""
    match = request.resolver_match
    if match is None or match.view_name not in TO_PROVIDERS:
        return POLICY
    # The demo's provider is on this machine, and has no https.
    urls = [urlsplit(config.issuer) for config in providers().values()]
    origins = {f'{url.scheme}://{url.netloc}' for url in urls if url.scheme == 'http'}
    if not urls:
        return POLICY
    return POLICY.replace(
        "form-action 'self'", ' '.join(["form-action 'self' https:", *sorted(origins)])
    )
