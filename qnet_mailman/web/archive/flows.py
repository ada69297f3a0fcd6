# SPDX-License-Identifier: GPL-3.0-or-later
"""What the archive's pages show, and what they leave behind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from django.core.paginator import Page
from django.db.models import F
from django.http import Http404, HttpRequest
from django.utils.timezone import now
from django_mailman3.lib.paginator import paginate
from hyperkitty.models import Favorite, LastView, Vote

from qnet_mailman.web.archive.bodies import Body, body_of
from qnet_mailman.web.archive.sanitised import MOST
from qnet_mailman.web.core import CoreUnavailable, call
from qnet_mailman.web.gate.access import list_id_of

#: Messages on a page of a thread.
A_PAGE = 25
#: Characters of HTML that one page makes fit: it takes a second at worst for 200,000.
PAGE_BUDGET = 2 * MOST
_ORDERS = {
    'thread': (F('thread_order').asc(nulls_last=True), 'date'),
    'date': ('date',),
}


@dataclass
class Shown:
    """A message on a page.

    :ivar email: HyperKitty's.
    :ivar body: What is read.
    :ivar number: Its place in the thread, from 1.
    :ivar vote: The reader's, 1 or -1; 0 for none.
    """

    email: Any
    body: Body
    number: int
    vote: int = 0


def archive_policy(name: str) -> str:
    """What core says of the archive of a list that has none here yet.

    :param name: The list's posting address.
    :return: `public`, `private` or `never`; empty while core does not say.
    :raises Http404: where core has no such list.
    """
    try:
        answer = call('GET', f'lists/{list_id_of(name)}/config')
    except CoreUnavailable:
        return ''
    if answer.status == 404:
        raise Http404('no such list')
    return str(answer.fields.get('archive_policy', ''))


def months_of(mlist: Any) -> Sequence[tuple[int, Sequence[date]]]:
    """The months of a list's archive by their years, the newest first.

    :param mlist: HyperKitty's.
    :return: Years, and the first day of each month.
    """
    first, last = mlist.cached_values['first_date'](), now().date()
    if first is None:
        return ()
    days = [
        date(number // 12, number % 12 + 1, 1)
        for number in range(
            last.year * 12 + last.month - 1, first.year * 12 + first.month - 2, -1
        )
    ]
    return [(year, list(found)) for year, found in groupby(days, lambda day: day.year)]


def page_of(request: HttpRequest, thread: Any) -> Page[Any]:
    """The emails of a thread that one page shows, in the order that was asked for.

    :raises Http404: where there is no such order.
    """
    order = _ORDERS.get(request.GET.get('sort', 'thread'))
    if order is None:
        raise Http404('no such order')
    emails = thread.emails.select_related('sender', 'parent').order_by(*order)
    page: Page[Any] = paginate(emails, request.GET.get('page'), A_PAGE)
    return page


def shown(
    request: HttpRequest, emails: Iterable[Any], mlist: Any, start: int = 1
) -> Sequence[Shown]:
    """Messages, made fit for a page.

    :param emails: HyperKitty's.
    :param start: The number of the first one.
    """
    others = asked_for_pictures(request)
    found, budget = [], PAGE_BUDGET
    for number, email in enumerate(emails, start):
        body = body_of(email, mlist, others=others, budget=budget)
        budget -= body.cost
        found.append(Shown(email, body, number))
    if request.user.is_authenticated:
        votes = dict(
            Vote.objects.filter(
                email__in=[each.email for each in found], user=request.user
            ).values_list('email_id', 'value')
        )
        for each in found:
            each.vote = votes.get(each.email.pk, 0)
    return found


def asked_for_pictures(request: HttpRequest) -> bool:
    """Whether the reader wants to see pictures of other sites."""
    return request.GET.get('pictures') == 'show'


def is_favorite(request: HttpRequest, thread: Any) -> bool:
    """Whether the reader has marked a thread."""
    rows = Favorite.objects.filter(thread=thread, user_id=request.user.pk)
    return request.user.is_authenticated and rows.exists()


def note_view(request: HttpRequest, thread: Any) -> None:
    """Keep when somebody has looked at a thread, for their page of those."""
    if request.user.is_authenticated:
        mine = LastView.objects.filter(thread=thread, user=request.user)
        if not mine.update(view_date=now()):
            LastView.objects.create(thread=thread, user=request.user)
