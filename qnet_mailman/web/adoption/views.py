# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists that may be adopted or handed back, and each with what would differ (R40)."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote, urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from qnet_mailman.web import core
from qnet_mailman.web.adoption import flows
from qnet_mailman.web.gate.decorators import operators_only
from qnet_mailman.web.lists.views import with_core
from qnet_mailman.web.pages import page
from qnet_mailman.web.rows import rows_page

#: Which lists can be looked at.
WHICH = {'': 'Lists of Mailman’s own', 'ours': 'Lists of QualityNet Mailer'}


@require_safe
@operators_only
@with_core
def lists(request: HttpRequest) -> HttpResponse:
    """The lists that may be adopted, or those that may be handed back, by address.

    :param request: The request; which ones and which page is behind its question mark.
    """
    which = 'ours' if request.GET.get('which') == 'ours' else ''
    return rows_page(
        request,
        'adoption/lists.html',
        'lists/by-style',
        asked={'ours': 'true' if which else 'false'},
        query={'which': which} if which else {},
        which=WHICH,
        param='which',
        chosen=which,
    )


@require_http_methods(['GET', 'HEAD', 'POST'])
@operators_only
@with_core
def one_list(request: HttpRequest, list_id: str) -> HttpResponse:
    """What adopting a list would change, or handing it back, and the button for it.

    :param request: The request; by POST, of the button.
    :param list_id: The list's ID or address.
    """
    name = quote(list_id, safe='@')
    if '.' not in name:
        raise Http404('no such list')
    if request.method == 'POST':
        flows.change_hands(request, name)
        return HttpResponseRedirect(reverse('qnet_adoption', args=[list_id]))
    asked = flows.asked(request.GET)
    answer = core.get(f'lists/{name}/adoption?{urlencode(asked)}')
    if answer.status == HTTPStatus.CONFLICT:
        return page(request, 'adoption/closed.html', {'name': list_id})
    found = core.found(answer)
    context = {
        'found': found,
        'groups': flows.grouped(found['differences']),
        'types': flows.TYPES,
        'visibilities': flows.VISIBILITIES,
    }
    return page(request, 'adoption/list.html', context)
