# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets a post at once: in one SQL statement, whatever their number.

Mailman asks for the preferences of each member, of their address and of their user, one
by one: minutes for a list of 100,000.
"""

from __future__ import annotations

from typing import Any

from mailman.core.constants import system_preferences
from mailman.interfaces.member import DeliveryMode, DeliveryStatus, MemberRole
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.model.preferences import Preferences
from mailman.model.user import User
from sqlalchemy import Select, func, select, true
from sqlalchemy.orm import aliased

from qnet_mailman.mlist import Mlist
from qnet_mailman.model.base import store
from qnet_mailman.subscriptions.one_click import BATCH


def regular_recipients(mlist: Mlist, *, with_digests: bool = False) -> set[str]:
    """The addresses of members with regular delivery that is enabled.

    A preference is the membership's, else the address's, else that of the user whose
    address it is, else the system's, as `Member._lookup` has it.

    :param with_digests: Whether those who get digests are asked for as well.
    """
    # Not all rows at once: the addresses alone take memory enough.
    query = _regular(mlist.list_id, with_digests).execution_options(yield_per=BATCH)
    return set(store().scalars(query))


def _regular(list_id: str, with_digests: bool) -> Select[tuple[str]]:
    subscriber, owner = aliased(User), aliased(User)
    levels = tuple(aliased(Preferences) for _ in range(3))
    of_member, of_address, of_user = levels

    def wanted(name: str, value: DeliveryMode | DeliveryStatus) -> Any:
        found = func.coalesce(*(getattr(level, name) for level in levels))
        if getattr(system_preferences, name) == value:
            return found.is_(None) | (found == value)
        return found == value

    return (
        select(Address.email)
        .select_from(Member)
        .outerjoin(subscriber, subscriber.id == Member.user_id)
        .join(
            Address,
            # Whoever subscribed as a user gets it at the address they prefer now.
            Address.id
            == func.coalesce(Member.address_id, subscriber._preferred_address_id),
        )
        .outerjoin(owner, owner.id == Address.user_id)
        .outerjoin(of_member, of_member.id == Member.preferences_id)
        .outerjoin(of_address, of_address.id == Address.preferences_id)
        .outerjoin(of_user, of_user.id == owner.preferences_id)
        .where(
            Member.list_id == list_id,
            Member.role == MemberRole.member,
            true() if with_digests else wanted('delivery_mode', DeliveryMode.regular),
            wanted('delivery_status', DeliveryStatus.enabled),
        )
    )
