# SPDX-License-Identifier: GPL-3.0-or-later
"""The lists that a person looks after, those that need them first.

Lists of other styles are among them, with what stock tells of them (R40).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from qnet_mailman.web.frame.clock import moment

#: The roles as HARP writes them (R24).
ROLES = {'administrator': 'List Administrator', 'moderator': 'List Moderator'}


@dataclass(frozen=True)
class MyList:
    """A list.

    :ivar is_ours: Whether it has one of our styles.
    :ivar administered: Whether the person may configure it, and not only moderate.
    :ivar requests: Requests to join that wait for approval.
    :ivar held: Messages that wait for a moderator.
    :ivar suspended: Members whose delivery is stopped because of bounces.
    :ivar problems: What is wrong, in words.
    """

    list_id: str
    address: str
    name: str
    is_ours: bool
    administered: bool
    requests: int
    held: int
    suspended: int
    problems: tuple[str, ...]

    @property
    def role(self) -> str:
        """What the person is there, in words."""
        if not self.administered:
            return 'Moderator'
        return 'Administrator' if self.is_ours else 'Owner'

    @property
    def waits(self) -> bool:
        """Whether something waits for the person."""
        return bool(self.requests or self.held)

    @property
    def needs_somebody(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.waits or self.suspended or self.problems)


@dataclass(frozen=True)
class MyLists:
    """All lists of a person.

    :ivar waiting: Where there is something to do.
    :ivar quiet: The others.
    """

    waiting: tuple[MyList, ...]
    quiet: tuple[MyList, ...]

    @property
    def groups(self) -> tuple[tuple[str, str, tuple[MyList, ...]], ...]:
        """Both with an id and a heading, without empty ones."""
        groups = (
            ('waiting', 'Lists that need you', self.waiting),
            ('quiet', 'Lists where nothing waits', self.quiet),
        )
        return tuple(group for group in groups if group[2])


def my_lists(
    found: Iterable[Mapping[str, Any]], administered: Collection[str]
) -> MyLists:
    """The lists, in the order of core.

    :param found: What core says of each.
    :param administered: IDs of those that the person may configure.
    """
    lists = [
        MyList(
            each['list_id'],
            each['list'],
            each['display_name'] or each['list'],
            each['type'] is not None,
            each['list_id'] in administered,
            each['requests'],
            each['held'],
            each['suspended'],
            tuple(_problems(each)),
        )
        for each in found
    ]
    return MyLists(
        tuple(each for each in lists if each.needs_somebody),
        tuple(each for each in lists if not each.needs_somebody),
    )


def _problems(each: Mapping[str, Any]) -> Iterable[str]:
    if each['type'] == 'notification' and not each['posters']:
        yield 'nobody has posting privileges'
    if not each['administrators']:
        yield 'nobody can administer it'


@dataclass(frozen=True)
class Ending:
    """A role that ends soon (R28).

    :ivar name: As HARP writes it.
    """

    name: str
    day: date


def roles_that_end(found: Iterable[Mapping[str, Any]]) -> list[Ending]:
    """The person's roles that end soon.

    :param found: What core says of each role.
    """
    return [
        Ending(ROLES[each['role']], local.date())
        for each in found
        if each['ends_soon'] and (local := moment(each['expires_at']))
    ]
