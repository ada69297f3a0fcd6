# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that wait for an operator, and each of them to decide about (R25, R28)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import yaml
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from qnet_mailman.web import core
from qnet_mailman.web.gate.decorators import operators_only
from qnet_mailman.web.lists.views import with_core
from qnet_mailman.web.pages import page
from qnet_mailman.web.request_forms.words import KINDS
from qnet_mailman.web.review import flows
from qnet_mailman.web.rows import rows_page

#: Of a list in a form, such as its subscribers, so many are shown.
MOST_SHOWN = 100
#: Which requests can be looked at, by core's word for their state.
WHICH = {'': 'Waiting', 'approved': 'Approved', 'returned': 'Returned'}

#: States in which a request can be decided.
OPEN = ('waiting', 'applying')


@require_safe
@operators_only
@with_core
def requests(request: HttpRequest) -> HttpResponse:
    """The requests that wait, or were decided, the oldest first.

    :param request: The request; which ones and which page is behind its question mark.
    """
    status = request.GET.get('status', '')
    chosen = status if status in WHICH else ''
    return rows_page(
        request,
        'review/requests.html',
        'forms',
        asked={'status': chosen} if chosen else {},
        in_words=in_words,
        which=WHICH,
        param='status',
        chosen=chosen,
    )


@require_http_methods(['GET', 'HEAD', 'POST'])
@operators_only
@with_core
def one_request(request: HttpRequest, number: str) -> HttpResponse:
    """A request with what speaks against it, and what to do with it.

    :param request: The request; by POST, with a decision.
    :param number: The request's number, with or without what is before it.
    """
    found = core.found(core.get(f'forms/{number}'))
    problem = flows.decide(request, found) if request.method == 'POST' else ''
    if request.method == 'POST' and not problem:
        return HttpResponseRedirect(reverse('qnet_request', args=[found['number']]))
    context = {
        'found': in_words(found),
        'is_open': found['status'] in OPEN,
        'form': _as_text(found['form']),
        'problem': problem,
        'reason': request.POST.get('reason', ''),
        'ticket': request.POST.get('ticket', found['desk_ticket']),
        'most_reason': flows.MAX_REASON,
    }
    status = HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK
    return page(request, 'review/request.html', context, status=status)


def in_words(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A request with words for its kind."""
    kind = KINDS.get(entry['kind'])
    sender, requester = entry['sender'], entry['requester']
    return {
        **entry,
        'title': kind.title if kind else entry['kind'],
        'by_mail': entry['route'] == 'mail',
        'differs': bool(sender and requester and sender.lower() != requester.lower()),
        'received': entry['received_at'],
        'decided': entry['decided_at'],
    }


def _as_text(form: dict[str, Any] | None) -> str:
    """A form as `mailman qnet forms show` prints it, without the end of long lists."""
    if form is None:
        return ''
    cut = {
        key: value[:MOST_SHOWN] if isinstance(value, list) else value
        for key, value in form.items()
    }
    return yaml.safe_dump(cut, allow_unicode=True, sort_keys=False)
