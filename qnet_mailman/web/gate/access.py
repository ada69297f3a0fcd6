# SPDX-License-Identifier: GPL-3.0-or-later
"""``request.qnet``: what the person behind a request may do now (R24-R27, R40).

On our lists rights come from assignments and roles, on the others from Mailman's
rosters.  Neither gives anything on a list of the other kind.

Nothing is looked up before somebody asks, and then once a request.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from qnet_mailman.web.core import CoreUnavailable, post
from qnet_mailman.web.gate.policy import SAFE_METHODS
from qnet_mailman.web.gate.public_archives import public_archives
from qnet_mailman.web.gate.rosters import cut_with_roles, rights_by_rosters
from qnet_mailman.web.harp.operators import has_power
from qnet_mailman.web.harp.rights import NO_RIGHTS, Rights, rights_of
from qnet_mailman.web.harp.session import Identity, identity

#: The type of a one-way list (R1), as core calls it.
ONE_WAY = 'notification'


def list_id_of(name: str) -> str:
    """A list's ID, as core writes it.

    :param name: Its ID or its posting address, in any case: core takes both in the
        place of a list, and so do the addresses of our pages.
    """
    return name.replace('@', '.').lower()


def _named(identity: Identity | None, user: Any) -> str:
    if identity is not None:
        return f'{identity.provider}:{identity.user_id}'
    name = '' if user is None else user.get_username()
    return f'local:{name}' if name else ''


class Access:
    """What the person behind a request may do.

    Rights on our lists ride on a session that was signed in through a provider (R27):
    they come from core, which is asked at most once a minute (R26).
    """

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._kinds: dict[str, str | None] = {}

    @cached_property
    def identity(self) -> Identity | None:
        """Who is signed in through a provider; None for a local password."""
        return identity(self._request)

    @property
    def known_actor(self) -> str:
        """Who is at work, for a log; empty while nobody has asked who it is.

        It asks nobody: it is a database that is away that is logged.
        """
        found = self.__dict__.get('identity')
        return _named(found, getattr(self._request, '_cached_user', None))

    @property
    def actor(self) -> str:
        """Who is at work, for core's audit log (R31).

        Empty where the page has asked for nobody: one with a token acts for its reader,
        whoever is signed in there.
        """
        if not hasattr(self._request, '_cached_user'):
            return ''
        return _named(self.identity, self._request.user)

    @cached_property
    def is_operator(self) -> bool:
        """Whether the person may do everything."""
        user = self._request.user
        return bool(
            user.is_authenticated and user.is_superuser and has_power(self._request)
        )

    @cached_property
    def public_archives(self) -> frozenset[str]:
        """Posting addresses of the lists whose archive is for everybody."""
        return public_archives()

    @cached_property
    def _rights(self) -> Rights:
        return NO_RIGHTS if self.identity is None else rights_of(self.identity)

    @cached_property
    def _rosters(self) -> Rights:
        """What is so on lists of other styles."""
        if not self._request.user.is_authenticated:
            return NO_RIGHTS
        changes = self._request.method not in SAFE_METHODS
        found = rights_by_rosters(self._request.user, fresh=changes)
        if settings.OTHER_LISTS_NEED_ROLE:
            return cut_with_roles(found, self.roles)
        return found

    def _rights_on(self, list_id: str) -> Rights:
        ours = self._rights
        if list_id in ours.administers or list_id in ours.moderates:
            return ours
        return self._rosters

    @property
    def roles(self) -> frozenset[str]:
        """The person's active roles, ``administrator`` and ``moderator``."""
        return self._rights.roles

    @property
    def administered(self) -> frozenset[str]:
        """IDs of the lists that the person may configure and moderate.

        An operator may do so with all lists, and need be in none of the two sets.
        """
        return self._rights.administers | self._rosters.administers

    @property
    def moderated(self) -> frozenset[str]:
        """IDs of the lists that the person may moderate but not configure."""
        return self._rights.moderates | self._rosters.moderates

    def administers(self, name: str) -> bool:
        """Whether the person may configure a list.

        :param name: The list's ID or posting address.
        """
        list_id = list_id_of(name)
        return self.is_operator or list_id in self._rights_on(list_id).administers

    def moderates(self, name: str) -> bool:
        """Whether the person may moderate a list, as its administrators may.

        :param name: The list's ID or posting address.
        """
        list_id = list_id_of(name)
        return self.administers(name) or list_id in self._rights_on(list_id).moderates

    def is_ours(self, name: str) -> bool:
        """Whether a list has one of our styles.

        Core is asked where the person's own rights do not tell, once a request.

        :param name: The list's ID or posting address.
        :return: True, too, while core does not say: less is allowed on lists of ours.
        """
        list_id = list_id_of(name)
        for rights, ours in ((self._rights, True), (self._rosters, False)):
            if list_id in rights.administers or list_id in rights.moderates:
                return ours
        return self._kind(list_id) is not None

    def is_one_way(self, name: str) -> bool:
        """Whether a list of ours has announcements only; core is asked once a minute.

        :param name: The list's ID or posting address.
        :return: True, too, while core does not say.
        """
        list_id = list_id_of(name)
        key = f'qnet-kind-{list_id}'
        kind = cache.get(key)
        if kind is None:
            kind = self._kind(list_id) or 'other'
            cache.set(key, kind, settings.RIGHTS_CACHE_SECONDS)
        return bool(kind == ONE_WAY)

    def _kind(self, list_id: str) -> str | None:
        if list_id not in self._kinds:
            self._kinds[list_id] = _kind_of(list_id)
        return self._kinds[list_id]


def _kind_of(list_id: str) -> str | None:
    """The type of a list of ours, the one that allows least where core does not say."""
    try:
        answer = post('lists/overview', {'list': list_id})
    except CoreUnavailable:
        return ONE_WAY
    lists = answer.fields.get('lists')
    if answer.status != 200 or not isinstance(lists, list):
        return ONE_WAY
    kinds = [each['type'] for each in lists if each['type'] is not None]
    return str(kinds[0]) if kinds else None
