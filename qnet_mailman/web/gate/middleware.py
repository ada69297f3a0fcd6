# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands before every page, and lets in whom the table names (R24-R27).

It looks at the page that Django has found for a request, and at nothing else of the
address.  A page that is not in the table opens for operators alone, and is logged: an
upgrade that brings a page brings no hole.

Postorius and HyperKitty go on checking.  Postorius asks for two attributes of the user
before it looks at its rosters; HyperKitty asks :mod:`qnet_mailman.web.gate.archives`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers
from django.utils.functional import SimpleLazyObject

from qnet_mailman.logs.context import at_work
from qnet_mailman.web import core
from qnet_mailman.web.gate import archives
from qnet_mailman.web.gate.access import Access, list_id_of
from qnet_mailman.web.gate.core_only import is_core
from qnet_mailman.web.gate.guards import GUARDS
from qnet_mailman.web.gate.pages import explain, refuse
from qnet_mailman.web.gate.policy import ELSEWHERE, Need, is_personal, need_of

log = logging.getLogger('qnet.web')


class GateMiddleware:
    """Stands after the one that ends sessions."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Put `request.qnet` there, then go on.

        :param request: The request.
        """
        request.qnet = Access(request)
        with (
            at_work(
                list=lambda: _list_of(request.resolver_match.kwargs),
                actor=lambda: request.qnet.known_actor,
            ),
            core.acting_as(lambda: request.qnet.actor),
        ):
            response = self.get_response(request)
        found = request.resolver_match
        if settings.SESSION_COOKIE_NAME in request.COOKIES or (
            found is not None and is_personal(found.view_name)
        ):
            # Nothing of it stays in a browser that others use, or in a proxy.
            _keep_out_of_caches(response)
        return response

    def process_view(
        self, request: HttpRequest, _view: Any, _args: Any, kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Let the request through, or answer it.

        :param request: The request; it is known which page it is for.
        :param kwargs: What is in the page's address.
        :return: None to let it through.
        """
        page = request.resolver_match.view_name
        need = need_of(page, request.method)
        name = _list_of(kwargs)
        if need is None:
            log.error('no rule for the page %s', page)
            if not request.qnet.is_operator:
                return explain(request, 'unknown')
        elif not (
            _is_met(need, request, name) or _is_met_elsewhere(page, request, kwargs)
        ):
            return refuse(request, need, name)
        guard = GUARDS.get(page)
        answer = guard(request, kwargs) if guard is not None else None
        if answer is None and need is not Need.CORE:
            _mark(request, kwargs)
        return answer


def _list_of(kwargs: dict[str, Any]) -> str:
    """The list that a page is about, by its address; empty where it is about none."""
    return kwargs.get('list_id') or kwargs.get('mlist_fqdn') or ''


def _keep_out_of_caches(response: HttpResponse) -> None:
    """What `no-store` says, unless the page has said it (RFC 9111, section 5.2.2.5)."""
    if 'no-store' not in response.get('Cache-Control', ''):
        # A field that a stock view has set, such as max-age, would contradict it.
        del response['Cache-Control']
        add_never_cache_headers(response)


def _is_met(need: Need, request: HttpRequest, name: str) -> bool:
    """Whether the person behind a request has what a page needs.

    :param need: What it needs.
    :param request: The request.
    :param name: The list that the page is about; empty where it is about none.
    :raises Http404: where it is about an archive that is not there for the person.
    """
    if need is Need.PUBLIC:
        return True
    if need is Need.CORE:
        return is_core(request) or request.qnet.is_operator
    if need is Need.READER:
        return _reads(request, name)
    if not request.user.is_authenticated:
        return False
    if need is Need.SIGNED_IN:
        return True
    access = request.qnet
    if need is Need.MODERATOR:
        return bool(name) and access.moderates(name)
    if need is Need.ADMINISTRATOR:
        return bool(name) and access.administers(name)
    return bool(access.is_operator)


def _is_met_elsewhere(page: str, request: HttpRequest, kwargs: dict[str, Any]) -> bool:
    """Whether a page needs less where its list is none of ours, and that is met."""
    need = ELSEWHERE.get(page)
    name = kwargs.get('mlist_fqdn')
    if kwargs.get('context') == 'list':
        name = kwargs['identifier']
    if need is None or name is None or request.qnet.is_ours(name):
        return False
    return _is_met(need, request, name)


def _reads(request: HttpRequest, name: str) -> bool:
    """Whether somebody may read a list's archive.

    A list has none here before its first post.  Who would read it gets on to its page;
    to others it is what a list is that does not exist.

    :raises Http404: to those.
    """
    from hyperkitty.models import MailingList

    mlist = MailingList.objects.filter(name=name).first()
    allowed = archives.may_read(
        request, mlist or MailingList(name=name, list_id=list_id_of(name))
    )
    if mlist is None and not allowed:
        raise Http404('no such archive')
    return allowed


def _mark(request: HttpRequest, kwargs: dict[str, Any]) -> None:
    """Tell stock views what the person may do.

    Postorius works these two out from its rosters where they are not there.  Nothing
    that is stored may be set on the user: a page that saves the user would save it.
    """
    page = request.resolver_match.view_name
    if 'list_id' in kwargs:
        request.user.is_list_owner = request.qnet.administers(kwargs['list_id'])
        request.user.is_list_moderator = request.qnet.moderates(kwargs['list_id'])
        # For the list's menu, where there is one.
        request.user.list_is_ours = SimpleLazyObject(
            lambda: request.qnet.is_ours(kwargs['list_id'])
        )
        # For its page, which leads nobody to an archive that does not open.
        request.user.reads_archive = SimpleLazyObject(
            lambda: archives.reads(request, kwargs['list_id'])
        )
    if 'mlist_fqdn' in kwargs or page in ('hk_root', 'hk_search'):
        request.user.qnet = request.qnet
