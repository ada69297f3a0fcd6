# SPDX-License-Identifier: GPL-3.0-or-later
"""The page behind the link in "Did you send this message?".

Mail scanners follow links, so opening the page does nothing: only its button,
a POST, releases the message.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from qnet_mailman.web.pages import secret_page
from qnet_mailman.web.posts.flows import confirm


@require_http_methods(['GET', 'HEAD', 'POST'])
def confirm_post(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or take the answer.

    :param request: The request.
    :param token: The token in the link; only core can tell what it stands for.
    """
    if request.method != 'POST':
        return secret_page(request, 'posts/confirm.html')
    outcome = confirm(token)
    context = {'outcome': outcome.name}
    return secret_page(
        request, 'posts/confirm_result.html', context, status=outcome.value
    )
