# SPDX-License-Identifier: GPL-3.0-or-later
"""The page "Request forms", and the forms to download from it (R29)."""

from __future__ import annotations

from http import HTTPStatus

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from qnet_mailman.web.core import CoreUnavailable
from qnet_mailman.web.pages import page
from qnet_mailman.web.request_forms import files, words


@require_safe
def forms(request: HttpRequest) -> HttpResponse:
    """What forms there are, who may ask, and where to send them.

    :param request: The request.
    """
    return page(
        request,
        'request_forms/forms.html',
        {
            'kinds': words.KINDS,
            'formats': words.FORMATS,
            'other_formats': words.OTHER_FORMATS,
        },
    )


@require_safe
def empty(request: HttpRequest, kind: str, file_format: str) -> HttpResponse:
    """An empty form.

    :param request: The request.
    :param kind: One of those on the page.
    :param file_format: Likewise.
    :raises Http404: where it is none.
    """
    if kind not in words.KINDS or file_format not in (
        *words.FORMATS,
        *words.OTHER_FORMATS,
    ):
        raise Http404('no such form')
    try:
        return files.empty(kind, file_format)
    except CoreUnavailable:
        return page(
            request,
            'request_forms/unavailable.html',
            status=HTTPStatus.SERVICE_UNAVAILABLE,
        )
