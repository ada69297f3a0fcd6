# SPDX-License-Identifier: GPL-3.0-or-later
"""What programs read about the site, and the pages of last resort."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from qnet_mailman.web.frame.context import site

#: What search engines are to leave alone (RFC 9309): accounts, operators' pages, pages
#: with a token in their address, and those that lead nowhere but to others.  What stays
#: are the front page, signing up, lists and public archives.
ROBOTS = """\
User-agent: *
Disallow: /accounts/
Disallow: /admin/
Disallow: /adopting/
Disallow: /archives/api/
Disallow: /archives/profile
Disallow: /archives/search
Disallow: /archives/users/
Disallow: /archives/list/*/export/
Disallow: /decide/
Disallow: /forms/confirm/
Disallow: /harp/
Disallow: /mailman3/
Allow: /mailman3/lists/
Disallow: /mailman3/lists/*/confirm/
Disallow: /mailman3/lists/*/handle_subscription_request/
Disallow: /metrics/
Disallow: /operators/
Disallow: /posts/
Disallow: /requests/
Disallow: /send-again/
Disallow: /signup/confirm/
Disallow: /start/
Disallow: /unsubscribe/
Disallow: /user-profile/
"""
#: How long what `security.txt` says counts (RFC 9116 recommends less than a year).
COUNTS_FOR = timedelta(days=90)


@require_safe
def robots(_request: HttpRequest) -> HttpResponse:
    """What search engines may look at."""
    return HttpResponse(ROBOTS, content_type='text/plain; charset=utf-8')


@require_safe
def security(_request: HttpRequest) -> HttpResponse:
    """Whom to tell of a weakness (RFC 9116).

    :raises Http404: where the settings name nobody.
    """
    if not settings.SECURITY_CONTACT:
        raise Http404
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    fields = {
        'Contact': settings.SECURITY_CONTACT,
        'Policy': settings.SECURITY_POLICY,
        'Expires': (today + COUNTS_FOR).isoformat(),
        'Preferred-Languages': 'en',
        'Canonical': f'{settings.WEB_URL}/.well-known/security.txt',
    }
    text = ''.join(f'{name}: {value}\n' for name, value in fields.items() if value)
    return HttpResponse(text, content_type='text/plain; charset=utf-8')


def _plain_page(request: HttpRequest, template: str, status: int) -> HttpResponse:
    """A page in the frame that asks neither session nor database nor core."""
    context = {**site(request), 'cookieless': True}
    return HttpResponse(render_to_string(template, context), status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for a request that cannot be understood.

    :param request: The request.
    :param exception: What is wrong with it; a host that is not ours, for one.
    """
    return _plain_page(request, '400.html', HTTPStatus.BAD_REQUEST)


def server_error(request: HttpRequest) -> HttpResponse:
    """The page for a mistake of ours; what it was is in the log.

    :param request: The request.
    """
    return _plain_page(request, '500.html', HTTPStatus.INTERNAL_SERVER_ERROR)
