# SPDX-License-Identifier: GPL-3.0-or-later
"""What administrators do with the members whom they chose on the bounce page (R20)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from qnet_mailman.web.lists import core_lists


@dataclass(frozen=True)
class Chosen:
    """A member who was chosen.

    :ivar member_id: What core knows them by.
    :ivar address: What the page showed; for people to read, and nothing else.
    """

    member_id: UUID
    address: str

    @classmethod
    def written(cls, text: str) -> Chosen:
        """What a checkbox says.

        :param text: The id, a blank and the address.
        :raises ValueError: if it is something else.
        """
        member_id, _blank, address = text.partition(' ')
        return cls(UUID(member_id), address)

    def __str__(self) -> str:
        return f'{self.member_id} {self.address}'


#: What can be done; what is said of those with whom it was, and was not.
ACTIONS = {
    'enable': (
        'Delivery is on again, and the score starts from zero: {}.',
        'Delivery was not stopped because of bounces: {}.',
    ),
    'notify': (
        'A message that says what to do was sent to {}.',
        'No message was sent, as they had one today, or are no members any more: {}.',
    ),
    'remove': (
        'Removed from the list: {}.',
        'Not subscribed any more: {}.',
    ),
}


def chosen(texts: Iterable[str]) -> list[Chosen]:
    """The members that a form names; what is not understood is not there.

    :param texts: What its checkboxes say.
    """
    found = []
    for text in texts:
        try:
            found.append(Chosen.written(text))
        except ValueError:
            continue
    return found[: core_lists.MOST]


def act(list_id: str, action: str, members: list[Chosen]) -> tuple[str, str]:
    """Have core do something with members.

    :param list_id: The list's ID or address.
    :param action: A key of `ACTIONS`.
    :param members: Whom they chose.
    :return: What was done, and what was not, in words; each may be empty.
    :raises Http404: where there is no such list.
    :raises CoreUnavailable: where core does not do it.
    """
    ids = [str(member.member_id) for member in members]
    done = core_lists.act(list_id, action, ids)
    others = [member.address for member in members if member.address not in done]
    said, not_done = ACTIONS[action]
    return (
        said.format(', '.join(done)) if done else '',
        not_done.format(', '.join(others)) if others else '',
    )
