# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in for pages of Postorius."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt


@csrf_exempt
def sign_up_instead(_request: HttpRequest, list_id: str) -> HttpResponse:
    """Lead from Postorius's form for people without an account to the sign-up page.

    Postorius's answer tells strangers whether an address is subscribed (R13).  Core
    is not asked for anything here.

    :param _request: Any request.
    :param list_id: The list, which the sign-up page then has ticked.
    """
    address = f'{reverse("qnet_signup")}?{urlencode({"lists": list_id})}'
    return HttpResponse(status=HTTPStatus.SEE_OTHER, headers={'Location': address})
