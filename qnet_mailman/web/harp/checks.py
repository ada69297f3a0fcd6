# SPDX-License-Identifier: GPL-3.0-or-later
"""``django-admin check --deploy``: what to think of before people rely on it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register


@register(Tags.security, deploy=True)
def check_sign_in(**_kwargs: Any) -> list[CheckMessage]:
    """Whether lists can be administered, and only by people with a role."""
    found: list[CheckMessage] = []
    if not settings.OPENID_PROVIDERS:
        found.append(
            Warning(
                'OPENID_PROVIDERS is empty: nobody can sign in with a role, and '
                'local superusers are let in.',
                hint='Connect a provider; etc/settings_local.py has an example.',
                id='qnet.W001',
            )
        )
    elif settings.LOCAL_SUPERUSERS:
        found.append(
            Warning(
                'LOCAL_SUPERUSERS is on: a password alone opens everything.',
                hint='Turn it off when the emergency is over.',
                id='qnet.W002',
            )
        )
    return found
