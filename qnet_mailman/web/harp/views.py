# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing out, being signed out, and being signed in without a role."""

from __future__ import annotations

import logging

from allauth.account.adapter import get_adapter
from allauth.account.views import LogoutView
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render, resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe
from django_q.status import Stat

from qnet_mailman.web.harp.config import providers
from qnet_mailman.web.harp.connection import examine
from qnet_mailman.web.harp.fetch import ProviderUnavailable
from qnet_mailman.web.harp.logout import end_sessions, provider_logout_url
from qnet_mailman.web.harp.session import identity
from qnet_mailman.web.harp.tokens import TokenRefused

log = logging.getLogger('qnet.web')


class SignOutView(LogoutView):
    """allauth's page, which goes on to the provider after the button."""

    def get_redirect_url(self) -> str:
        """The provider, or where the page was asked to lead.

        Stock pages always ask for one of their own, so the provider goes first.
        """
        elsewhere = provider_logout_url(self.request)
        return elsewhere or str(super().get_redirect_url())


@csrf_exempt
@require_POST
def backchannel_logout(request: HttpRequest) -> HttpResponse:
    """Take a provider's word that somebody signed out there.

    OpenID Connect Back-Channel Logout 1.0, sections 2.5 and 2.8.

    :param request: A POST of the provider itself, without a cookie.
    """
    try:
        end_sessions(request.POST.get('logout_token', ''))
        response: HttpResponse = HttpResponse()
    except TokenRefused as error:
        log.warning('logout token refused: %s', error)
        response = JsonResponse({'error': 'invalid_request'}, status=400)
    except ProviderUnavailable as error:
        log.error('logout token cannot be checked: %s', error)
        response = JsonResponse({'error': 'temporarily_unavailable'}, status=503)
    response['Cache-Control'] = 'no-store'
    return response


@never_cache
@require_safe
def connections(_request: HttpRequest) -> HttpResponse:
    """Tell core whether people can sign in, for ``mailman qnet check``.

    And how many processes do HyperKitty's jobs, in whose name accounts' mail goes, and
    whose clock the pages have.
    """
    return JsonResponse(
        {
            'clusters': 1 if settings.Q_CLUSTER.get('sync') else len(Stat.get_all()),
            'sender': settings.DEFAULT_FROM_EMAIL,
            'time_zone': settings.TIME_ZONE,
            'providers': [
                {
                    'provider': config.provider,
                    'issuer': config.issuer,
                    'problem': examine(config).problem,
                }
                for config in providers().values()
            ],
        }
    )


@never_cache
@require_safe
@login_required
def no_role(request: HttpRequest) -> HttpResponse:
    """Say to a person who has no role how to get one (R24).

    :param request: The request; ``next`` is where they wanted to go.
    """
    found = identity(request)
    config = providers().get(found.provider) if found is not None else None
    target = request.GET.get('next', '')
    if not target or not get_adapter().is_safe_url(target):
        target = resolve_url(settings.LOGIN_REDIRECT_URL)
    return render(
        request,
        'harp/no_role.html',
        {
            'provider': config,
            'provider_name': config.name if config else 'HARP',
            'user_id': found.user_id if found else '',
            'support_address': settings.SUPPORT_ADDRESS,
            'next': target,
            'looks_after': bool(request.qnet.administered | request.qnet.moderated),
        },
    )
