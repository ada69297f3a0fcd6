# SPDX-License-Identifier: GPL-3.0-or-later
"""A membership that moves to another address of the same user.

Core's REST server, and so Postorius, does it by a row's attribute and asks nobody.  The
address of a list of this site is refused there as it is for who joins.
"""

from __future__ import annotations

from typing import Any

from mailman.interfaces.member import MemberRole, MembershipError
from mailman.model.address import Address
from mailman.model.member import Member
from sqlalchemy import event

from qnet_mailman.model.finding import list_at
from qnet_mailman.model.lists import row_of


def refuse_lists(
    member: Member, address: Any, before: Any, _initiator: object = None
) -> None:
    """Refuse to move a membership in a list of ours to the address of a list.

    :param before: The address of the membership; none where it is new, and whoever
        makes it has looked.
    :raises MembershipError: for REST, which answers with 400.
    """
    if (
        isinstance(before, Address)
        and isinstance(address, Address)
        and member.role is MemberRole.member
        and list_at(address.email) is not None
        and row_of(member.mailing_list) is not None
    ):
        raise MembershipError(f'{address.email} is the address of a list')


def install() -> None:
    """Look at every membership that moves; again is harmless."""
    if not event.contains(Member._address, 'set', refuse_lists):
        event.listen(Member._address, 'set', refuse_lists)
