# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether, and as whom, a session was signed in through a provider (R27)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest

from qnet_mailman.web.harp.config import providers

if TYPE_CHECKING:
    from qnet_mailman.web.harp.models import ProviderSession

#: Where a session names its :class:`ProviderSession`.
SESSION_KEY = 'qnet_provider_session'
#: The provider of an ID that is written without one; core has the same.
DEFAULT_PROVIDER = 'harp'
#: Where it keeps the ID token, which the provider wants back at sign-out.
ID_TOKEN_KEY = 'qnet_id_token'


@dataclass(frozen=True)
class Identity:
    """A person as core names them.

    :ivar provider: The provider's key in the settings.
    :ivar user_id: The person's ID there (the HARP ID).
    """

    provider: str
    user_id: str

    @classmethod
    def written(cls, text: str) -> Identity:
        """Whom an ID names, as forms and core's commands write it.

        :param text: ``pexample``, or ``eua:ab12`` for a provider with another key
            than :data:`DEFAULT_PROVIDER`.
        """
        provider, colon, user_id = text.strip().partition(':')
        if not colon:
            return cls(DEFAULT_PROVIDER, provider)
        return cls(provider.strip().lower(), user_id.strip())


def identity(request: HttpRequest) -> Identity | None:
    """Who is signed in through a provider.

    None for nobody; for a local password, also one that was got by "Forgot
    password?" on an account that HARP knows; and for a session whose link to
    the provider was removed, or whose provider is not in the settings any more.

    :param request: The request.
    """
    session = provider_session(request)
    if session is None:
        return None
    person = session.person
    if person.provider not in providers():
        return None
    # allauth's own record of how this session was signed in must agree.  Being
    # asked for the password again in between changes nothing.
    methods = [
        record
        for record in get_authentication_records(request, request.user)
        if not record.get('reauthenticated')
    ]
    if not methods:
        return None
    last = methods[-1]
    if (last.get('method'), last.get('provider'), last.get('uid')) != (
        'socialaccount',
        person.account.provider,
        person.account.uid,
    ):
        return None
    return Identity(person.provider, person.user_id)


def provider_session(request: HttpRequest) -> ProviderSession | None:
    """The record of the session's sign-in; None where there is none (any more).

    One SQL statement, once a request.

    :param request: The request.
    """
    from qnet_mailman.web.harp.models import ProviderSession

    number = request.session.get(SESSION_KEY)
    if not isinstance(number, int) or not request.user.is_authenticated:
        return None
    key = (number, request.user.pk)
    kept: tuple[object, ProviderSession | None] | None
    kept = getattr(request, '_qnet_provider_session', None)
    if kept is not None and kept[0] == key:
        return kept[1]
    found: ProviderSession | None = (
        ProviderSession.objects.select_related('person__account')
        .filter(pk=number, person__account__user_id=request.user.pk)
        .first()
    )
    request._qnet_provider_session = (key, found)
    return found
