# SPDX-License-Identifier: GPL-3.0-or-later
"""Template tags of the archive."""

from __future__ import annotations

from typing import Any

from django import template
from hyperkitty.lib.utils import stripped_subject

from qnet_mailman.web.archive.bodies import text_of
from qnet_mailman.web.gate.profiles import shown_name

register = template.Library()


@register.filter
def author(email: Any) -> str:
    """Who wrote a message, without an address.

    :param email: HyperKitty's; may be None.
    """
    return shown_name(email.sender_name if email else None)


@register.filter
def subject(email: Any, mlist: Any = None) -> str:
    """What a message is about.

    :param email: HyperKitty's; may be None.
    :param mlist: The list that the whole page is about: its prefix is left out.
    """
    found = stripped_subject(mlist or None, email.subject if email else '')
    return (found or '').strip() or '(no subject)'


@register.filter
def text(email: Any) -> str:
    """What a message says.

    :param email: HyperKitty's.
    """
    return text_of(email)


@register.simple_tag(takes_context=True)
def with_query(context: dict[str, Any], **changes: object) -> str:
    """The query of this page's address, with changes, behind its question mark.

    :param context: The page's context.
    :param changes: Values by name; empty to leave out.
    """
    query = context['request'].GET.copy()
    for name, value in changes.items():
        if value:
            query[name] = str(value)
        else:
            query.pop(name, None)
    return f'?{query.urlencode()}'


@register.simple_tag(takes_context=True)
def kept_query(context: dict[str, Any]) -> str:
    """The query of this page's address without the page's number, to go on from.

    :param context: The page's context.
    """
    query = context['request'].GET.copy()
    query.pop('page', None)
    return f'{query.urlencode()}&' if query else ''
