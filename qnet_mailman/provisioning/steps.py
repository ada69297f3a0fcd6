# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a plan: each says what it does, in words and as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qnet_mailman.forms.schema import Subscriber
from qnet_mailman.lists.settings import FIELDS, Value
from qnet_mailman.provisioning.looking import SHOWN
from qnet_mailman.roles.people import Assignee, Role
from qnet_mailman.values import Closing, found


@dataclass(frozen=True)
class Create:
    """Make the list, with its style."""

    address: str
    style: str

    def __str__(self) -> str:
        return f'create the list {self.address} in the style {self.style}'

    def as_dict(self) -> dict[str, Any]:
        """The step as plain data."""
        return {'what': 'create', 'style': self.style}


@dataclass(frozen=True)
class Set:
    """Change a setting.

    :ivar old: What it is now; None on a new list.
    """

    field: str
    old: Value | None
    new: Value

    def __str__(self) -> str:
        if self.old is None:
            return f'set {self.field} to {found(self.new)}'
        return f'change {self.field} from {found(self.old)} to {found(self.new)}'

    def as_dict(self) -> dict[str, Any]:
        """The step as plain data."""
        return {'what': 'set', 'field': self.field, 'old': self.old, 'new': self.new}


@dataclass(frozen=True)
class Assign:
    """Assign a person, or change how they are.

    :ivar before: The assignment as it is; None if there is none.
    """

    role: Role
    person: Assignee
    before: Assignee | None = None

    def __str__(self) -> str:
        who = f'{self.person.name} <{self.person.email}>'
        if self.before is None:
            posting = 'with' if self.person.may_post else 'without'
            return f'add the {self.role} {who}, {posting} posting privileges'
        changes = [
            f'{label} from {found(before)} to {found(after)}'
            for label, before, after in (
                ('name', self.before.name, self.person.name),
                ('HARP ID', self.before.harp_id, self.person.harp_id),
                ('posting privileges', self.before.may_post, self.person.may_post),
            )
            if before != after
        ]
        return f'change the {self.role} {who}: {", ".join(changes)}'

    def as_dict(self) -> dict[str, Any]:
        """The step as plain data."""
        return {
            'what': 'assign',
            'role': self.role.value,
            'email': self.person.email,
            'name': self.person.name,
            'harp_id': self.person.harp_id,
            'may_post': self.person.may_post,
        }


@dataclass(frozen=True)
class Unassign:
    """Take an assignment away."""

    role: Role
    email: str

    def __str__(self) -> str:
        return f'remove the {self.role} {self.email}'

    def as_dict(self) -> dict[str, Any]:
        """The step as plain data."""
        return {'what': 'unassign', 'role': self.role.value, 'email': self.email}


@dataclass(frozen=True)
class Subscribe:
    """Make people members."""

    people: tuple[Subscriber, ...]

    def __str__(self) -> str:
        return f'subscribe {counted([person.email for person in self.people])}'

    def as_dict(self) -> dict[str, Any]:
        """The step as plain data."""
        return {
            'what': 'subscribe',
            'count': len(self.people),
            'emails': [person.email for person in self.people],
        }


@dataclass(frozen=True)
class Close:
    """Close the list.

    :ivar undo_days: How long it can be opened again.
    """

    action: Closing
    undo_days: int

    def __str__(self) -> str:
        after = (
            'then it stays closed, and its archive can be read as before'
            if self.action is Closing.archive
            else 'then it is deleted for good, with its members and settings'
        )
        return f'close the list; it can be reopened for {self.undo_days} days, {after}'

    def as_dict(self) -> dict[str, Any]:
        """The step as plain data."""
        return {
            'what': 'close',
            'action': self.action.value,
            'undo_days': self.undo_days,
        }


@dataclass(frozen=True)
class OnList:
    """A step on one of several lists."""

    address: str
    step: Assign | Unassign

    def __str__(self) -> str:
        return f'{self.address}: {self.step}'

    def as_dict(self) -> dict[str, Any]:
        """The step as plain data."""
        return {**self.step.as_dict(), 'list': self.address}


Step = Create | Set | Assign | Unassign | Subscribe | Close | OnList


def in_words(step: Step) -> str:
    """A step for a notice to list administrators."""
    if isinstance(step, Set):
        label = FIELDS[step.field].label
        before = '' if step.old is None else f' (before: {step.old or "nothing"})'
        return f'{label}: {step.new or "nothing"}{before}'
    text = str(step)
    return text[0].upper() + text[1:]


def counted(emails: list[str]) -> str:
    """Addresses, the first few by name."""
    shown = ', '.join(emails[:SHOWN])
    if len(emails) > SHOWN:
        return f'{len(emails)} addresses ({shown} and {len(emails) - SHOWN} more)'
    return shown
