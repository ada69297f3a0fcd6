# SPDX-License-Identifier: GPL-3.0-or-later
"""What every page may name."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from qnet_mailman.web.frame.brand import STYLE, logo_name


def site(_request: HttpRequest) -> dict[str, Any]:
    """Whom the pages name for help, and for request forms (R34), what the agency has to
    name below them, and whether anybody may make an account.

    :param _request: Any request.
    """
    return {
        'local_sign_up': settings.LOCAL_SIGN_UP,
        'other_lists_need_role': settings.OTHER_LISTS_NEED_ROLE,
        'support_address': settings.SUPPORT_ADDRESS,
        'agency_links': settings.AGENCY_LINKS,
        'agency': settings.AGENCY,
        'site_name': settings.SITE_NAME,
        'official_banner': settings.OFFICIAL_BANNER,
        'brand_logo': logo_name(settings.BRAND_LOGO),
        'brand_style': STYLE if settings.BRAND_COLORS else '',
        'forms_address': settings.FORMS_ADDRESS or settings.SUPPORT_ADDRESS,
    }
