# SPDX-License-Identifier: GPL-3.0-or-later
"""The sign-up page (R13), and the page behind the link in a message about joining.

Mail scanners follow links, so opening a link from a message changes nothing: only
the button of its page does.
"""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers, patch_cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from qnet_mailman.web import core
from qnet_mailman.web.pages import bearer_page, page
from qnet_mailman.web.signup import catalogue, flows
from qnet_mailman.web.signup.client import client_address
from qnet_mailman.web.signup.flows import Outcome, Requested, Typed
from qnet_mailman.web.signup.tabs import as_tabs

#: Of the session: what was asked for last, until a page has said so.
_DONE = 'qnet-signup'


@require_http_methods(['GET', 'HEAD', 'POST'])
def sign_up(request: HttpRequest) -> HttpResponse:
    """The form, and what it is sent to.

    ``?lists=LIST-ID`` ticks a list, so that others can link to it.

    :param request: The request.
    """
    if request.method != 'POST':
        return _form(request, Typed.in_form(request.GET))
    typed = Typed.in_form(request.POST)
    if typed.is_search:
        return _form(request, typed)
    if typed.trapped:
        return _see_done(request, typed)
    requested = _request(request, typed)
    if requested.outcome is Outcome.TAKEN:
        return _see_done(request, typed)
    return _form(request, typed, requested)


def _request(request: HttpRequest, typed: Typed) -> Requested:
    try:
        offered = catalogue.offered()
    except core.CoreUnavailable:
        return Requested(Outcome.UNAVAILABLE)
    wrong = flows.look_at(typed, {one.list_id for one in offered})
    if wrong is not None:
        return wrong
    requested = flows.request(typed, client_address(request))
    if 'lists' in requested.mistakes:
        catalogue.forget()
    return requested


def _form(
    request: HttpRequest, typed: Typed, requested: Requested | None = None
) -> HttpResponse:
    """The form with everything that was typed and ticked."""
    status = requested.outcome.value if requested else 200
    context = {'typed': typed, 'trap': flows.TRAP, 'requested': requested}
    try:
        offered = catalogue.offered()
    except core.CoreUnavailable:
        template, status = 'signup/without_lists.html', Outcome.UNAVAILABLE.value
    else:
        template = 'signup/sign_up.html'
        context |= {
            'tabs': as_tabs(offered, typed),
            'searchable': len(offered) > catalogue.SEARCH_FROM,
        }
    response = page(request, template, context, status=status)
    patch_cache_control(response, private=True)
    return response


def _see_done(request: HttpRequest, typed: Typed) -> HttpResponse:
    # 303: the browser asks for the page that follows, and loading it again sends
    # nothing again.
    request.session[_DONE] = {'address': typed.address, 'lists': typed.chosen}
    return HttpResponse(
        status=HTTPStatus.SEE_OTHER, headers={'Location': reverse('qnet_signup_done')}
    )


@require_http_methods(['GET', 'HEAD'])
def done(request: HttpRequest) -> HttpResponse:
    """What was asked for, and what happens next: the same for everybody (R13).

    It says once what was typed, as somebody else may use the browser next.

    :param request: The request.
    """
    asked = request.session.pop(_DONE, {}) if request.method == 'GET' else {}
    chosen = set(asked.get('lists', ()))
    try:
        offered = catalogue.offered() if chosen else []
    except core.CoreUnavailable:
        offered = []
    context = {
        'address': asked.get('address', ''),
        'lists': [one for one in offered if one.list_id in chosen],
    }
    response = page(request, 'signup/done.html', context)
    add_never_cache_headers(response)
    return response


@csrf_exempt
@require_http_methods(['GET', 'HEAD', 'POST'])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whether to confirm, or confirm.

    The token alone proves that the message was read; a cookie would add nothing,
    and keep out whose browser takes none.

    :param request: The request.
    :param token: The token in the link; only core can tell what it stands for.
    """
    pressed = request.method == 'POST'
    confirmation = flows.confirm(token) if pressed else flows.describe(token)
    template = confirmation.answered.name.lower()
    if confirmation.answered is flows.Answered.KNOWN:
        template = 'confirmed' if pressed else 'confirm'
    return bearer_page(
        request,
        f'signup/{template}.html',
        {'confirmation': confirmation},
        status=confirmation.answered.value,
    )
