# SPDX-License-Identifier: GPL-3.0-or-later
"""Who looks after lists without one of our styles: Mailman's rosters say so (R40).

As in Postorius itself, a person is on a roster by an address that they have verified
here, however they signed in.  Core says which lists these are, and never one of ours.
"""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.cache import cache

from qnet_mailman.web.core import PLUGIN, CoreUnavailable, call
from qnet_mailman.web.harp.rights import (
    LIFE,
    NO_RIGHTS,
    PAUSE,
    TIMEOUT,
    UNKNOWN,
    Rights,
    kept,
    read_rights,
)
from qnet_mailman.web.patience import note_failure


def rights_by_rosters(user: Any, *, fresh: bool) -> Rights:
    """What a person may do on lists of other styles; nothing while core is away (R32).

    :param user: Somebody who is signed in.
    :param fresh: Whether something is to be changed: a list that has been adopted in
        this minute is ours.
    """
    key = f'qnet-rosters-{user.pk}'
    found = None if fresh else kept(key)
    if found is not None:
        return found
    addresses = EmailAddress.objects.filter(user=user, verified=True)
    asked = {'address': list(addresses.values_list('email', flat=True))}
    if not asked['address']:
        return NO_RIGHTS
    try:
        answer = call('GET', f'{PLUGIN}/roles/rosters', timeout=TIMEOUT, params=asked)
        rights = read_rights(answer, ('administers', 'moderates'))
    except CoreUnavailable:
        note_failure()
        cache.set(key, UNKNOWN, PAUSE)
        return UNKNOWN
    cache.set(key, rights, min(settings.RIGHTS_CACHE_SECONDS, LIFE))
    return rights


def cut_with_roles(found: Rights, roles: frozenset[str]) -> Rights:
    """What is left where these lists, too, need a role (``OTHER_LISTS_NEED_ROLE``).

    As with assignments (R25), the role of an administrator covers moderating, and an
    owner who has that of a moderator alone moderates.

    :param found: What the rosters give.
    :param roles: The person's active roles.
    """
    if 'administrator' in roles:
        return found
    if 'moderator' in roles:
        return Rights(moderates=found.administers | found.moderates)
    return NO_RIGHTS
