# SPDX-License-Identifier: GPL-3.0-or-later
"""Going to the provider, and coming back.

Whatever goes wrong on the way ends here in a page that says what to do.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps

from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.views import (
    OAuth2CallbackView,
    OAuth2LoginView,
)
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from qnet_mailman.web.core import CoreUnavailable
from qnet_mailman.web.harp.config import providers
from qnet_mailman.web.harp.fetch import ProviderUnavailable
from qnet_mailman.web.harp.openid.adapter import OpenIDAdapter
from qnet_mailman.web.harp.pages import Refusal, SignInRefused, refusal_page

log = logging.getLogger('qnet.web')

View = Callable[[HttpRequest, str], HttpResponse]


def _ends_in_a_page(view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, provider_id: str) -> HttpResponse:
        config = providers().get(provider_id)
        if config is None:
            raise Http404
        email = ''
        try:
            return view(request, provider_id)
        except SocialApp.DoesNotExist as error:
            raise Http404 from error
        except SignInRefused as error:
            refusal, detail = error.refusal, error.detail
            email = error.email
        except ProviderUnavailable as error:
            refusal, detail = Refusal.PROVIDER_DOWN, str(error)
        except CoreUnavailable:
            refusal, detail = Refusal.CORE_DOWN, 'Mailman core cannot be reached'
        except IntegrityError as error:
            # The same person signed in twice at the same moment.
            refusal, detail = Refusal.EXPIRED, type(error).__name__
        log.warning(
            'sign-in through %s refused: %s: %s', provider_id, refusal.name, detail
        )
        return refusal_page(request, refusal, config, email)

    return guarded


@never_cache
@_ends_in_a_page
def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Ask for the button (GET), or go to the provider (POST).

    :param request: The request.
    :param provider_id: The provider's key in the settings.
    """
    return OAuth2LoginView.adapter_view(OpenIDAdapter(request, provider_id))(request)


@never_cache
@_ends_in_a_page
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Come back from the provider.

    :param request: The request.
    :param provider_id: The provider's key in the settings.
    """
    config = providers()[provider_id]
    # RFC 9207, section 2.4: an answer of another provider, mixed up on the way.
    issuer = request.GET.get('iss')
    if issuer is not None and issuer != config.issuer:
        raise SignInRefused(Refusal.FAILED, 'the answer is of another issuer')
    return OAuth2CallbackView.adapter_view(OpenIDAdapter(request, provider_id))(request)
