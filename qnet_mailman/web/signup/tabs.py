# SPDX-License-Identifier: GPL-3.0-or-later
"""How the lists on offer are laid out on the sign-up page: tabs, and groups in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qnet_mailman.web.signup.catalogue import Offered
from qnet_mailman.web.signup.flows import Typed

#: The tabs: a list's visibility, the tab's label, and what it means (R11, R12).
VISIBILITIES = (
    (
        'public',
        'Public',
        'Anyone can join a public list: you get an e-mail, and are subscribed once '
        'you confirm.',
    ),
    (
        'private',
        'Private',
        'A private list needs approval: an administrator of the list approves your '
        'request first, then you get an e-mail to confirm.',
    ),
)
#: The groups: a list's type, and what people call it (R1).
KINDS = (('notification', 'Announcements'), ('discussion', 'Discussion'))


@dataclass(frozen=True)
class Row:
    """A list as the page shows it."""

    offered: Offered
    ticked: bool


@dataclass(frozen=True)
class Group:
    """The lists of a type in a tab."""

    kind: str
    label: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Tab:
    """A tab.

    :ivar total: How many lists it has, whatever was searched for.
    :ivar hits: How many of them match the search; all, where nothing is searched for.
    :ivar ticked: How many of them are ticked.
    """

    key: str
    label: str
    meaning: str
    groups: tuple[Group, ...]
    total: int
    hits: int
    ticked: int

    @property
    def shown(self) -> int:
        """How many lists it shows."""
        return sum(len(group.rows) for group in self.groups)


@dataclass(frozen=True)
class Tabs:
    """All tabs.

    :ivar first: The key of the one that is open at first.
    """

    all: tuple[Tab, ...]
    first: str

    @property
    def shown(self) -> int:
        """How many lists the page shows."""
        return sum(tab.shown for tab in self.all)


def as_tabs(offered: Sequence[Offered], typed: Typed) -> Tabs:
    """Lay the lists out.

    What is ticked is shown whatever was searched for.

    :param offered: The lists on offer.
    :param typed: What was typed and ticked.
    """
    words = typed.search.casefold().split()
    chosen = set(typed.chosen)
    tabs = []
    for visibility, label, meaning in VISIBILITIES:
        here = [one for one in offered if one.visibility == visibility]
        rows = [
            Row(one, one.list_id in chosen)
            for one in here
            if one.list_id in chosen or one.matches(words)
        ]
        groups = [
            Group(kind, called, tuple(row for row in rows if row.offered.kind == kind))
            for kind, called in KINDS
        ]
        ticked = sum(row.ticked for row in rows)
        tabs.append(
            Tab(
                visibility,
                label,
                meaning,
                tuple(group for group in groups if group.rows),
                len(here),
                sum(one.matches(words) for one in here),
                ticked,
            )
        )
    return Tabs(tuple(tabs), _first(tabs, searching=bool(words)))


def _first(tabs: Sequence[Tab], *, searching: bool) -> str:
    """The first tab with something ticked, else with something in it.

    Whoever searches wants to see what was found, before what is ticked.
    """
    ticked = next((tab.key for tab in tabs if tab.ticked), None)
    found = next((tab.key for tab in tabs if tab.hits), None)
    order = (found, ticked) if searching else (ticked, found)
    return order[0] or order[1] or tabs[0].key
