# SPDX-License-Identifier: GPL-3.0-or-later
"""Our pages about a list, and what stands in for one of Postorius's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.timezone import now
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST, require_safe
from postorius.views.list import ListAnonymousSubscribeView

from qnet_mailman.web.core import CoreUnavailable
from qnet_mailman.web.gate.decorators import administrators_only, moderators_only
from qnet_mailman.web.lists import acting, core_lists, export, held, words
from qnet_mailman.web.lists.chart import draw
from qnet_mailman.web.lists.core_lists import Heading
from qnet_mailman.web.lists.help_text import help_text
from qnet_mailman.web.lists.settings_forms import how_to_ask
from qnet_mailman.web.lists.table import Asked, columns, pages
from qnet_mailman.web.pages import page
from qnet_mailman.web.request_forms import files
from qnet_mailman.web.request_forms.words import ABOUT_A_LIST, KINDS

View = Callable[..., HttpResponseBase]

_stock_sign_up = csrf_protect(ListAnonymousSubscribeView.as_view())

#: What administrators change here: each setting's words, and its name.
SETTINGS = {
    'mask': (words.MASKS, 'Sender masking'),
    'replies': (words.REPLIES, 'Replies'),
}


@csrf_exempt
def sign_up_instead(request: HttpRequest, list_id: str) -> HttpResponseBase:
    """Lead from Postorius's form for people without an account to the sign-up page.

    Postorius's answer tells strangers whether an address is subscribed (R13).  Lists of
    other styles are not on the sign-up page, and have Postorius's form (R40).

    :param request: Any request.
    :param list_id: The list, which the sign-up page then has ticked.
    """
    if not request.qnet.is_ours(list_id):
        return _stock_sign_up(request, list_id=list_id)
    address = f'{reverse("qnet_signup")}?{urlencode({"lists": list_id})}'
    return _see(address)


def _see(address: str) -> HttpResponse:
    return HttpResponse(status=HTTPStatus.SEE_OTHER, headers={'Location': address})


def with_core(view: View) -> View:
    """Answer with a page that says so where core does not answer.

    :param view: A view that asks core.
    """

    @wraps(view)
    def asking(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = view(request, *args, **kwargs)
        except CoreUnavailable:
            response = page(
                request,
                'lists/unavailable.html',
                {'changing': request.method == 'POST'},
                status=HTTPStatus.SERVICE_UNAVAILABLE,
            )
        # What is on these pages is for the eyes of few.
        add_never_cache_headers(response)
        return response

    return asking


@require_safe
@moderators_only
@with_core
def about(request: HttpRequest, list_id: str) -> HttpResponse:
    """What a list is, who looks after it, and what waits there.

    :param request: The request.
    :param list_id: The list's ID or address.
    """
    found = core_lists.describe(list_id)
    delivery = found['delivery']
    return page(
        request,
        'lists/about.html',
        {
            'list': Heading.of(found),
            'found': found,
            'closed': _closed(found['closed']),
            'may_change': request.qnet.administers(list_id),
            'masks': words.MASKS,
            'mask': words.MASKS[found['mask']],
            'all_replies': words.REPLIES,
            'replies': words.REPLIES[found['replies']],
            'how_to_ask': how_to_ask(),
            'forms': {kind: KINDS[kind].title for kind in ABOUT_A_LIST},
            'people': [
                {
                    **each,
                    'role_name': words.ROLES[each['role']],
                    'state': words.right(each),
                }
                for each in found['assignments']
            ],
            'elsewhere_off': found['members']
            - delivery['enabled']
            - delivery['by_bounces'],
        },
    )


def _closed(entry: dict[str, Any] | None) -> dict[str, Any] | None:
    """How a list is closed, with moments that are moments."""
    if entry is None:
        return None
    since, until = (
        datetime.fromisoformat(entry[key]) for key in ('since', 'undo_until')
    )
    return {
        'action': entry['action'],
        'since': since,
        'undo_until': until,
        'is_final': until <= now(),
    }


@require_POST
@administrators_only
@with_core
def change(request: HttpRequest, list_id: str, setting: str) -> HttpResponse:
    """Change who is hidden, or what becomes of members' messages (R4, R7).

    :param request: The request.
    :param list_id: The list's ID or address.
    :param setting: The setting's name.
    :raises Http404: where it is no setting of ours.
    """
    if setting not in SETTINGS:
        raise Http404('no such setting')
    choices, name = SETTINGS[setting]
    value = request.POST.get('value', '')
    changed = core_lists.change(list_id, setting, value) if value in choices else None
    if changed is None:
        messages.error(request, f'{name}: this value is not possible for the list.')
    elif changed:
        label, meaning = choices[value]
        messages.success(request, f'{name} changed: {label}. {meaning}')
    else:
        messages.info(request, f'{name}: nothing changed.')
    return _see(reverse('qnet_list', args=[list_id]))


@require_safe
@administrators_only
@with_core
def form(request: HttpRequest, list_id: str, kind: str) -> HttpResponse:
    """A request form about the list, in which list and person are filled in (R29).

    :param request: The request.
    :param list_id: The list's ID or address.
    :param kind: The kind of form.
    :raises Http404: where there is no such form about a list.
    """
    if kind not in ABOUT_A_LIST:
        raise Http404('no such form')
    user = request.user
    return files.begun(kind, list_id, user.get_full_name(), user.email)


@require_safe
@moderators_only
@with_core
def bounces(request: HttpRequest, list_id: str) -> HttpResponse:
    """The members whose mail bounces, and how many bounces there were.

    :param request: The request; what is shown is behind its question mark.
    :param list_id: The list's ID or address.
    """
    asked = Asked.in_address(request.GET)
    days = {'days': str(core_lists.CHART_DAYS)}
    found = core_lists.members(list_id, {**asked.for_core(), **days})
    return page(
        request,
        'lists/bounces.html',
        {
            'list': Heading.of(found['list']),
            'found': found['list'],
            'may_change': request.qnet.administers(list_id),
            'asked': asked,
            'columns': columns(asked),
            'pages': pages(asked, found['total_size']),
            'rows': [_row(entry) for entry in found['entries']],
            'all_chosen': request.GET.get('chosen') == 'all',
            'chart': draw(found['days']),
        },
    )


def _row(entry: dict[str, Any]) -> dict[str, Any]:
    """A member for the table: with words, and dates that are dates."""
    last = entry['last']
    return {
        **entry,
        'delivery_words': words.DELIVERY.get(entry['delivery'], entry['delivery']),
        'kind_words': words.KINDS.get(last['kind'], last['kind']) if last else '',
        'last_day': date.fromisoformat(last['date']) if last else None,
        'removal_day': _day(entry['removal']),
    }


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


@require_safe
@administrators_only
@with_core
def bounces_as_csv(request: HttpRequest, list_id: str) -> HttpResponseBase:
    """All chosen members, by address, for a spreadsheet.

    :param request: The request; who is chosen is behind its question mark.
    :param list_id: The list's ID or address.
    """
    asked = Asked.in_address(request.GET)
    response = StreamingHttpResponse(
        export.lines(list_id, asked.narrowed),
        content_type='text/csv; charset=utf-8; header=present',
    )
    name = ''.join(char if char.isalnum() or char in '.-' else '_' for char in list_id)
    response['Content-Disposition'] = f'attachment; filename="bounces-{name}.csv"'
    return response


@require_safe
@moderators_only
@with_core
def member(request: HttpRequest, list_id: str, member_id: UUID) -> HttpResponse:
    """A member, what their mail server said, and how to help them (R19).

    :param request: The request.
    :param list_id: The list's ID or address.
    :param member_id: The member's.
    """
    found = core_lists.member(list_id, member_id)
    entry = found['member']
    return page(
        request,
        'lists/member.html',
        {
            'list': Heading.of(found['list']),
            'found': found['list'],
            'may_change': request.qnet.administers(list_id),
            'member': _row(entry),
            'bounces': [_bounce(each) for each in entry['bounces']],
            'help': help_text(found['list'], entry),
        },
    )


def _bounce(entry: dict[str, Any]) -> dict[str, Any]:
    """A bounce for the page, in words."""
    counts = words.STATES.get(entry['state'], '')
    if not counts and not entry['in_window']:
        counts = 'not counted any more: it is older than the window'
    return {
        **entry,
        'day': date.fromisoformat(entry['date']),
        'kind_words': words.KINDS.get(entry['kind'], entry['kind']),
        'because': words.REASONS.get(entry['reason'], entry['reason']),
        'counts': counts,
    }


@require_POST
@administrators_only
@with_core
def enable(request: HttpRequest, list_id: str, member_id: UUID) -> HttpResponse:
    """Let a suspended member have mail again; the score starts from zero (R22).

    :param request: The request.
    :param list_id: The list's ID or address.
    :param member_id: The member's.
    """
    address = core_lists.enable(list_id, member_id)
    if address is None:
        messages.info(
            request, 'Nothing changed: delivery was not stopped because of bounces.'
        )
    else:
        messages.success(
            request,
            f'Delivery to {address} is on again. The score starts from zero.',
        )
    return _see(reverse('qnet_member_bounces', args=[list_id, member_id]))


@require_POST
@administrators_only
@with_core
def act(request: HttpRequest, list_id: str) -> HttpResponse:
    """Do something with the members who were chosen; removing asks first (R20).

    :param request: The request.
    :param list_id: The list's ID or address.
    :raises Http404: where it is nothing that can be done.
    """
    action = request.POST.get('action', '')
    if action not in acting.ACTIONS:
        raise Http404('no such action')
    members = acting.chosen(request.POST.getlist('member'))
    back = _see(reverse('qnet_list_bounces', args=[list_id]))
    if not members:
        messages.error(request, 'Choose at least one member in the table first.')
        return back
    if action == 'remove' and request.POST.get('confirmed') != 'yes':
        return page(
            request,
            'lists/remove.html',
            {'list': Heading.of(core_lists.describe(list_id)), 'chosen': members},
        )
    done, not_done = acting.act(list_id, action, members)
    if done:
        messages.success(request, done)
    if not_done:
        messages.info(request, not_done)
    return back


@require_safe
@moderators_only
@with_core
def held_message(request: HttpRequest, list_id: str, number: int) -> HttpResponse:
    """A message that waits for a moderator, and what can be done with it.

    :param list_id: The list's ID or address.
    :param number: The message's.
    """
    found = held.held(list_id, number)
    access = request.qnet
    may_configure = access.administers(list_id) or not access.is_ours(list_id)
    return page(
        request,
        'lists/held_message.html',
        {
            'list': found.mlist,
            'held': found.message,
            'text': found.text,
            'attachments': found.attachments,
            'choices': held.choices(may_configure),
        },
    )
