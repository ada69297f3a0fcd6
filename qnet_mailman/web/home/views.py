# SPDX-License-Identifier: GPL-3.0-or-later
"""The page after signing in."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_safe

from qnet_mailman.web.core import CoreUnavailable
from qnet_mailman.web.home.start import my_lists, roles_that_end
from qnet_mailman.web.lists import core_lists
from qnet_mailman.web.pages import page


@require_safe
@login_required
def start(request: HttpRequest) -> HttpResponse:
    """What a person looks after, what waits there, and what is wrong.

    Core is asked once, and not at all for somebody who looks after nothing.

    :param request: The request.
    """
    access = request.qnet
    context: dict[str, Any] = {
        'is_operator': access.is_operator,
        'identity': access.identity,
        'roles': access.roles,
        'looks_after': bool(access.administered or access.moderated),
    }
    status = HTTPStatus.OK
    if context['looks_after']:
        try:
            found = core_lists.overview(request)
        except CoreUnavailable:
            context['unavailable'] = True
            status = HTTPStatus.SERVICE_UNAVAILABLE
        else:
            context['lists'] = my_lists(found['lists'], access.administered)
            context['ending'] = roles_that_end(found['roles'])
    response = page(request, 'home/start.html', context, status=status)
    add_never_cache_headers(response)
    return response
