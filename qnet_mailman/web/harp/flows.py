# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens between "the provider says who it is" and "signed in".

The order matters.  First everything that refuses without a trace; then core
hears what roles the person has (R25); then the account changes.  Where core
cannot be told, nobody is signed in: core would go on with the roles of the last
sign-in, which the provider may just have taken away (R32).
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from qnet_mailman.web import core
from qnet_mailman.web.accounts.flows import (
    drop_claims,
    give_address,
    is_anothers,
    move_address,
)
from qnet_mailman.web.harp.idle import mark
from qnet_mailman.web.harp.mapping import Person
from qnet_mailman.web.harp.models import ProviderPerson, ProviderSession
from qnet_mailman.web.harp.openid.adapter import Arrival
from qnet_mailman.web.harp.pages import Refusal, SignInRefused
from qnet_mailman.web.harp.rights import Rights, forget, read_rights, remember
from qnet_mailman.web.harp.sealing import seal
from qnet_mailman.web.harp.session import ID_TOKEN_KEY, SESSION_KEY, Identity

log = logging.getLogger('qnet.web')


def report_roles(
    provider: str, user_id: str, name: str, email: str, roles: tuple[str, ...]
) -> Rights:
    """Tell core that a person has exactly these roles now.

    :param provider: The provider's key in the settings.
    :param user_id: The person's ID there.
    :param email: The address that the provider vouches for.
    :param roles: The roles; core revokes what is missing.
    :return: What the person may do now.
    :raises CoreUnavailable: where core did not take it.
    """
    identity = Identity(provider, user_id)
    # Whatever happens now, what was known before does not count any more.
    forget(identity)
    fields: dict[str, str | list[str]] = {
        'provider': provider,
        'user_id': user_id,
        'name': name,
        'email': email,
    }
    if roles:
        fields['roles'] = list(roles)
    rights = read_rights(core.post('roles/sign-in', fields))
    remember(identity, rights)
    return rights


def before_sign_in(request: HttpRequest, login: Any) -> None:
    """Let a person in, or not.

    :param request: The request.
    :param login: allauth's SocialLogin, with the account where it is known.
    :raises SignInRefused: where the person may not come in.
    :raises CoreUnavailable: where core cannot be told.
    """
    arrival: Arrival = login.arrival
    person = arrival.person
    connecting = login.state.get('process') == AuthProcess.CONNECT
    user = login.user if login.is_existing else None
    if user is None and connecting and request.user.is_authenticated:
        user = request.user
    if not person.email:
        place = arrival.config.claims.email
        raise SignInRefused(Refusal.NO_ADDRESS, f'no usable address at {place!r}')
    if not person.email_verified:
        place = arrival.config.claims.email_verified
        raise SignInRefused(Refusal.UNVERIFIED, f'{place!r} is not true', person.email)
    if is_anothers(person.email, user):
        # The provider's word that this person reads the address now does not
        # show that it was they who made that account.  They can show it: by
        # signing in to it, with its password or through "Forgot password?".
        raise SignInRefused(
            Refusal.NOT_LINKED, "the address is another account's", person.email
        )
    known = _known(login.account)
    if _id_is_anothers(arrival, known):
        raise SignInRefused(Refusal.OTHER_SUBJECT, "user ID is another subject's")
    if known is not None and known.user_id_key != person.user_id.lower():
        # The old ID is nobody's now; its roles end with it.
        report_roles(known.provider, known.user_id, known.name, known.email, ())
    rights = report_roles(
        arrival.config.provider,
        person.user_id,
        person.name,
        person.email,
        person.roles,
    )
    drop_claims(person.email, user)
    if login.is_existing:
        if known is not None and known.email != person.email:
            move_address(login.user, known.email, person.email)
        else:
            give_address(login.user, person.email, primary=False)
        record_person(login.account, arrival)
    if not rights.roles and not connecting:
        target = login.state.get('next')
        query = urlencode({'next': target}) if target else ''
        login.state['next'] = f'{reverse("qnet_no_role")}?{query}'.rstrip('?')


def _known(account: SocialAccount) -> ProviderPerson | None:
    if account.pk is None:
        return None
    found: ProviderPerson | None = ProviderPerson.objects.filter(
        account=account
    ).first()
    return found


def _id_is_anothers(arrival: Arrival, known: ProviderPerson | None) -> bool:
    """Whether another subject of the provider has the person's ID already."""
    same = ProviderPerson.objects.filter(
        provider=arrival.config.provider, user_id_key=arrival.person.user_id.lower()
    )
    return bool(same.exclude(pk=known.pk if known else None).exists())


def record_person(account: SocialAccount, arrival: Arrival) -> ProviderPerson:
    """Write down what the provider said about a linked account.

    :param account: The account, saved.
    :param arrival: What the provider said.
    """
    person: Person = arrival.person
    config = arrival.config
    values = {
        'provider': config.provider,
        'issuer': config.issuer,
        'subject': arrival.subject,
        'user_id': person.user_id,
        'name': person.name,
        'email': person.email,
        'checked_at': timezone.now(),
    }
    if config.refresh == 'none':
        values['refresh_token'] = ''
    elif arrival.refresh_token:
        # A provider that sends none with a later sign-in means the old one.
        values['refresh_token'] = seal(arrival.refresh_token)
    found: ProviderPerson = ProviderPerson.objects.update_or_create(
        account=account, defaults=values
    )[0]
    return found


def on_signed_in(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """Remember that the session began at a provider (R27).

    :param sender: Who sent allauth's signal.
    :param request: The request, with the new session.
    :param user: Who signed in.
    :param kwargs: ``sociallogin``, where it was through a provider.
    """
    login = kwargs.get('sociallogin')
    arrival: Arrival | None = getattr(login, 'arrival', None)
    if login is None or arrival is None:
        return
    person = record_person(login.account, arrival)
    if request.session.session_key is None:
        request.session.save()
    # Sessions that ran out leave their rows behind.
    ProviderSession.objects.filter(
        created__lt=timezone.now() - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    ).delete()
    session = ProviderSession.objects.create(
        person=person, session_key=request.session.session_key, sid=arrival.sid
    )
    request.session[SESSION_KEY] = session.pk
    request.session[ID_TOKEN_KEY] = arrival.id_token


def on_any_sign_in(
    sender: Any, request: HttpRequest | None, user: Any, **_kwargs: Any
) -> None:
    """Whoever signs in begins without a provider's identity.

    Django keeps a session's data where the same person signs in again, by
    whatever means.  The time for which the session is idle begins anew, too.

    :param sender: Who sent Django's signal.
    :param request: The request.
    :param user: Who signed in.
    """
    if request is not None:
        request.session.pop(SESSION_KEY, None)
        request.session.pop(ID_TOKEN_KEY, None)
        mark(request)


def on_connected(sender: Any, sociallogin: Any, **_kwargs: Any) -> None:
    """Write down who was linked to an account that was here before.

    :param sender: Who sent allauth's signal.
    :param sociallogin: The link; without what the provider said where the
        person had to give the password in between: the next sign-in brings it.
    """
    arrival: Arrival | None = getattr(sociallogin, 'arrival', None)
    if arrival is not None:
        record_person(sociallogin.account, arrival)
