# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits for operators, the service's health, and who changed what (R25, R31)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from qnet_mailman.web import core
from qnet_mailman.web.gate.decorators import operators_only
from qnet_mailman.web.lists.views import with_core
from qnet_mailman.web.pages import page
from qnet_mailman.web.review.views import in_words
from qnet_mailman.web.rows import PAGE, rows_page

#: Rows of each table on the first page, which leads to the whole ones.
FEW = 10
#: Of the audit log, what may be asked for.
ABOUT = ('list', 'request')
#: Words for how serious a finding is, the worst first.
LEVELS = {
    'error': 'Wrong',
    'warning': 'Look at it',
    'not seen': 'Not looked at',
    'ok': 'Good',
}
#: Those that nobody has to do anything about here.
QUIET = ('ok', 'not seen')


@require_safe
@operators_only
@with_core
def overview(request: HttpRequest) -> HttpResponse:
    """All that an operator looks at first.

    :param request: The request.
    """
    few = {'count': str(FEW)}
    waiting = _asked('forms', few)
    lists = _asked('lists/unattended', few)
    findings = _asked('health', {})['findings']
    order = list(LEVELS)
    findings.sort(key=lambda each: order.index(each['level']))
    return page(
        request,
        'operators/overview.html',
        {
            'waiting': [in_words(each) for each in waiting.get('entries', [])],
            'how_many_wait': waiting['total_size'],
            'lists': lists.get('entries', []),
            'how_many_lists': lists['total_size'],
            'findings': [
                {
                    **each,
                    'is_well': each['level'] in QUIET,
                    'word': LEVELS[each['level']],
                }
                for each in findings
            ],
            'is_well': all(each['level'] in QUIET for each in findings),
            'lines': _lines(few),
        },
    )


@require_safe
@operators_only
@with_core
def unattended(request: HttpRequest) -> HttpResponse:
    """The lists that nobody administers, a page at a time.

    :param request: The request; which page is behind its question mark.
    """
    return rows_page(request, 'operators/unattended.html', 'lists/unattended', asked={})


@require_safe
@operators_only
@with_core
def audit(request: HttpRequest) -> HttpResponse:
    """The audit log, the newest lines first.

    :param request: The request; of what, and before which line, is behind its
        question mark.
    """
    asked = {name: request.GET.get(name, '').strip()[:320] for name in ABOUT}
    query = {name: text for name, text in asked.items() if text}
    before = request.GET.get('before', '')
    part = {'before': before} if re.fullmatch('[1-9][0-9]{0,8}', before) else {}
    # One more than is shown says whether there are older ones.
    found = _lines({**query, **part, 'count': str(PAGE + 1)})
    lines, older = found[:PAGE], ''
    if len(found) > PAGE:
        older = urlencode({**query, 'before': lines[-1]['id']})
    context = {
        'asked': asked,
        'lines': lines,
        'older': older,
        'newest': urlencode(query) if part else None,
    }
    return page(request, 'operators/audit.html', context)


def _asked(resource: str, fields: Mapping[str, str]) -> Any:
    query = f'?{urlencode(fields)}' if fields else ''
    return core.found(core.get(f'{resource}{query}'))


def _lines(fields: Mapping[str, str]) -> list[dict[str, Any]]:
    """Lines of the audit log, with moments that are moments, and details as pairs."""
    return [
        {
            **each,
            'at': datetime.fromisoformat(each['at']),
            'detail': list(_pairs(each['detail'])),
        }
        for each in _asked('audit', fields).get('entries', [])
    ]


def _pairs(detail: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names and values that are not empty, also those of an object in it."""
    for name, value in detail.items():
        if isinstance(value, Mapping):
            yield from _pairs(value)
        elif isinstance(value, list):
            yield name, '; '.join(map(str, value))
        elif value not in ('', None):
            yield name, value
