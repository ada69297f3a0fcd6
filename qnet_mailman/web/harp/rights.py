# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person may do now (R25), as core says, for at most a minute (R26)."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.cache import cache

from qnet_mailman.web.core import PLUGIN, Answer, CoreUnavailable, call
from qnet_mailman.web.harp.session import Identity
from qnet_mailman.web.patience import note_failure

log = logging.getLogger('qnet.web')

#: Seconds for which an answer of core counts at most, from when it was asked for.
LIFE = 60
#: Seconds for which core is left alone after it did not answer: every page
#: would wait for it otherwise.
PAUSE = 5
#: Seconds to wait for core; a page waits with us.
TIMEOUT = 5


@dataclass(frozen=True)
class Rights:
    """What a person may do; nothing, unless core says otherwise.

    :ivar roles: The active roles, ``administrator`` and ``moderator``.
    :ivar administers: IDs of the lists that the person may configure.
    :ivar moderates: IDs of the lists that the person may moderate.
    :ivar known: Whether core has said so.
    """

    roles: frozenset[str] = field(default_factory=frozenset)
    administers: frozenset[str] = field(default_factory=frozenset)
    moderates: frozenset[str] = field(default_factory=frozenset)
    known: bool = field(default=True, compare=False)


NO_RIGHTS = Rights()
#: While core cannot be asked.
UNKNOWN = Rights(known=False)
#: What core says of a person who signed in through a provider.
NAMES = ('roles', 'administers', 'moderates')


def rights_of(identity: Identity) -> Rights:
    """A person's rights; none while core cannot be asked (R32).

    :param identity: Who is signed in, through which provider.
    """
    key = _key(identity)
    found = kept(key)
    if found is not None:
        return found
    asked = time.monotonic()
    try:
        answer = call(
            'GET',
            f'{PLUGIN}/roles/rights',
            timeout=TIMEOUT,
            params={'provider': identity.provider, 'user_id': identity.user_id},
        )
        rights = read_rights(answer)
    except CoreUnavailable:
        note_failure()
        cache.set(key, UNKNOWN, PAUSE)
        return UNKNOWN
    remember(identity, rights, time.monotonic() - asked)
    return rights


def kept(key: str) -> Rights | None:
    """What is in the cache; that core could not be asked counts as asking in vain.

    :param key: Of the cache.
    """
    found = cache.get(key)
    if not isinstance(found, Rights):
        return None
    if not found.known:
        note_failure()
    return found


def remember(identity: Identity, rights: Rights, age: float = 0) -> None:
    """Keep what core said.

    :param identity: About whom.
    :param rights: What.
    :param age: How many seconds ago core may have said it.
    """
    life = min(settings.RIGHTS_CACHE_SECONDS, LIFE)
    cache.set(_key(identity), rights, max(life - age, 0))


def forget(identity: Identity) -> None:
    """Ask core anew the next time.

    :param identity: About whom.
    """
    cache.delete(_key(identity))


def read_rights(answer: Answer, names: Collection[str] = NAMES) -> Rights:
    """Read core's answer.

    :param answer: The answer.
    :param names: What of :class:`Rights` it must tell.
    :raises CoreUnavailable: where it is none that we know.
    """
    if answer.status != 200:
        log.error('core did not take a question about roles: %s', answer.status)
        raise CoreUnavailable
    found: dict[str, Any] = {}
    for name in names:
        value = answer.fields.get(name)
        if not isinstance(value, list) or not all(isinstance(x, str) for x in value):
            raise CoreUnavailable
        found[name] = frozenset(value)
    return Rights(**found)


def _key(identity: Identity) -> str:
    # Core compares user IDs without case; memcached takes no spaces.
    name = f'{identity.provider}\0{identity.user_id.lower()}'
    return f'qnet-rights-{hashlib.sha256(name.encode()).hexdigest()}'
