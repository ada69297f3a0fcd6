# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages that say why somebody is not signed in, and what to do."""

from __future__ import annotations

from enum import Enum
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from qnet_mailman.web.harp.config import ProviderConfig


class Refusal(Enum):
    """Why a sign-in was refused; the value is the page's HTTP status and text."""

    CANCELLED = (HTTPStatus.OK, 'cancelled')
    EXPIRED = (HTTPStatus.BAD_REQUEST, 'expired')
    FAILED = (HTTPStatus.FORBIDDEN, 'failed')
    UNVERIFIED = (HTTPStatus.FORBIDDEN, 'unverified')
    NOT_LINKED = (HTTPStatus.CONFLICT, 'not-linked')
    OTHER_SUBJECT = (HTTPStatus.CONFLICT, 'other-subject')
    NO_ADDRESS = (HTTPStatus.FORBIDDEN, 'no-address')
    CLAIMS = (HTTPStatus.FORBIDDEN, 'claims')
    NOT_OPERATOR = (HTTPStatus.FORBIDDEN, 'not-operator')
    LOCAL_SUPERUSER = (HTTPStatus.FORBIDDEN, 'local-superuser')
    PROVIDER_DOWN = (HTTPStatus.SERVICE_UNAVAILABLE, 'provider-down')
    CORE_DOWN = (HTTPStatus.SERVICE_UNAVAILABLE, 'core-down')


class SignInRefused(Exception):
    """The sign-in ends with a page.

    Not one of the exceptions that allauth catches on its way: they would all
    become one page "authentication error".

    :ivar refusal: Why.
    :ivar detail: For operators; neither tokens nor the person's data.
    :ivar email: The person's address, for the page.
    """

    def __init__(self, refusal: Refusal, detail: str = '', email: str = '') -> None:
        super().__init__(f'{refusal.name}: {detail}')
        self.refusal = refusal
        self.detail = detail
        self.email = email


def refusal_page(
    request: HttpRequest,
    refusal: Refusal,
    provider: ProviderConfig | None = None,
    email: str = '',
) -> HttpResponse:
    """A page that says why, and what to do.

    :param request: The request.
    :param refusal: Why.
    :param provider: Where the person signed in.
    :param email: The address in question, where the page names it.
    """
    status, reason = refusal.value
    response = render(
        request,
        'harp/refused.html',
        {
            'reason': reason,
            'provider_name': provider.name if provider else 'HARP',
            'support_address': settings.SUPPORT_ADDRESS,
            'email': email,
        },
        status=status,
    )
    response['Cache-Control'] = 'no-store'
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response['Retry-After'] = '60'
    return response
