# SPDX-License-Identifier: GPL-3.0-or-later
"""Subscribing many people at once.

Mailman's own way asks the database about a dozen times for each person; a form
with thousands would take minutes.  This writes the same rows in a few statements.
Two things differ: nobody gets a welcome message, and no `SubscriptionEvent` is sent.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from mailman.config import config
from mailman.interfaces.member import MemberRole
from mailman.interfaces.usermanager import IUserManager
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.model.preferences import Preferences
from mailman.model.uid import UID
from mailman.model.user import User
from mailman.utilities.datetime import now
from sqlalchemy import Connection, insert, literal, null, select, text, update
from zope.component import getUtility

from qnet_mailman.forms.schema import Subscriber
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.base import store
from qnet_mailman.model.finding import members_among
from qnet_mailman.model.statements import chunks


def refresh_statistics() -> None:
    """Let PostgreSQL count the rows now, and not within a minute.

    After so many new ones it would take the tables for as small as they were, and look
    for each recipient of the next post among all addresses.  SQLite does not mind.
    """
    engine = config.db.engine
    if engine.dialect.name == 'postgresql':
        for table in (Member, Address, Preferences, User):
            store().execute(text(f'ANALYZE "{table.__tablename__}"'))


def subscribe_all(mlist: Mlist, people: Iterable[Subscriber]) -> list[str]:
    """Make people members of a list, their addresses taken for verified.

    Who is a member already stays as they are.

    :return: The addresses, in lower case, of the new members.
    """
    wanted = {person.email.lower(): person for person in people}
    addresses = _known(wanted)
    for email in members_among(mlist.list_id, addresses):
        del wanted[email], addresses[email]
    if not wanted:
        return []
    _adopt(addresses)
    _leave_nonmembers(mlist, list(addresses.values()))
    addresses |= _make_addresses(
        [person for email, person in wanted.items() if email not in addresses]
    )
    preferences = _preferences(len(addresses))
    member_ids = _uids(len(addresses))
    _connection().execute(
        insert(Member.__table__),
        [
            {
                '_member_id': member_id,
                'role': MemberRole.member,
                'list_id': mlist.list_id,
                'address_id': addresses[email],
                'preferences_id': preference,
            }
            for email, member_id, preference in zip(
                wanted, member_ids, preferences, strict=True
            )
        ],
    )
    return list(wanted)


def _connection() -> Connection:
    # Rows of tables, without what the ORM does for each object.
    return store().connection()


def _known(emails: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for portion in chunks(emails):
        query = select(Address.email, Address.id).where(Address.email.in_(portion))
        found.update(row._tuple() for row in store().execute(query))
    return found


def _make_addresses(people: Sequence[Subscriber]) -> dict[str, int]:
    if not people:
        return {}
    users, addresses = User.__table__, Address.__table__
    moment = now()
    preferences = _preferences(2 * len(people))
    uids = _uids(len(people))
    # By their own ids: SQLite promises no order of what it returns.
    made_users = _connection().execute(
        insert(users).returning(users.c._user_id, users.c.id),
        [
            {
                '_user_id': user_id,
                '_created_on': moment,
                'display_name': person.name,
                'preferences_id': preferences.pop(),
            }
            for person, user_id in zip(people, uids, strict=True)
        ],
    )
    user_ids: dict[uuid.UUID, int] = dict(row._tuple() for row in made_users)
    made = _connection().execute(
        insert(addresses).returning(addresses.c.email, addresses.c.id),
        [
            {
                'email': person.email.lower(),
                '_original': None
                if person.email == person.email.lower()
                else person.email,
                'display_name': person.name,
                'verified_on': moment,
                'registered_on': moment,
                'user_id': user_ids[uid],
                'preferences_id': preferences.pop(),
            }
            for person, uid in zip(people, uids, strict=True)
        ],
    )
    return dict(row._tuple() for row in made)


def _adopt(known: dict[str, int]) -> None:
    for portion in chunks(known):
        store().execute(
            update(Address)
            .where(Address.email.in_(portion), Address._verified_on.is_(None))
            .values(_verified_on=now())
        )
        orphans = select(Address.email).where(
            Address.email.in_(portion), Address.user_id.is_(None)
        )
        for email in list(store().scalars(orphans)):
            getUtility(IUserManager).make_user(email)


def _leave_nonmembers(mlist: Mlist, address_ids: list[int]) -> None:
    # As Mailman does when a stranger who has written to a list joins it.
    portion = 500
    for start in range(0, len(address_ids), portion):
        query = select(Member).where(
            Member.list_id == mlist.list_id,
            Member.role == MemberRole.nonmember,
            Member.address_id.in_(address_ids[start : start + portion]),
        )
        for member in list(store().scalars(query)):
            member.unsubscribe()


def _preferences(count: int) -> list[int]:
    # In one statement, whatever their number, as they hold nothing.
    table = Preferences.__table__
    numbers = select(literal(1).label('number')).cte('numbers', recursive=True)
    numbers = numbers.union_all(
        select(numbers.c.number + 1).where(numbers.c.number < count)
    )
    rows = insert(table).from_select(
        [table.c.acknowledge_posts], select(null()).select_from(numbers)
    )
    return list(_connection().scalars(rows.returning(table.c.id)))


def _uids(count: int) -> list[uuid.UUID]:
    made = [uuid.uuid4() for _ in range(count)]
    _connection().execute(insert(UID.__table__), [{'uid': each} for each in made])
    return made
