# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive's pages that do more, or less, than HyperKitty's views.

They have the names of HyperKitty's, so that the gate lets the same people in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe
from hyperkitty.lib.utils import stripped_subject
from hyperkitty.lib.view_helpers import check_mlist_private
from hyperkitty.models import Attachment, Email, MailingList, Thread
from hyperkitty.tasks import update_from_mailman
from hyperkitty.views import mailman, message, mlist, thread

from qnet_mailman.web.archive import flows
from qnet_mailman.web.archive.bodies import PICTURES
from qnet_mailman.web.archive.indexing import index_soon
from qnet_mailman.web.frame.middleware import HEADER, POLICY
from qnet_mailman.web.gate.search import suggested_threads

View = Callable[..., HttpResponse]

#: Threads that the first page of an archive shows.
RECENT = 20
#: For an answer that shows pictures of other sites because its reader wants it to.
_POLICY_WITH_PICTURES = POLICY.replace("img-src 'self'", "img-src 'self' https:")
#: For what somebody has attached: it is no page, and if a browser thinks so, it may
#: do nothing.
_POLICY_OF_A_FILE = "default-src 'none'; sandbox; frame-ancestors 'none'"


def for_archives(view: View) -> View:
    """Let a page about an archive say so where there are no posts yet.

    The gate has let in who may read it.

    :param view: It; `request.mlist` is HyperKitty's list.
    """
    guarded = check_mlist_private(view)

    @wraps(view)
    def answered(request: HttpRequest, mlist_fqdn: str, **more: Any) -> HttpResponse:
        if MailingList.objects.filter(name=mlist_fqdn).exists():
            answer: HttpResponse = guarded(request, mlist_fqdn=mlist_fqdn, **more)
            return answer
        policy = flows.archive_policy(mlist_fqdn)
        return render(
            request,
            'archive/empty.html',
            {'mlist': MailingList(name=mlist_fqdn), 'policy': policy},
        )

    return answered


@require_safe
@for_archives
def overview(request: HttpRequest, mlist_fqdn: str) -> HttpResponse:
    """The first page of a list's archive: what is new, and the months."""
    found = request.mlist
    threads = found.threads.select_related('starting_email__sender')
    return _page(
        request,
        'hyperkitty/overview.html',
        {
            'mlist': found,
            'threads': threads.order_by('-date_active')[:RECENT],
            'years': flows.months_of(found),
        },
    )


#: HyperKitty's view of a month, a day or everything.
archives = require_safe(for_archives(mlist.archives))


@require_safe
def to_overview(request: HttpRequest, mlist_fqdn: str) -> HttpResponse:
    """What HyperKitty's scripts load into its overview is on ours."""
    return redirect('hk_list_overview', mlist_fqdn=mlist_fqdn)


@require_safe
@check_mlist_private
def thread_page(request: HttpRequest, mlist_fqdn: str, threadid: str) -> HttpResponse:
    """A whole thread, in pages."""
    found = get_object_or_404(Thread, mailinglist=request.mlist, thread_id=threadid)
    flows.note_view(request, found)
    page = flows.page_of(request, found)
    return _page(
        request,
        'hyperkitty/thread.html',
        {
            **_about(request, found, page.paginator.count),
            'sort_mode': request.GET.get('sort', 'thread'),
            'shown': page,
            'messages_shown': flows.shown(
                request, page, request.mlist, page.start_index()
            ),
            'earlier': found.prev_thread,
            'later': found.next_thread,
            'is_favorite': flows.is_favorite(request, found),
        },
    )


@require_safe
def to_thread(request: HttpRequest, mlist_fqdn: str, threadid: str) -> HttpResponse:
    """What HyperKitty's scripts load into a thread's page is on ours."""
    return redirect('hk_thread', mlist_fqdn=mlist_fqdn, threadid=threadid)


@require_safe
@check_mlist_private
def message_page(
    request: HttpRequest, mlist_fqdn: str, message_id_hash: str
) -> HttpResponse:
    """One message."""
    rows = Email.objects.select_related('sender', 'thread', 'parent')
    email = get_object_or_404(
        rows, mailinglist=request.mlist, message_id_hash=message_id_hash
    )
    return _page(
        request,
        'hyperkitty/message.html',
        {
            **_about(request, email.thread, email.thread.emails.count()),
            'subject': stripped_subject(request.mlist, email.subject),
            'message': email,
            'messages_shown': flows.shown(request, [email], request.mlist),
        },
    )


