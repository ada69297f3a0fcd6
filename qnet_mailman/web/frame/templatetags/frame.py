# SPDX-License-Identifier: GPL-3.0-or-later
"""Template tags of the frame."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django import template
from django.utils.safestring import SafeString, mark_safe

from qnet_mailman.web.frame import clock
from qnet_mailman.web.frame.titles import TITLES

register = template.Library()


@register.simple_tag(takes_context=True)
def stock_title(context: dict[str, Any]) -> str:
    """What a page of another package is called; empty where that is not known.

    :param context: The page's context.
    """
    request = context.get('request')
    match = getattr(request, 'resolver_match', None)
    return TITLES.get(match.view_name, '') if match else ''


@register.filter
def when(value: Any, exactness: str = '') -> str:
    """A time in the zone of the page, which it names.

    :param value: As of `clock.in_words`.
    :param exactness: ``seconds`` where these are to be said.
    """
    return clock.in_words(value, seconds=exactness == 'seconds')


@register.simple_tag(takes_context=True)
def current(context: dict[str, Any], *names: str) -> SafeString:
    """The attribute of a link that leads to the page shown; nothing on other pages.

    :param context: The page's context.
    :param names: What the page is called in addresses.
    """
    match = getattr(context.get('request'), 'resolver_match', None)
    here = match is not None and match.view_name in names
    return mark_safe(' aria-current="page"' if here else '')


#: Pages that nobody wants to be back at once they are signed in begin so.
_ON_THE_WAY = ('account_', 'socialaccount_', 'openid_connect_')


@register.simple_tag(takes_context=True)
def come_back(context: dict[str, Any]) -> str:
    """Where signing in leads from here, for behind a question mark: back to the page.

    From a page for signing in it leads where that page would have led, or nowhere.

    :param context: The page's context.
    """
    request = context.get('request')
    if request is None:
        return ''
    match = request.resolver_match
    if match is not None and match.view_name.startswith(_ON_THE_WAY):
        return quote(request.GET.get('next', ''))
    return quote(context.get('next') or request.get_full_path())
