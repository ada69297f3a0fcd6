# SPDX-License-Identifier: GPL-3.0-or-later
"""The page to which a moderator's link leads.

Mail scanners follow links, so opening it changes nothing: only its buttons do.  The
token alone says who decides; no cookie is asked for or set.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from qnet_mailman.web.deciding import flows
from qnet_mailman.web.deciding.flows import Outcome
from qnet_mailman.web.pages import bearer_page


@csrf_exempt
@require_http_methods(['GET', 'HEAD', 'POST'])
def decide(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or decide.

    :param request: The request.
    :param token: The token in the link; only core can tell what it stands for.
    """
    verdict = request.POST.get('verdict', '')
    reason = request.POST.get('reason', '').replace('\r\n', '\n').strip()
    pressed = request.method == 'POST'
    found = flows.decide(token, verdict, reason) if pressed else flows.describe(token)
    status = flows.STATUS.get(found.outcome, 200)
    is_mistake = found.outcome is Outcome.MISTAKE
    if is_mistake:
        # The form again, with what was typed.
        found = flows.describe(token)
    return bearer_page(
        request,
        f'deciding/{found.outcome.name.lower()}.html',
        {
            'waiting': found.fields,
            'verdict': verdict,
            'reason': reason,
            'is_mistake': is_mistake,
            'too_long': len(reason) > flows.MAX_REASON,
            'max_reason': flows.MAX_REASON,
        },
        status=status,
    )
