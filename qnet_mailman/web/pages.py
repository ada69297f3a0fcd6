# SPDX-License-Identifier: GPL-3.0-or-later
"""What our own pages have in common: their header fields, and links with tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

#: After how many seconds to come again, by HTTP status: a few minutes where core
#: did not answer, the period of core's limit where a client asked too often.
RETRY_AFTER = {503: 300, 429: 3600}


def may_be_token(text: str) -> bool:
    """Whether core need be asked about what a link has in the place of its token.

    :param text: Any text; tokens are printable ASCII and not very long.
    """
    return re.fullmatch(r'[!-~]{1,1024}', text) is not None


def page_asked(request: HttpRequest) -> int:
    """Which page of many is asked for behind the question mark; 1 where none is."""
    text = request.GET.get('page', '')
    return max(int(text), 1) if re.fullmatch('[0-9]{1,6}', text) else 1


def page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """One of our pages.

    :param request: The request.
    :param template: The page's template.
    :param context: What the template needs.
    :param status: The HTTP status.
    """
    response = render(request, template, context, status=status)
    if status in RETRY_AFTER:
        response['Retry-After'] = str(RETRY_AFTER[status])
    return response


def secret_page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """A page whose address has a token in it: nobody else is to learn the address.

    The site's Referrer-Policy keeps it from other sites.  It must not be stricter
    where a form is protected by a cookie: browsers then send no origin, and
    Django's CSRF check refuses the form.

    :param request: The request.
    :param template: The page's template.
    :param context: What the template needs.
    :param status: The HTTP status.
    """
    response = page(request, template, context, status=status)
    response['X-Robots-Tag'] = 'noindex'
    add_never_cache_headers(response)
    return response


def bearer_page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """A page where the token alone says who may do what, without any cookie.

    Its template has no part that looks at the session (`cookieless` in
    ``qnet/frame.html``), and no address of it travels at all.

    :param request: The request.
    :param template: The page's template.
    :param context: What the template needs.
    :param status: The HTTP status.
    """
    context = {**(context or {}), 'cookieless': True}
    response = secret_page(request, template, context, status=status)
    response['Referrer-Policy'] = 'no-referrer'
    return response
