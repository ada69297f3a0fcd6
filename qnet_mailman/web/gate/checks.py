# SPDX-License-Identifier: GPL-3.0-or-later
"""``django-admin check``: whether the gate knows every page of the site."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Warning
from django.urls import URLPattern, get_resolver

from qnet_mailman.web.gate.policy import need_of


def all_pages(resolver: Any = None, space: str = '', route: str = '') -> Iterator[Any]:
    """Every page below a resolver: its name, and the pattern of its address.

    :param resolver: Django's; that of the site where there is none.
    :param space: The names of the namespaces that it is in, each with a colon.
    :param route: The pattern of what is before.
    """
    for pattern in (resolver or get_resolver()).url_patterns:
        here = route + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield space + (pattern.name or pattern.lookup_str), here
        else:
            inner = f'{pattern.namespace}:' if pattern.namespace else ''
            yield from all_pages(pattern, space + inner, here)


def check_pages(**_kwargs: Any) -> list[CheckMessage]:
    """Warn of pages that open for operators alone because nobody has judged them."""
    unknown = sorted({name for name, _route in all_pages() if need_of(name) is None})
    return [
        Warning(
            f'The gate has no rule for the page {name!r}: only operators can open it.',
            hint='Add it to qnet_mailman/web/gate/policy.py.',
            id='qnet_gate.W001',
        )
        for name in unknown
    ]
