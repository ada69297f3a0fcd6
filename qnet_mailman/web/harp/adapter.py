# SPDX-License-Identifier: GPL-3.0-or-later
"""Where allauth asks what to do with somebody from a provider."""

from __future__ import annotations

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.providers.base.constants import AuthError
from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import HttpRequest

from qnet_mailman.web.accounts.adapter import new_user_name
from qnet_mailman.web.harp.config import providers
from qnet_mailman.web.harp.flows import before_sign_in, record_person
from qnet_mailman.web.harp.pages import Refusal, refusal_page

#: Errors of a provider that is there but does not work (RFC 6749, section
#: 4.1.2.1).
_DOWN = ('server_error', 'temporarily_unavailable')


def user_name(provider: str, user_id: str) -> str:
    """The user name of a new account: for people to read, it decides nothing.

    With the colon it is none that somebody could have taken before.

    :param provider: The provider's key in the settings.
    :param user_id: The person's ID there.
    """
    users = get_user_model()
    name = f'{provider}:{user_id}'
    if len(name) <= users._meta.get_field('username').max_length and not (
        users.objects.filter(username__iexact=name).exists()
    ):
        return name
    # The ID is too long, or was another subject's, whose account is still here.
    return new_user_name()


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Our answers."""

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """The provider has said who it is: let them in, or not.

        :raises SignInRefused: where they may not come in.
        """
        before_sign_in(request, sociallogin)

    @transaction.atomic
    def save_user(
        self, request: HttpRequest, sociallogin: Any, form: Any = None
    ) -> Any:
        """A new account: all of it, or nothing."""
        arrival = sociallogin.arrival
        sociallogin.user.username = user_name(
            arrival.config.provider, arrival.person.user_id
        )
        user = super().save_user(request, sociallogin, form)
        record_person(sociallogin.account, sociallogin.arrival)
        return user

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Whoever comes from a provider may, whether or not local sign-up is open."""
        return True

    def authenticate_by_email(self, sociallogin: Any) -> None:
        """An address opens nobody's account."""
        return

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        """A page of ours instead of allauth's "authentication error"."""
        if error == AuthError.CANCELLED:
            refusal = Refusal.CANCELLED
        elif exception is None and 'state' not in (extra_context or {}):
            # No such sign-in was begun here, or it has been finished already.
            refusal = Refusal.EXPIRED
        elif request.GET.get('error') in _DOWN:
            refusal = Refusal.PROVIDER_DOWN
        else:
            refusal = Refusal.FAILED
        config = providers().get(provider.app.provider_id)
        raise ImmediateHttpResponse(refusal_page(request, refusal, config))
