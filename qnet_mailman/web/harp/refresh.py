# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking a provider about people who do not sign in (R26).

For each person with a stored refresh token:

* ``userinfo``: the token is exchanged (RFC 6749, section 6), and userinfo says
  which roles the person has now.
* ``introspection``: the provider says whether the token is still good (RFC 7662),
  and the roles where its answer has them.

What the provider *says* counts: a refused token (``invalid_grant``, or not
active) takes the roles away until the next sign-in.  A provider that is down,
slow or talks nonsense says nothing, and nothing changes.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from enum import Enum
from typing import Any

from django.db.models import Q
from django.utils import timezone

from qnet_mailman.web.harp.config import ProviderConfig
from qnet_mailman.web.harp.fetch import ProviderRefused, ProviderUnavailable
from qnet_mailman.web.harp.flows import report_roles
from qnet_mailman.web.harp.mapping import (
    MappingError,
    Person,
    look_up,
    person_from,
    roles_from,
)
from qnet_mailman.web.harp.models import ProviderPerson
from qnet_mailman.web.harp.oidc import OpenIDProvider
from qnet_mailman.web.harp.sealing import seal, unseal
from qnet_mailman.web.harp.tokens import TokenRefused, check_id_token

log = logging.getLogger('qnet.web')

#: For how long a process that refreshes a person keeps others from it.  Two
#: would use the same token, which a careful provider takes for a theft.
LEASE = timedelta(minutes=5)


class Outcome(Enum):
    """What became of a person."""

    CONFIRMED = 'confirmed'
    WITHDRAWN = 'withdrawn'
    UNKNOWN = 'unknown'
    BUSY = 'busy'


def refresh(person: ProviderPerson, config: ProviderConfig) -> Outcome:
    """Bring one person's roles up to date.

    :param person: Somebody with a stored token.
    :param config: The person's provider.
    :return: What became of them; unknown where the provider said nothing.
    :raises CoreUnavailable: where core cannot be told; the next run does.
    """
    now = timezone.now()
    free = Q(busy_until=None) | Q(busy_until__lt=now)
    if not (
        ProviderPerson.objects.filter(free, pk=person.pk)
        .exclude(refresh_token='')
        .update(busy_until=now + LEASE)
    ):
        return Outcome.BUSY
    try:
        # Another process may have exchanged the token meanwhile.
        person.refresh_from_db()
        return _refresh(person, config)
    finally:
        ProviderPerson.objects.filter(pk=person.pk).update(busy_until=None)


def _refresh(person: ProviderPerson, config: ProviderConfig) -> Outcome:
    token = unseal(person.refresh_token)
    if token is None:
        log.warning('%s: the stored token was sealed with another key', person)
        return Outcome.UNKNOWN
    openid = OpenIDProvider(config)
    try:
        if config.refresh == 'introspection':
            roles = _introspect(openid, person, token)
        else:
            roles = _ask_userinfo(openid, person, token).roles
    except ProviderRefused as refusal:
        if refusal.code != 'invalid_grant':
            log.error('%s: refresh: %s', person, refusal)
            return Outcome.UNKNOWN
        report_roles(person.provider, person.user_id, person.name, person.email, ())
        # Not to be tried again; the next sign-in brings another.
        ProviderPerson.objects.filter(pk=person.pk).update(refresh_token='')
        log.info('%s: roles withdrawn: the provider refuses the token', person)
        return Outcome.WITHDRAWN
    except (ProviderUnavailable, TokenRefused, MappingError) as error:
        log.error('%s: refresh: %s', person, error)
        return Outcome.UNKNOWN
    if roles is not None:
        report_roles(person.provider, person.user_id, person.name, person.email, roles)
    ProviderPerson.objects.filter(pk=person.pk).update(checked_at=timezone.now())
    return Outcome.CONFIRMED


def _introspect(
    openid: OpenIDProvider, person: ProviderPerson, token: str
) -> tuple[str, ...] | None:
    """The roles, None where the answer does not speak of any.

    :raises ProviderRefused: where the token is not good any more.
    """
    answer = openid.introspect(token)
    if not answer['active']:
        raise ProviderRefused('invalid_grant')
    if answer.get('sub') not in (None, person.subject):
        raise ProviderUnavailable('introspection is about another subject')
    claims = openid.config.claims
    roles = look_up(answer, claims.roles)
    return None if roles is None else roles_from(claims, roles)


def _ask_userinfo(openid: OpenIDProvider, person: ProviderPerson, token: str) -> Person:
    answer: dict[str, Any] = openid.redeem(
        grant_type='refresh_token', refresh_token=token
    )
    new = answer.get('refresh_token')
    if isinstance(new, str) and new:
        # Before anything else: the old one may not work any more.
        ProviderPerson.objects.filter(pk=person.pk).update(refresh_token=seal(new))
    sources: list[dict[str, Any]] = []
    if answer.get('id_token') is not None:
        # OpenID Connect Core, section 12.2.
        claims = openid.check(
            lambda keys: check_id_token(
                answer['id_token'], keys, nonce=None, **openid.expected
            )
        )
        if claims['sub'] != person.subject:
            raise TokenRefused('the refreshed token is about another subject')
        sources.append(claims)
    sources.insert(0, openid.userinfo(answer['access_token'], person.subject))
    found = person_from(openid.config.claims, *sources)
    if found.user_id.lower() != person.user_id_key:
        # Which of the two IDs has the roles is for a sign-in to settle.
        raise MappingError('the user ID has changed')
    return found
