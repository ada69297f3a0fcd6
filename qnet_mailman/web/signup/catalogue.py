# SPDX-License-Identifier: GPL-3.0-or-later
"""The lists that the sign-up page offers, as core names them.

Core is asked at most once in a minute, for all web processes: a list that was made or
renamed shows up within that time.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.core.cache import cache

from qnet_mailman.web import core

#: Seconds for which an answer of core's is good.
LIFETIME = 60
#: More lists than so many can be searched.
SEARCH_FROM = 12

_CACHE_KEY = 'qnet-signup-lists'


@dataclass(frozen=True)
class Offered:
    """A list that one can sign up for.

    :ivar kind: ``notification`` or ``discussion`` (R1).
    :ivar visibility: ``public`` or ``private`` (R1).
    """

    list_id: str
    posting_address: str
    name: str
    description: str
    kind: str
    visibility: str

    def matches(self, words: list[str]) -> bool:
        """Whether name, address or description have all the words.

        :param words: In lower case.
        """
        text = f'{self.name} {self.posting_address} {self.description}'.casefold()
        return all(word in text for word in words)


def offered() -> list[Offered]:
    """All lists on offer, in the order of their names.

    :raises core.CoreUnavailable: where core has to be asked and does not say.
    """
    entries = cache.get(_CACHE_KEY)
    if entries is None:
        entries = core.get('signup').fields.get('lists')
        if not isinstance(entries, list):
            raise core.CoreUnavailable
        cache.set(_CACHE_KEY, entries, LIFETIME)
    return [
        Offered(
            entry['list_id'],
            entry['fqdn_listname'],
            entry['display_name'] or entry['fqdn_listname'],
            entry['description'],
            entry['type'],
            entry['visibility'],
        )
        for entry in entries
    ]


def forget() -> None:
    """Ask core again next time: it knows other lists than we thought."""
    cache.delete(_CACHE_KEY)
