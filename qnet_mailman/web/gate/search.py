# SPDX-License-Identifier: GPL-3.0-or-later
"""Searching archives: what the index finds, and the database says is for the reader.

The index takes names of lists apart into words, and brings those to their stem: asked
for ``news@example.gov`` alone, it also finds what is in ``staff-news@example.gov``, and
``new@example.gov`` for it.  So it is asked for candidates only.  Which of them somebody
sees, and how many there are, is a matter of the rows and of core's answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django_mailman3.lib.paginator import paginate

from qnet_mailman.web.gate.archives import may_read, of_readers
from qnet_mailman.web.gate.pages import refuse
from qnet_mailman.web.gate.policy import Need

#: Hits that are looked at, the best ones: a page for each costs as much as the last.
MAX_HITS = 1000
#: Threads that are offered to somebody who wants to join another one to them.
MAX_SUGGESTIONS = 10
#: What the engines raise for a query that they cannot read, each from its own module.
_UNREADABLE = frozenset({'QueryParserError', 'RequestError'})
_ORDERS = {'date-asc': 'date', 'date-desc': '-date'}


def search(request: HttpRequest, _kwargs: Mapping[str, Any]) -> HttpResponse:
    """In the place of HyperKitty's search.

    An operator, too, finds what is private by searching in that archive.

    :raises Http404: where there is no archive of the list that is asked for.
    """
    from haystack.forms import SearchForm  # type: ignore[import-untyped]
    from haystack.query import SearchQuerySet  # type: ignore[import-untyped]
    from hyperkitty.models import MailingList

    mlist = None
    if 'mlist' in request.GET:
        mlist = MailingList.objects.filter(name=request.GET['mlist']).first()
        if mlist is None:
            raise Http404('no such archive')
        if not may_read(request, mlist):
            return refuse(request, Need.READER, mlist.name)
        readable = Q(mailinglist=mlist)
        candidates = SearchQuerySet().filter(mailinglist__exact=mlist.name)
    else:
        readable = of_readers('mailinglist__', request.user, request.qnet)
        ours = of_readers('', request.user, request.qnet)
        closed = MailingList.objects.exclude(ours).values_list('name', flat=True)
        candidates = SearchQuerySet().exclude(mailinglist__in=list(closed))
    sort_mode = request.GET.get('sort')
    if sort_mode in _ORDERS:
        candidates = candidates.order_by(_ORDERS[sort_mode])
    asked = request.GET.get('q')
    form = SearchForm(request.GET if asked else None, searchqueryset=candidates)
    emails, query = [], ''
    if asked and form.is_valid():
        query = form.cleaned_data['q']
        try:
            emails = _found(form.search()[:MAX_HITS], readable)
        except Exception as error:
            if type(error).__name__ not in _UNREADABLE:
                raise
            form.add_error('q', ValidationError('This query cannot be read.'))
    page = paginate(emails, request.GET.get('page'), request.GET.get('count'))
    return render(
        request,
        'hyperkitty/search_results.html',
        {
            'mlist': mlist,
            'form': form,
            'emails': page,
            'query': query,
            'sort_mode': sort_mode,
            'suggestion': None,
        },
    )


def suggested_threads(thread: Any, query: str = '') -> list[Any]:
    """In the place of HyperKitty's search for threads to join another one to.

    :param thread: HyperKitty's.
    :param query: What to look for; its own subject without it.
    :return: Others of the same list.
    """
    from haystack.query import SearchQuerySet

    name = thread.mailinglist.name
    content = query.strip() or thread.subject.lower().replace('re:', '').strip()
    hits = SearchQuerySet().filter(mailinglist__exact=name, content=content)[:50]
    found = [email.thread for email in _found(hits, Q(mailinglist__name=name))[:]]
    suggested = [each for each in dict.fromkeys(found) if each != thread]
    return suggested[:MAX_SUGGESTIONS]


def _found(hits: Any, readable: Q) -> Any:
    """Those of some hits that are rows which the reader may see, in their order."""
    from hyperkitty.models import Email

    keys = [int(hit.pk) for hit in hits]
    seen = set(Email.objects.filter(readable, pk__in=keys).values_list('pk', flat=True))
    return _Emails([key for key in keys if key in seen])


class _Emails:
    """Emails by their keys, each page loaded when it is looked at."""

    def __init__(self, keys: list[int]) -> None:
        self._keys = keys

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, part: slice) -> list[Any]:
        from hyperkitty.models import Email

        keys = self._keys[part]
        rows = Email.objects.select_related('sender', 'thread', 'mailinglist')
        found = rows.in_bulk(keys)
        return [found[key] for key in keys if key in found]
