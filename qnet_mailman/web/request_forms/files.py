# SPDX-License-Identifier: GPL-3.0-or-later
"""Request forms as files, which core writes.

Everybody may get an empty one, so core is asked for it at most once an hour, for all
web processes.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.core.cache import cache
from django.http import HttpResponse

from qnet_mailman.web import core

#: Seconds for which an empty form is good: it changes with a version or a setting.
LIFETIME = 3600


def empty(kind: str, file_format: str) -> HttpResponse:
    """An empty form, to download.

    :param kind: One of core's kinds of forms.
    :param file_format: One of core's formats.
    :raises Http404: where core does not have it.
    :raises CoreUnavailable: where core has to be asked and does not say.
    """
    path = f'forms/empty/{kind}/{file_format}'
    key = f'qnet-{path}'
    fields = cache.get(key)
    if fields is None:
        fields = core.found(core.get(path))
        cache.set(key, fields, LIFETIME)
    return _download(fields)


def begun(kind: str, list_id: str, name: str, email: str) -> HttpResponse:
    """A spreadsheet with a form in which list and requester are filled in.

    :param kind: A kind of form that is about a list.
    :param list_id: The list's ID or address.
    :param name: The name of the person who asks; empty where it is not known.
    :param email: Their address; likewise.
    :raises Http404: where there is no such list or form.
    :raises CoreUnavailable: where core does not say.
    """
    known = {'list': list_id, 'name': name, 'email': email}
    answer = core.post(f'forms/empty/{kind}/xlsx', known)
    if answer.status == HTTPStatus.BAD_REQUEST:
        # A name or address that no form can have.
        return empty(kind, 'xlsx')
    return _download(core.found(answer))


def _download(fields: Mapping[str, Any]) -> HttpResponse:
    return HttpResponse(
        base64.b64decode(fields['content']),
        content_type=fields['media_type'],
        headers={'Content-Disposition': f'attachment; filename="{fields["name"]}"'},
    )
