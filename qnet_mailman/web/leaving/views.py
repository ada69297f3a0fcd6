# SPDX-License-Identifier: GPL-3.0-or-later
"""Leaving, and having mail again, with a link in a message (R15, R22, R39, RFC 8058).

A mail provider POSTs to the link of the header when its user presses its "Unsubscribe"
button; people open that of the footer and press ours.  Scanners open links too, so
opening the page changes nothing, and the footer's link leaves by our button alone.

The token is all that there is to prove: no cookie is asked for or set, no other
page is involved, and what the body says is not looked at, however it is encoded.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from qnet_mailman.web.leaving import flows
from qnet_mailman.web.pages import bearer_page

CONFIRMED = 'confirmed=yes'
"""The query to which our button POSTs."""


@csrf_exempt
@require_http_methods(['GET', 'HEAD', 'POST'])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or let the reader leave.

    :param request: The request.
    :param token: The token in the link; only core can tell what it stands for.
    """
    if request.method == 'POST':
        confirmed = request.META.get('QUERY_STRING') == CONFIRMED
        leaving = flows.leave(token, confirmed=confirmed)
    else:
        leaving = flows.describe(token)
    return bearer_page(
        request,
        f'leaving/{leaving.outcome.name.lower()}.html',
        {'leaving': leaving, 'confirmed': CONFIRMED},
        status=leaving.outcome.value,
    )


@csrf_exempt
@require_http_methods(['GET', 'HEAD', 'POST'])
def send_again(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or have the list's mail sent to the reader of a warning again (R22).

    :param request: The request.
    :param token: The token in the link; only core can tell what it stands for.
    """
    act = flows.send_again if request.method == 'POST' else flows.may_be_sent_again
    again = act(token)
    return bearer_page(
        request, 'leaving/send_again.html', {'again': again}, status=again.outcome.value
    )
