# SPDX-License-Identifier: GPL-3.0-or-later
"""The help pages; anybody may read them."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from qnet_mailman.web.harp.config import providers
from qnet_mailman.web.help.guides import read_guide
from qnet_mailman.web.pages import page


@require_safe
def topic(request: HttpRequest, name: str) -> HttpResponse:
    """A short page.

    :param request: The request.
    :param name: What it is about: its template's name.
    """
    chat = settings.SUPPORT_CHAT
    provider = next(iter(providers().values()), None)
    context = {
        'provider': provider,
        'provider_name': provider.name if provider else 'HARP',
        'support_phone': settings.SUPPORT_PHONE,
        'support_chat': chat,
        'chat_is_address': chat.startswith(('https://', 'http://')),
        'support_links': settings.SUPPORT_LINKS,
    }
    return page(request, f'help/{name}.html', context)


@require_safe
def guide(request: HttpRequest, name: str) -> HttpResponse:
    """A guide, whole.

    :param request: The request.
    :param name: Its file's name in ``docs/``, without the ending.
    """
    return page(request, 'help/guide.html', {'guide': read_guide(name)})