@require_safe
@check_mlist_private
def attachment(
    request: HttpRequest,
    mlist_fqdn: str,
    message_id_hash: str,
    counter: int,
    filename: str,
) -> HttpResponse:
    """An attachment, to be saved.  Pictures keep their type: our pages show them."""
    found = get_object_or_404(
        Attachment,
        email__mailinglist=request.mlist,
        email__message_id_hash=message_id_hash,
        counter=counter,
        name=filename,
    )
    kind = found.content_type.lower()
    response = HttpResponse(
        found.get_content(),
        content_type=kind if kind in PICTURES else 'application/octet-stream',
    )
    response['Content-Disposition'] = content_disposition_header(True, found.name)
    response[HEADER] = _POLICY_OF_A_FILE
    response['X-Content-Type-Options'] = 'nosniff'
    return response


@check_mlist_private
def reattach(request: HttpRequest, mlist_fqdn: str, threadid: str) -> HttpResponse:
    """Joining a thread to another one, which is searched for on the same page."""
    if request.method == 'POST':
        answer: HttpResponse = thread.reattach(
            request, mlist_fqdn=mlist_fqdn, threadid=threadid
        )
        return answer
    found = get_object_or_404(Thread, mailinglist=request.mlist, thread_id=threadid)
    query = request.GET.get('q', '')
    return render(
        request,
        'hyperkitty/reattach.html',
        {
            'mlist': request.mlist,
            'thread': found,
            'query': query,
            'suggested_threads': suggested_threads(found, query),
        },
    )


@require_safe
def to_reattach(request: HttpRequest, mlist_fqdn: str, threadid: str) -> HttpResponse:
    """The search for threads is on the page itself."""
    return redirect('hk_thread_reattach', mlist_fqdn=mlist_fqdn, threadid=threadid)


def then_back(view: View) -> View:
    """Let a form of a page have HyperKitty do what its scripts ask for.

    :param view: One that answers scripts.
    """

    @wraps(view)
    def answered(request: HttpRequest, mlist_fqdn: str, **which: str) -> HttpResponse:
        try:
            answer = view(request, mlist_fqdn=mlist_fqdn, **which)
        except (KeyError, ValueError) as error:
            raise Http404('no such choice') from error
        if answer.status_code != HTTPStatus.OK:
            return answer
        if said := _said(answer):
            messages.success(request, said)
        if 'threadid' in which:
            return redirect('hk_thread', mlist_fqdn=mlist_fqdn, **which)
        return redirect('hk_message_index', mlist_fqdn=mlist_fqdn, **which)

    return answered


vote = then_back(message.vote)
reply = then_back(message.reply)
tags = then_back(thread.tags)
favorite = then_back(thread.favorite)
set_category = then_back(thread.set_category)


def with_our_address(view: View) -> View:
    """Let HyperKitty tell core the address that a page has on this site (RFC 5064).

    It takes the domain from a table that nobody fills in, and https for granted.

    :param view: One of those for core.
    """

    @wraps(view)
    def answered(request: HttpRequest) -> HttpResponse:
        answer = view(request)
        if answer.status_code != HTTPStatus.OK:
            return answer
        path = urlsplit(json.loads(answer.content)['url']).path
        return JsonResponse({'url': settings.WEB_URL + quote(path, safe='/@+')})

    return answered


urls = with_our_address(mailman.urls)


def _archive(request: HttpRequest) -> HttpResponse:
    answer: HttpResponse = mailman.archive(request)
    if answer.status_code == HTTPStatus.OK:
        index_soon()
        # HyperKitty may have written over what its task has just learnt of a new list.
        name = request.POST['mlist']
        if MailingList.objects.filter(name=name, display_name='').exists():
            update_from_mailman(name)
    return answer


archive = with_our_address(wraps(mailman.archive)(_archive))


def _about(request: HttpRequest, found: Any, count: int) -> Mapping[str, Any]:
    """What the pages of a thread and of a message say of them."""
    signed_in = request.user.is_authenticated
    return {
        'mlist': request.mlist,
        'thread': found,
        'subject': stripped_subject(request.mlist, found.subject),
        'count': count,
        'may_manage': request.mlist.is_owner(request.user),
        # On a one-way list nobody talks, and nobody is voted about.
        'takes_part': signed_in and not request.qnet.is_one_way(request.mlist.name),
        'may_write_here': settings.HYPERKITTY_ALLOW_WEB_POSTING,
    }


def _page(
    request: HttpRequest, template: str, context: Mapping[str, Any]
) -> HttpResponse:
    """A page, which may show pictures of other sites if its reader wants it to."""
    response = render(request, template, dict(context))
    if flows.asked_for_pictures(request):
        response[HEADER] = _POLICY_WITH_PICTURES
    return response


def _said(answer: HttpResponse) -> str:
    """What HyperKitty has to say about what it did."""
    try:
        fields = json.loads(answer.content)
    except ValueError:
        return ''
    return str(fields.get('result', '')) if isinstance(fields, dict) else ''
