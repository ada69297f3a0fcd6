# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of rows that core has, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from qnet_mailman.web import core
from qnet_mailman.web.pages import page, page_asked

#: Rows of a page.
PAGE = 50


def rows_page(
    request: HttpRequest,
    template: str,
    resource: str,
    *,
    asked: Mapping[str, str],
    query: Mapping[str, str] | None = None,
    in_words: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
    **context: Any,
) -> HttpResponse:
    """A page of rows; behind the last one, the last one.

    :param request: The request; which page is behind its question mark.
    :param template: It extends ``qnet/rows.html``.
    :param resource: Of core, below ``plugins/qnet/``.
    :param asked: What core is asked for, beside the page.
    :param query: What else is behind the question mark; without it, what is asked.
    :param in_words: What makes a row of the template of one of core's.
    :param context: What else the template needs.
    :raises CoreUnavailable: where core does not answer.
    """
    query = asked if query is None else query
    number = page_asked(request)
    part = {'count': str(PAGE), 'page': str(number)}
    found = core.read(resource, {**asked, **part})
    shown = Paginator(range(found['total_size']), PAGE).get_page(number)
    if shown.number != number:
        # The last one of its page is not there any more.
        last = urlencode({**query, 'page': shown.number})
        return HttpResponseRedirect(f'{request.path}?{last}')
    return page(
        request,
        template,
        {
            'rows': [in_words(each) for each in found.get('entries', [])],
            'shown': shown,
            'query': f'{urlencode(query)}&' if query else '',
            **context,
        },
    )
