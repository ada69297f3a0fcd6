# SPDX-License-Identifier: GPL-3.0-or-later
"""Our OpenID provider class, in the place of allauth's.

allauth finds it by this module's name, and its urls by :attr:`package`.  The
stock class does without a nonce, without PKCE unless told, and takes scope and
further parameters from whoever made the link.
"""

from __future__ import annotations

import hashlib
from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.providers.oauth2.utils import generate_code_challenge
from allauth.socialaccount.providers.openid_connect.provider import (
    OpenIDConnectProvider,
)
from django.http import HttpRequest

from qnet_mailman.web.harp.config import OPENID_CONNECT, ProviderConfig
from qnet_mailman.web.harp.mapping import Person
from qnet_mailman.web.harp.openid.adapter import OpenIDAdapter
from qnet_mailman.web.harp.pages import Refusal, SignInRefused
from qnet_mailman.web.harp.tokens import nonce_for

#: What allauth allows for the uid of an account.
MAX_UID = 191


def uid_of(issuer: str, subject: str) -> str:
    """The uid of a linked account: a person is an issuer and a subject.

    So nobody inherits an account when the issuer of a provider changes in the
    settings and the new one gives out the old one's subjects again.

    :param issuer: The issuer, an address without ``|``.
    :param subject: The subject, up to 255 characters.
    """
    uid = f'{issuer}|{subject}'
    if len(uid) <= MAX_UID:
        return uid
    return f'sha256|{hashlib.sha256(uid.encode()).hexdigest()}'


class QNetOpenIDProvider(OpenIDConnectProvider):
    """An OpenID provider of the site, with PKCE and a nonce, always.

    The data that :class:`~qnet_mailman.web.harp.openid.adapter.OpenIDAdapter`
    hands to it are ``issuer``, ``subject`` and ``person``.
    """

    id = OPENID_CONNECT
    package = 'qnet_mailman.web.harp.openid'
    oauth2_adapter_class = OpenIDAdapter
    #: Tokens from elsewhere than our own sign-in are not taken.
    supports_token_authentication = False

    @property
    def config(self) -> ProviderConfig:
        """The provider's settings."""
        from qnet_mailman.web.harp.config import providers

        found = providers().get(self.app.provider_id)
        if found is None:
            # One that was added to the database in Django's admin.
            raise SignInRefused(Refusal.FAILED, 'provider is not in the settings')
        return found

    def get_pkce_params(self) -> dict[str, str]:
        """PKCE's parameters (RFC 7636), and the nonce that follows from them."""
        params: dict[str, str] = generate_code_challenge()
        params['nonce'] = nonce_for(params['code_verifier'])
        return params

    def get_auth_params_from_request(
        self, request: HttpRequest, action: str
    ) -> dict[str, str]:
        """What else goes to the provider: nothing that a link can choose."""
        params: dict[str, str] = {}
        if self.config.refresh != 'none' and 'offline_access' in self.config.scope:
            # OpenID Connect Core, section 11.
            params['prompt'] = 'consent'
        return params

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        """What is asked for: what the settings say."""
        return list(self.config.scope)

    def extract_uid(self, data: dict[str, Any]) -> str:
        """Issuer and subject."""
        return uid_of(data['issuer'], data['subject'])

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """What allauth stores and shows: the person's name and address."""
        person: Person = data['person']
        return {
            'issuer': data['issuer'],
            'sub': data['subject'],
            'name': person.name,
            'email': person.email,
        }

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        """What a new account begins with."""
        person: Person = data['person']
        return {
            'email': person.email,
            'username': person.user_id,
            'name': person.name,
        }

    def extract_email_addresses(self, data: dict[str, Any]) -> list[EmailAddress]:
        """The address, if the provider vouches for it."""
        person: Person = data['person']
        if not person.email_verified:
            return []
        return [EmailAddress(email=person.email, verified=True, primary=True)]


provider_classes = [QNetOpenIDProvider]
