# SPDX-License-Identifier: GPL-3.0-or-later
"""Which archives everybody may read: core's `archive_policy`, as it is now.

HyperKitty has a copy of it, which says *public* until a job of its own has asked core:
for seconds, or for ever where the job does not run.  So nobody asks the copy.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.db.models import Case, F, Value, When

from qnet_mailman.web.core import PLUGIN, Answer, CoreUnavailable, call
from qnet_mailman.web.patience import note_failure

log = logging.getLogger('qnet.web')

#: Seconds for which core's answer counts, from when it was asked for.  One answer tells
#: of all lists, so that it costs little to ask often.
LIFE = 15
#: Seconds after which somebody who is refused has it asked again: an archive that has
#: just become public opens at once.
DOUBT = 1
#: Seconds for which core is left alone after it did not answer.
PAUSE = 5
#: Seconds to wait for core; a page waits with us.
TIMEOUT = 5

_KEY = 'qnet-public-archives'


@dataclass(frozen=True)
class _Known:
    """What core said.

    :ivar public: Posting addresses.
    :ivar doubt: Since the epoch, when it may be asked again.
    :ivar said: Whether it said anything.
    """

    public: frozenset[str]
    doubt: float
    said: bool = True


def public_archives(*, doubted: bool = False) -> frozenset[str]:
    """The posting addresses of the lists whose archive is public.

    :param doubted: Whether somebody expects another one among them.
    :return: None at all while core cannot be asked: what is unknown is private.
    """
    found = cache.get(_KEY)
    asked = time.time()
    if isinstance(found, _Known) and not (doubted and asked >= found.doubt):
        if not found.said:
            note_failure()
        return found.public
    try:
        public = read(call('GET', f'{PLUGIN}/archives', timeout=TIMEOUT))
    except CoreUnavailable:
        note_failure()
        cache.set(_KEY, _Known(frozenset(), asked + TIMEOUT + PAUSE, said=False), PAUSE)
        return frozenset()
    life = min(settings.RIGHTS_CACHE_SECONDS, LIFE) - (time.time() - asked)
    cache.set(_KEY, _Known(public, asked + DOUBT), max(life, 0))
    return public


def read(answer: Answer) -> frozenset[str]:
    """Read core's answer.

    :raises CoreUnavailable: where it is none that we know.
    """
    public = answer.fields.get('public')
    if (
        answer.status != 200
        or not isinstance(public, list)
        or not all(isinstance(each, str) for each in public)
    ):
        log.error('core did not say which archives are public: %s', answer.status)
        raise CoreUnavailable
    return frozenset(public)


class _Public:
    """A policy, as what a query compares a row's with."""

    @property
    def value(self) -> Case:
        """Equal to the column where core says *public*, whatever is in the column."""
        found = When(name__in=public_archives(), then=F('archive_policy'))
        return Case(found, default=Value(-1))


class PolicyInCore:
    """In the place of HyperKitty's `ArchivePolicy`, where it looks for public lists."""

    public = _Public()
