# SPDX-License-Identifier: GPL-3.0-or-later
"""What every page may name."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def site(_request: HttpRequest) -> dict[str, str]:
    """Whom the pages name for help (R34).

    :param _request: Any request.
    """
    return {'support_address': settings.SUPPORT_ADDRESS}
