# SPDX-License-Identifier: GPL-3.0-or-later
"""Leaving with the link in a message, as RFC 8058 says (R15).

A mail provider POSTs to the link when its user presses its "Unsubscribe" button;
people open the link and press ours.  Scanners open links too, so opening the page
changes nothing.

The token is all that there is to prove: no cookie is asked for or set, no other
page is involved, and what the body says is not looked at, however it is encoded.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from qnet_mailman.web.leaving import flows
from qnet_mailman.web.pages import bearer_page


@csrf_exempt
@require_http_methods(['GET', 'HEAD', 'POST'])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or let the reader leave.

    :param request: The request.
    :param token: The token in the link; only core can tell what it stands for.
    """
    pressed = request.method == 'POST'
    leaving = flows.leave(token) if pressed else flows.describe(token)
    return bearer_page(
        request,
        f'leaving/{leaving.outcome.name.lower()}.html',
        {'leaving': leaving, 'pressed': pressed},
        status=leaving.outcome.value,
    )
