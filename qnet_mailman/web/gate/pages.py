# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages that say why a page does not open, and what to do."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url

from qnet_mailman.web.away import unavailable
from qnet_mailman.web.gate.policy import Need
from qnet_mailman.web.harp.config import providers
from qnet_mailman.web.pages import page
from qnet_mailman.web.patience import has_failed

#: Pages that lead somewhere else when they do not open: page and reason.
INSTEAD = {'list_new': 'new-list'}


def refuse(request: HttpRequest, need: Need, name: str = '') -> HttpResponse:
    """To the sign-in page, or a page that says why not.

    :param request: The request of somebody who may not.
    :param need: What the page needs.
    :param name: The list in question, as the request names it.
    """
    if need is Need.CORE:
        # A redirection would make the sign-in page the text of a message.
        return explain(request, 'operators')
    if has_failed():
        # Nobody has said that they may not.
        return unavailable(request)
    if not request.user.is_authenticated:
        return sign_in(request)
    page_name = request.resolver_match.view_name
    reason = INSTEAD.get(page_name) or _reason(request, need, name)
    return explain(request, reason, name)


def sign_in(request: HttpRequest) -> HttpResponse:
    """To the sign-in page, and back from there where that makes sense.

    :param request: The request.
    """
    if request.method in ('GET', 'HEAD'):
        target = request.get_full_path()
    else:
        target = resolve_url(settings.LOGIN_REDIRECT_URL)
    response = redirect_to_login(target)
    response['Cache-Control'] = 'no-store'
    return response


def explain(
    request: HttpRequest,
    reason: str,
    name: str = '',
    status: int = HTTPStatus.FORBIDDEN,
) -> HttpResponse:
    """A page that says why, and what to do.

    :param request: The request.
    :param reason: One of those that ``gate/refused.html`` has words for.
    :param name: The list in question, as the request names it.
    :param status: The HTTP status.
    """
    names = ' or '.join(config.name for config in providers().values())
    response = page(
        request,
        'gate/refused.html',
        {'reason': reason, 'list_name': name, 'provider_name': names or 'HARP'},
        status=status,
    )
    response['Cache-Control'] = 'no-store'
    return response


def _reason(request: HttpRequest, need: Need, name: str) -> str:
    access = request.qnet
    if need is Need.READER:
        return 'archive'
    if need not in (Need.ADMINISTRATOR, Need.MODERATOR):
        return 'operators'
    if not access.is_ours(name) and not (
        settings.OTHER_LISTS_NEED_ROLE and not access.roles
    ):
        return 'owners'
    if access.identity is None:
        return 'password'
    if not access.roles:
        return 'no-role'
    if need is Need.ADMINISTRATOR and access.moderates(name):
        return 'moderator'
    return 'other-list'
