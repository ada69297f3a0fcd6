# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing out: there, because of us; and here, because of them.

* OpenID Connect RP-Initiated Logout 1.0: our sign-out goes on to the provider,
  where it offers that.  Otherwise one click would sign the next person at this
  computer in again.
* OpenID Connect Back-Channel Logout 1.0: the provider tells us that somebody
  signed out there.
"""

from __future__ import annotations

import hashlib
import logging
import time
from importlib import import_module
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from qnet_mailman.web.harp.config import ProviderConfig, providers
from qnet_mailman.web.harp.fetch import ProviderUnavailable
from qnet_mailman.web.harp.models import ProviderSession
from qnet_mailman.web.harp.oidc import OpenIDProvider
from qnet_mailman.web.harp.session import ID_TOKEN_KEY, SESSION_KEY, identity
from qnet_mailman.web.harp.tokens import (
    TokenRefused,
    check_logout_token,
    unverified_issuer,
)

log = logging.getLogger('qnet.web')

#: A longer ID token stays out of the address; some servers refuse long ones.
MAX_HINT = 4000


def provider_logout_url(request: HttpRequest) -> str | None:
    """Where to send a person who signs out here; None for our own pages.

    :param request: The request, still signed in.
    """
    found = identity(request)
    if found is None:
        return None
    config = providers()[found.provider]
    try:
        url = OpenIDProvider(config).endpoint('end_session_endpoint')
    except ProviderUnavailable as error:
        # They are signed out here in any case.
        log.warning('%s: no sign-out there: %s', config.provider, error)
        return None
    if url is None:
        return None
    query = {
        'client_id': config.client_id,
        'post_logout_redirect_uri': f'{settings.WEB_URL}/',
    }
    hint = request.session.get(ID_TOKEN_KEY)
    if isinstance(hint, str) and len(hint) <= MAX_HINT:
        query['id_token_hint'] = hint
    return f'{url}{"&" if "?" in url else "?"}{urlencode(query)}'


def on_signed_out(
    sender: Any, request: HttpRequest | None, user: Any, **_kwargs: Any
) -> None:
    """Forget the session that ends.

    :param sender: Who sent Django's signal.
    :param request: The request, before its session is emptied.
    :param user: Who signs out.
    """
    number = request.session.get(SESSION_KEY) if request is not None else None
    if isinstance(number, int):
        ProviderSession.objects.filter(pk=number).delete()


def end_sessions(token: str) -> int:
    """Somebody signed out at a provider: end their sessions here.

    :param token: The logout token.
    :return: How many sessions ended.
    :raises TokenRefused: where the token is not good.
    :raises ProviderUnavailable: where it cannot be checked.
    """
    issuer = unverified_issuer(token)
    config = next((one for one in providers().values() if one.issuer == issuer), None)
    if config is None:
        raise TokenRefused('of an issuer that is not in the settings')
    openid = OpenIDProvider(config)
    claims = openid.check(
        lambda keys: check_logout_token(token, keys, **openid.expected)
    )
    _refuse_replay(config, claims)
    sessions = ProviderSession.objects.filter(person__issuer=issuer)
    if 'sub' in claims:
        sessions = sessions.filter(person__subject=claims['sub'])
    if 'sid' in claims:
        sessions = sessions.filter(sid=claims['sid'])
    store = import_module(settings.SESSION_ENGINE).SessionStore
    ended = 0
    for session in sessions:
        # The row last: where this is interrupted, the provider's second try
        # finds it again.
        store(session.session_key).delete()
        session.delete()
        ended += 1
    log.info('%s: %d sessions ended by the provider', config.provider, ended)
    return ended


def _refuse_replay(config: ProviderConfig, claims: dict[str, Any]) -> None:
    """Take each token once (section 2.6, step 7), for as long as it is good."""
    life = max(claims['exp'] + config.clock_skew - time.time(), 1)
    # The cache takes neither long names nor spaces.
    name = f'{config.issuer}|{claims["jti"]}'.encode(errors='replace')
    key = f'qnet-logout-{hashlib.sha256(name).hexdigest()}'
    if not cache.add(key, True, life):
        raise TokenRefused('it has been used before')
