# SPDX-License-Identifier: GPL-3.0-or-later
"""Template tags of the frame."""

from __future__ import annotations

from typing import Any

from django import template

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
