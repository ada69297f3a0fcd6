# SPDX-License-Identifier: GPL-3.0-or-later
"""Subscribing many people at once.

Mailman's own way asks the database about a dozen times for each person; a form
with thousands would take minutes.  This writes the same rows in a few statements.
Two things differ: nobody gets a welcome message, and no `SubscriptionEvent` is sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Protocol

from mailman.config import config
from mailman.interfaces.member import MemberRole
from mailman.interfaces.usermanager import IUserManager
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.model.preferences import Preferences
from mailman.model.uid import UID
from mailman.model.user import User
from mailman.utilities.datetime import now
from sqlalchemy import select, text, update
from zope.component import getUtility

from qnet_mailman.mlist import Mlist
from qnet_mailman.model import audit, bulk
from qnet_mailman.model.base import store
from qnet_mailman.model.finding import members_among
from qnet_mailman.model.statements import chunks


class Person(Protocol):
    """Whom a file or a form names."""

    @property
    def email(self) -> str:
        """The address, as it was written."""

    @property
    def name(self) -> str:
        """The name; may be empty."""


MANY = 1000
"""New members that the database is told of at once."""


def refresh_statistics() -> None:
    """Let PostgreSQL count the rows now, and not within a minute.

    After so many new ones it would take the tables for as small as they were, and look
    for each recipient of the next post among all addresses.  SQLite does not mind.
    """
    engine = config.db.engine
    if engine.dialect.name == 'postgresql':
        for table in (Member, Address, Preferences, User):
            store().execute(text(f'ANALYZE "{table.__tablename__}"'))


def subscribe_people(mlist: Mlist, people: Sequence[Person]) -> list[str]:
    """Make people members, in one line of the audit log.

    :return: The addresses of the new members.
    """
    store().flush()
    new = sorted(subscribe_all(mlist, people))
    if new:
        digest = hashlib.sha256('\n'.join(new).encode()).hexdigest()
        audit.record(
            audit.Action.member_added, mlist.list_id, count=len(new), addresses=digest
        )
    return new


def subscribe_all(mlist: Mlist, people: Iterable[Person]) -> list[str]:
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
    bulk.write(
        Member.__table__,
        ('_member_id', 'address_id', 'preferences_id'),
        zip(
            _uids(len(wanted)),
            map(addresses.__getitem__, wanted),
            _preferences(len(wanted)),
            strict=True,
        ),
        role=MemberRole.member,
        list_id=mlist.list_id,
    )
    return list(wanted)


def _known(emails: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for portion in chunks(emails):
        query = select(Address.email, Address.id).where(Address.email.in_(portion))
        found.update(row._tuple() for row in store().execute(query))
    return found


def _make_addresses(people: Sequence[Person]) -> dict[str, int]:
    if not people:
        return {}
    count = len(people)
    moment = now()
    preferences = _preferences(2 * count)
    user_ids = bulk.take_ids(User.__table__, count)
    bulk.write(
        User.__table__,
        ('id', '_user_id', 'display_name', 'preferences_id'),
        zip(
            user_ids,
            _uids(count),
            (person.name for person in people),
            preferences[:count],
            strict=True,
        ),
        _created_on=moment,
    )
    emails = [person.email.lower() for person in people]
    ids = bulk.take_ids(Address.__table__, count)
    bulk.write(
        Address.__table__,
        ('id', 'email', '_original', 'display_name', 'user_id', 'preferences_id'),
        (
            (number, email, _original(person, email), person.name, user, preference)
            for number, email, person, user, preference in zip(
                ids, emails, people, user_ids, preferences[count:], strict=True
            )
        ),
        verified_on=moment,
        registered_on=moment,
    )
    return dict(zip(emails, ids, strict=True))


def _original(person: Person, email: str) -> str | None:
    return None if person.email == email else person.email


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


def _preferences(count: int) -> Sequence[int]:
    made = bulk.take_ids(Preferences.__table__, count)
    bulk.write(Preferences.__table__, ('id',), ((each,) for each in made))
    return made


def _uids(count: int) -> list[str]:
    made = bulk.random_uuids(count)
    bulk.write(UID.__table__, ('uid',), ((each,) for each in made))
    return made
