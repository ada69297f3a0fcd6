# SPDX-License-Identifier: GPL-3.0-or-later
"""``request.qnet``: what the person behind a request may do now (R24-R27).

Nothing is looked up before somebody asks, and then once a request.
"""

from __future__ import annotations

from functools import cached_property

from django.http import HttpRequest

from qnet_mailman.web.gate.public_archives import public_archives
from qnet_mailman.web.harp.operators import has_power
from qnet_mailman.web.harp.rights import NO_RIGHTS, Rights, rights_of
from qnet_mailman.web.harp.session import Identity, identity


def list_id_of(name: str) -> str:
    """A list's ID, as core writes it.

    :param name: Its ID or its posting address, in any case: core takes both in the
        place of a list, and so do the addresses of our pages.
    """
    return name.replace('@', '.').lower()


class Access:
    """What the person behind a request may do.

    Rights ride on a session that was signed in through a provider (R27): they come
    from core, which is asked at most once a minute (R26).
    """

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def identity(self) -> Identity | None:
        """Who is signed in through a provider; None for a local password."""
        return identity(self._request)

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

    @property
    def roles(self) -> frozenset[str]:
        """The person's active roles, ``administrator`` and ``moderator``."""
        return self._rights.roles

    @property
    def administered(self) -> frozenset[str]:
        """IDs of the lists that the person may configure and moderate.

        An operator may do so with all lists, and need be in none of the two sets.
        """
        return self._rights.administers

    @property
    def moderated(self) -> frozenset[str]:
        """IDs of the lists that the person may moderate but not configure."""
        return self._rights.moderates

    def administers(self, name: str) -> bool:
        """Whether the person may configure a list.

        :param name: The list's ID or posting address.
        """
        return self.is_operator or list_id_of(name) in self.administered

    def moderates(self, name: str) -> bool:
        """Whether the person may moderate a list, as its administrators may.

        :param name: The list's ID or posting address.
        """
        return self.administers(name) or list_id_of(name) in self.moderated
