# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits for operators, the service's health, and who changed what (R25, R31)."""

from __future__ import annotations

from django.conf import settings
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.views.decorators.http import require_http_methods, require_safe

from qnet_mailman.web import core
from qnet_mailman.web.gate.access import list_id_of
from qnet_mailman.web.gate.decorators import administrators_only, operators_only
from qnet_mailman.web.lists.views import with_core
from qnet_mailman.web.operators import log
from qnet_mailman.web.pages import page
from qnet_mailman.web.review.views import in_words
from qnet_mailman.web.rows import PAGE, rows_page

#: Rows of each table on the first page, which leads to the whole ones.
FEW = 10
#: What the audit log can be had as, by the end of the file's name.
FILES = {'csv': 'CSV', 'jsonl': 'JSON Lines'}
TYPES = {'csv': 'text/csv', 'jsonl': 'application/x-ndjson'}
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
    waiting = core.read('forms', few)
    lists = core.read('lists/unattended', few)
    findings = core.read('health', {'time_zone': settings.TIME_ZONE})['findings']
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
            'lines': log.lines(few)[0],
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


@require_http_methods(['GET', 'HEAD', 'POST'])
@operators_only
@with_core
def audit(request: HttpRequest) -> HttpResponse:
    """The audit log, the newest lines first; POSTed to, with who sent masked posts.

    :param request: The request; of what, and before which line, is in its fields.
    """
    return _audit(request)


@require_http_methods(['GET', 'HEAD', 'POST'])
@administrators_only
@with_core
def list_audit(request: HttpRequest, list_id: str) -> HttpResponse:
    """The same, of one list alone.

    :param request: The request.
    :param list_id: The list's ID or address.
    """
    return _audit(request, list_id_of(list_id))


def _audit(request: HttpRequest, list_id: str = '') -> HttpResponse:
    senders = request.method == 'POST'
    asked = log.Asked.of(request.POST if senders else request.GET, list_id)
    # One more than is shown says whether there are older ones.
    fields = {**asked.for_core(), 'count': str(PAGE + 1)}
    lines, actions = log.lines(fields, senders=senders)
    shown, is_more = lines[:PAGE], len(lines) > PAGE
    base = request.path.removesuffix('/')
    context = {
        'list_id': list_id,
        'asked': asked,
        'actions': actions,
        'lines': shown,
        'hidden': any(each.get('hidden') for each in shown),
        'senders': senders,
        'older': asked.query(shown[-1]['id']) if is_more else '',
        'newest': asked.query() if asked.before else None,
        'filtered': asked.chosen,
        'files': {
            word: f'{base}/export.{kind}?{asked.query()}'
            for kind, word in FILES.items()
        },
    }
    return page(request, 'operators/audit.html', context)


@require_safe
@operators_only
@with_core
def audit_file(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The audit log as a file, without who sent masked posts.

    :param request: The request; of what is behind its question mark.
    :param kind: `csv` or `jsonl`.
    """
    return _audit_file(request, kind)


@require_safe
@administrators_only
@with_core
def list_audit_file(request: HttpRequest, list_id: str, kind: str) -> HttpResponseBase:
    """The same, of one list alone.

    :param request: The request.
    :param list_id: The list's ID or address.
    :param kind: `csv` or `jsonl`.
    """
    return _audit_file(request, kind, list_id_of(list_id))


def _audit_file(request: HttpRequest, kind: str, list_id: str = '') -> HttpResponseBase:
    if kind not in FILES:
        raise Http404('no such file')
    asked = log.Asked.of(request.GET, list_id)
    response = StreamingHttpResponse(
        log.as_file(kind, asked), content_type=f'{TYPES[kind]}; charset=utf-8'
    )
    response['Content-Disposition'] = f'attachment; filename="audit.{kind}"'
    return response
