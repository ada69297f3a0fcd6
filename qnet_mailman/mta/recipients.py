# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets a post at once: in one SQL statement, whatever their number.

Mailman asks for the preferences of each member, of their address and of their user, one
by one: minutes for a list of 100,000.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from mailman.core.constants import system_preferences
from mailman.interfaces.member import DeliveryMode, DeliveryStatus, MemberRole
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.model.preferences import Preferences
from mailman.model.user import User
from sqlalchemy import Select, bindparam, false, func, select, true
from sqlalchemy.orm import aliased

from qnet_mailman.mlist import Mlist
from qnet_mailman.model.base import store
from qnet_mailman.subscriptions.one_click import BATCH


def regular_recipients(mlist: Mlist, *, with_digests: bool = False) -> set[str]:
    """The addresses of members with regular delivery that is enabled.

    :param with_digests: Whether those who get digests are asked for as well.
    :return: As the members wrote them: to some servers the case of a local part
        matters (RFC 5321 section 2.4).
    """
    query, _ = _enabled() if with_digests else _regular()
    return set(store().scalars(query, {'list_id': mlist.list_id}))


def digest_recipients(mlist: Mlist) -> dict[str, DeliveryMode]:
    """The addresses of members who get digests, and of which kind."""
    addresses, delivery_mode = _enabled()
    rows = store().execute(
        addresses.add_columns(delivery_mode).where(
            ~_is(delivery_mode, 'delivery_mode', DeliveryMode.regular)
        ),
        {'list_id': mlist.list_id},
    )
    default = system_preferences.delivery_mode
    return {address: mode or default for address, mode in rows}


def _is(found: Any, name: str, value: DeliveryMode | DeliveryStatus) -> Any:
    """Whether a preference has a value, which may be the system's."""
    if getattr(system_preferences, name) == value:
        return func.coalesce(found == value, true())
    return func.coalesce(found == value, false())


@cache
def _regular() -> tuple[Select[tuple[str]], Any]:
    """Those of them with regular delivery."""
    addresses, mode = _enabled()
    return addresses.where(_is(mode, 'delivery_mode', DeliveryMode.regular)), mode


@cache
def _enabled() -> tuple[Select[tuple[str]], Any]:
    """The addresses of members with delivery that is enabled, and their delivery mode.

    Made once: that takes longer than a short list's answer.

    A preference is the membership's, else the address's, else that of the user whose
    address it is, else the system's (NULL here), as `Member._lookup` has it.
    """
    subscriber, owner = aliased(User), aliased(User)
    levels = tuple(aliased(Preferences) for _ in range(3))
    of_member, of_address, of_user = levels

    def preference(name: str) -> Any:
        return func.coalesce(*(getattr(level, name) for level in levels))

    status = preference('delivery_status')
    addresses = (
        select(func.coalesce(Address._original, Address.email))
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
            Member.list_id == bindparam('list_id'),
            Member.role == MemberRole.member,
            _is(status, 'delivery_status', DeliveryStatus.enabled),
        )
        # Not all rows at once: the addresses alone take memory enough.
        .execution_options(yield_per=BATCH)
    )
    return addresses, preference('delivery_mode')
