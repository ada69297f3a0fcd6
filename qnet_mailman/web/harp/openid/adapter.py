# SPDX-License-Identifier: GPL-3.0-or-later
"""What allauth asks about the protocol, answered by our own checks."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from allauth.socialaccount.models import SocialToken
from allauth.socialaccount.providers.openid_connect.views import (
    OpenIDConnectOAuth2Adapter,
)
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from qnet_mailman.web.harp.config import ProviderConfig
from qnet_mailman.web.harp.fetch import ProviderRefused
from qnet_mailman.web.harp.mapping import MappingError, Person, person_from
from qnet_mailman.web.harp.oidc import OpenIDProvider
from qnet_mailman.web.harp.pages import Refusal, SignInRefused
from qnet_mailman.web.harp.tokens import TokenRefused, check_id_token, nonce_for

log = logging.getLogger('qnet.web')


@dataclass(frozen=True)
class Arrival:
    """What a sign-in at the provider brought: checked, not yet acted upon.

    :ivar sid: The provider's name for its session, or empty.
    :ivar id_token: For the sign-out.
    :ivar refresh_token: Empty where the provider gave none.
    """

    config: ProviderConfig
    subject: str
    person: Person
    sid: str
    id_token: str
    refresh_token: str


class OpenIDAdapter(OpenIDConnectOAuth2Adapter):
    """One sign-in at one provider."""

    #: Set when the code is redeemed; what the ID token must contain.
    _nonce = ''

    @cached_property
    def openid(self) -> OpenIDProvider:
        """The provider."""
        return OpenIDProvider(self.get_provider().config)

    @property
    def openid_config(self) -> dict[str, Any]:
        """The discovery document, as allauth calls it."""
        return self.openid.discovery()

    @property
    def access_token_url(self) -> str:
        """Where codes are redeemed."""
        return self.openid.needed('token_endpoint')

    @property
    def authorize_url(self) -> str:
        """Where the browser is sent."""
        return self.openid.needed('authorization_endpoint')

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        """Where it comes back to: the site's own address, whatever ``Host:`` says."""
        path = reverse(
            'openid_connect_callback', kwargs={'provider_id': self.provider_id}
        )
        return f'{settings.WEB_URL}{path}'

    def get_access_token_data(
        self,
        request: HttpRequest,
        app: Any,
        client: Any,
        pkce_code_verifier: str | None = None,
    ) -> dict[str, Any]:
        """Redeem the code.

        :raises SignInRefused: where the provider does not take it.
        """
        if not pkce_code_verifier:
            raise SignInRefused(Refusal.EXPIRED, 'no code verifier in the session')
        self._nonce = nonce_for(pkce_code_verifier)
        try:
            return self.openid.redeem(
                grant_type='authorization_code',
                code=request.GET['code'],
                redirect_uri=self.get_callback_url(request, app),
                code_verifier=pkce_code_verifier,
            )
        except ProviderRefused as error:
            raise SignInRefused(Refusal.EXPIRED, f'code: {error}') from error

    def parse_token(self, data: dict[str, Any]) -> SocialToken:
        """The access token, for this sign-in only: it is not stored."""
        return SocialToken(token=data['access_token'])

    def complete_login(
        self, request: HttpRequest, app: Any, token: SocialToken, **kwargs: Any
    ) -> Any:
        """Check what the provider sent, and read it.

        :return: allauth's SocialLogin, with an :class:`Arrival` as ``arrival``.
        :raises SignInRefused: where it is not good.
        """
        arrival = self._check(kwargs['response'])
        login = self.get_provider().sociallogin_from_response(
            request,
            {
                'issuer': arrival.config.issuer,
                'subject': arrival.subject,
                'person': arrival.person,
            },
        )
        login.arrival = arrival
        return login

    def _check(self, response: dict[str, Any]) -> Arrival:
        config = self.openid.config
        access_token = response['access_token']
        id_token = response.get('id_token')
        if not isinstance(id_token, str):
            raise SignInRefused(Refusal.FAILED, 'no ID token')
        try:
            claims = self.openid.check(
                lambda keys: check_id_token(
                    id_token,
                    keys,
                    nonce=self._nonce,
                    access_token=access_token,
                    **self.openid.expected,
                )
            )
            sources = [claims]
            if self.openid.endpoint('userinfo_endpoint') is not None:
                # First, because it usually says more.
                sources.insert(0, self.openid.userinfo(access_token, claims['sub']))
            person = person_from(config.claims, *sources)
        except TokenRefused as error:
            raise SignInRefused(Refusal.FAILED, f'token: {error}') from error
        except MappingError as error:
            # Nobody's roles are touched because a claim has moved.
            raise SignInRefused(Refusal.CLAIMS, str(error)) from error
        sid = claims.get('sid')
        refresh_token = response.get('refresh_token')
        return Arrival(
            config=config,
            subject=claims['sub'],
            person=person,
            sid=sid if isinstance(sid, str) and len(sid) <= 255 else '',
            id_token=id_token,
            refresh_token=refresh_token if isinstance(refresh_token, str) else '',
        )
