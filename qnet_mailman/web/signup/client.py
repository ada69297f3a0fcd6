# SPDX-License-Identifier: GPL-3.0-or-later
"""From which address somebody uses the sign-up page: core limits how often (R13).

The address of the connection is the proxy's where there is one, and what a browser
sends about itself is not to be believed.  So the site file names the one header field
that the proxy sets itself; its last value is the one that the nearest proxy added.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from django.conf import settings
from django.core.checks import Warning as CheckWarning
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The client's IP address, as text.

    :param request: The request.
    :return: The address; that of the connection where the header field has none.
    """
    field = settings.CLIENT_ADDRESS_HEADER
    if field:
        last = request.META.get(field, '').rpartition(',')[2].strip()
        try:
            return str(ipaddress.ip_address(last))
        except ValueError:
            pass
    return str(request.META.get('REMOTE_ADDR', ''))


def check_client_address(**_kwargs: Any) -> list[CheckWarning]:
    """Warn where all clients would count as one."""
    if settings.SECURE_PROXY_SSL_HEADER and not settings.CLIENT_ADDRESS_HEADER:
        return [
            CheckWarning(
                'SECURE_PROXY_SSL_HEADER is set, so there is a proxy, and '
                'CLIENT_ADDRESS_HEADER is not: to the sign-up page everybody comes '
                'from the address of the proxy, and all share one limit.',
                hint='Set CLIENT_ADDRESS_HEADER in the site file; see '
                'etc/settings_local.py.',
                id='qnet_signup.W001',
            )
        ]
    return []
