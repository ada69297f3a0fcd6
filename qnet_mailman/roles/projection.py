# SPDX-License-Identifier: GPL-3.0-or-later
"""Rosters and posting privileges as they follow from assignments and grants (R25).

Whoever changes an assignment or a grant

1. takes the `lock()`, before looking at either,
2. makes the change,
3. calls `project()` for the people concerned, and commits.

Without the lock, two processes that change both sides at once would each project
without the other's change, and nobody would ever write what follows from both.

Whoever is put on the roster of owners or moderators in another way (Postorius, REST,
Mailman's command line) has no assignment, or no role.  They are taken off again in the
same transaction (`handle_subscription`), and what Mailman does not tell of, such as
the change of a membership's address, is put right by `reconcile()` (R24, R26).
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from mailman.config import config
from mailman.interfaces.member import MemberRole, SubscriptionEvent
from mailman.interfaces.usermanager import IUserManager
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.model.preferences import Preferences
from mailman.model.user import User
from mailman.utilities.datetime import now
from sqlalchemy import (
    ColumnElement,
    and_,
    delete,
    func,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.orm import SessionTransaction
from zope.component import getUtility

from qnet_mailman.model import audit
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import QNetList
from qnet_mailman.model.people import (
    QNetAssignment,
    QNetGrant,
    QNetPoster,
    QNetUnattended,
)
from qnet_mailman.model.statements import chunks, insert_once
from qnet_mailman.roles.rights import (
    Assignment,
    Grant,
    Rights,
    Role,
    Status,
    effective,
)

ROSTERS = {Role.administrator: MemberRole.owner, Role.moderator: MemberRole.moderator}
ADVISORY_LOCK = 0x716E65740001
"""Key of PostgreSQL's advisory lock: 'qnet' in ASCII, and a number."""

Pair = tuple[str, str]
"""A list's ID and a person's address in lower case."""

log = logging.getLogger('mailman.plugins')

_locked: weakref.ref[SessionTransaction] | None = None
"""The transaction that has the lock, until it ends."""


@dataclass(frozen=True)
class Correction:
    """Somebody who was put on a roster, or taken off it.

    :ivar added: False if they were taken off.
    """

    list_id: str
    role: Role
    email: str
    added: bool


def lock() -> None:
    """Let this transaction alone change assignments, grants and rosters.

    It comes before everything else that a transaction locks, as far as it can, lest
    two wait for each other.  What was read before it may be out of date.
    """
    global _locked
    store().flush()
    transaction = store().get_transaction()
    if transaction is not None and _locked is not None and _locked() is transaction:
        return
    if config.db.engine.dialect.name == 'postgresql':
        store().execute(
            text('SELECT pg_advisory_xact_lock(:key)'), {'key': ADVISORY_LOCK}
        )
    else:
        # SQLite has one writer at a time, which this makes of us.
        nobody = update(QNetGrant).where(QNetGrant.id < 0).values(role='')
        store().execute(nobody.execution_options(synchronize_session=False))
    transaction = store().get_transaction()
    _locked = None if transaction is None else weakref.ref(transaction)


def pairs_of(holders: Iterable[str], emails: Iterable[str]) -> set[Pair]:
    """The lists and addresses of the assignments that grants may be about.

    :param holders: The identities of the grants.
    :param emails: Their addresses, those that they had before as well.
    """
    found: set[Pair] = set()
    where: list[Any] = [
        QNetAssignment.holder.in_(some) for some in chunks({*holders} - {''})
    ]
    where += [
        (QNetAssignment.holder == '') & QNetAssignment.email.in_(some)
        for some in chunks({*emails} - {''})
    ]
    for which in where:
        query = select(QNetAssignment.list_id, QNetAssignment.email).where(which)
        found.update(row._tuple() for row in store().execute(query))
    return found


def project(pairs: Iterable[Pair] | None = None) -> list[Correction]:
    """Make rosters and posting privileges say what assignments and grants give (R25).

    :param pairs: Whom this is about; None is everybody on all lists.
    :return: What was put on rosters and taken off them.
    """
    store().flush()
    only = None if pairs is None else set(pairs)
    if only is not None and not only:
        return []
    lists = _our_lists(only)
    wanted = _wanted(only)
    corrections = list(_correct_rosters(wanted, only, lists))
    _correct_posters(wanted, only, lists)
    store().flush()
    _note_attendance(
        {each.list_id for each in corrections if each.role is Role.administrator}
    )
    return corrections


def _our_lists(only: set[Pair] | None) -> set[str]:
    # Not those of other styles, nor one that has been deleted meanwhile.
    if only is None:
        return set(store().scalars(select(QNetList.list_id)))
    found: set[str] = set()
    for some in chunks({list_id for list_id, _email in only}):
        query = select(QNetList.list_id).where(QNetList.list_id.in_(some))
        found.update(store().scalars(query))
    return found


def _wanted(only: set[Pair] | None) -> Rights:
    assignments = [
        each
        for each in read_assignments(only)
        if only is None or (each.list_id, each.email) in only
    ]
    grants = read_grants(
        None if only is None else {each.holder for each in assignments},
        {each.email for each in assignments if not each.holder},
    )
    return effective(assignments, grants, now())


def _about(pairs: set[Pair], list_id: Any, email: Any) -> Iterator[ColumnElement[bool]]:
    """What finds the rows of pairs, and a few others, in one or more portions.

    Somebody may look after thousands of lists, of which this is about one.
    """
    list_ids = {each for each, _email in pairs}
    here = true() if len(list_ids) > 1 else list_id == list_ids.pop()
    for some in chunks({each for _list_id, each in pairs}):
        yield and_(here, email.in_(some))


def read_assignments(only: set[Pair] | None) -> list[Assignment]:
    """Assignments, in the order in which they were made.

    :param only: Of these, and a few others; None is all of them.
    """
    columns = select(
        QNetAssignment.id,
        QNetAssignment.list_id,
        QNetAssignment.email,
        QNetAssignment.role,
        QNetAssignment.holder,
        QNetAssignment.name,
        QNetAssignment.may_post,
    )
    queries = (
        [columns]
        if only is None
        else map(
            columns.where, _about(only, QNetAssignment.list_id, QNetAssignment.email)
        )
    )
    return [
        Assignment(list_id, email, Role(role), holder, name, may_post)
        for query in queries
        # Sorted by the database, it would walk through all of a person's to find few.
        for _id, list_id, email, role, holder, name, may_post in sorted(
            store().execute(query)
        )
    ]


def read_grants(holders: set[str] | None, emails: set[str]) -> Iterator[Grant]:
    """The active grants, also those that have ended and nobody has noted it.

    :param holders: Of these identities, and of
    :param emails: these addresses only; None and anything is all of them.
    """
    columns = select(
        QNetGrant.provider,
        QNetGrant.user_id,
        QNetGrant.email,
        QNetGrant.role,
        QNetGrant.expires_at,
    ).where(QNetGrant.status == Status.active.value)
    if holders is None:
        queries = [columns]
    else:
        user_ids = {holder.partition(':')[2] for holder in holders} - {''}
        queries = [
            *(columns.where(QNetGrant.user_id.in_(some)) for some in chunks(user_ids)),
            *(columns.where(QNetGrant.email.in_(some)) for some in chunks(emails)),
        ]
    for query in queries:
        for provider, user_id, email, role, expires_at in store().execute(query):
            yield Grant(
                f'{provider}:{user_id}',
                email,
                Role(role),
                expires_at=expires_at,
            )


# ------------------------------------------------------------------- rosters


def _correct_rosters(
    wanted: Rights, only: set[Pair] | None, lists: set[str]
) -> Iterator[Correction]:
    missing = {key: name for key, name in wanted.rosters.items() if key[0] in lists}
    for member_id, correction, by_address in list(_on_rosters(only, lists)):
        key = (correction.list_id, correction.role, correction.email)
        if by_address and key in missing:
            del missing[key]
            continue
        # Nobody's right, a second membership, or one that follows whatever address
        # its user prefers.
        store().get_one(Member, member_id).unsubscribe()
        yield correction
    for (list_id, role, email), name in missing.items():
        _put_on(list_id, role, email, name)
        yield Correction(list_id, role, email, added=True)


def _on_rosters(
    only: set[Pair] | None, lists: set[str]
) -> Iterator[tuple[int, Correction, bool]]:
    names = {member_role: role for role, member_role in ROSTERS.items()}
    # A membership is one of an address, or of a user and the address they prefer.
    query = (
        select(Member.id, Member.list_id, Member.role, Address.email, Member.address_id)
        .outerjoin(User, Member.user_id == User.id)
        .outerjoin(
            Address,
            Address.id == func.coalesce(Member.address_id, User._preferred_address_id),
        )
        .where(or_(*(Member.role == role for role in names)))
        .order_by(Member.id)
    )
    queries = (
        [query.where(Member.list_id.in_(select(QNetList.list_id)))]
        if only is None
        else map(query.where, _about(only, Member.list_id, Address.email))
    )
    for each in queries:
        for member_id, list_id, role, email, address_id in store().execute(each):
            if list_id in lists and (only is None or (list_id, email) in only):
                found = Correction(list_id, names[role], email or '', added=False)
                yield member_id, found, address_id is not None


def _put_on(list_id: str, role: Role, email: str, name: str) -> None:
    user = getUtility(IUserManager).make_user(email, name)
    address = next(each for each in user.addresses if each.email == email)
    if name and not address.display_name:
        address.display_name = name
    # Not by `subscribe()`: a ban is about joining, and must not make the rosters
    # depend on what came first.  Nobody needs the event, which is for members.
    member = Member(ROSTERS[role], list_id, address)
    member.preferences = Preferences()
    store().add(member)


def _correct_posters(wanted: Rights, only: set[Pair] | None, lists: set[str]) -> None:
    query = select(QNetPoster.list_id, QNetPoster.email)
    queries = (
        [query]
        if only is None
        else map(query.where, _about(only, QNetPoster.list_id, QNetPoster.email))
    )
    there = {
        row._tuple()
        for each in queries
        for row in store().execute(each)
        if only is None or row._tuple() in only
    }
    posters = {pair for pair in wanted.posters if pair[0] in lists}
    for list_id, email in there - posters:
        store().execute(
            delete(QNetPoster).where(
                QNetPoster.list_id == list_id, QNetPoster.email == email
            )
        )
    for list_id, email in posters - there:
        store().add(QNetPoster(list_id=list_id, email=email))


def _note_attendance(list_ids: set[str]) -> None:
    """Note which lists have lost their last administrator, or have one again."""
    for some in chunks(list_ids):
        attended = set(
            store().scalars(
                select(Member.list_id).where(
                    Member.list_id.in_(some), Member.role == MemberRole.owner
                )
            )
        )
        gone = delete(QNetUnattended).where(QNetUnattended.list_id.in_(attended))
        store().execute(gone.execution_options(synchronize_session=False))
        for list_id in set(some) - attended:
            store().execute(
                insert_once(QNetUnattended.__table__),
                {'list_id': list_id, 'since': now(), 'told_at': None},
            )


# ---------------------------------------------------------- behind our back


def handle_subscription(event: Any) -> None:
    """Take somebody off again who was put on a roster and has no right to it (R26)."""
    if not isinstance(event, SubscriptionEvent):
        return
    if event.member.role not in ROSTERS.values():
        return
    lock()
    address = event.member.address
    _record(project([(event.mlist.list_id, address.email)]))


def reconcile() -> list[Correction]:
    """Put right whatever rosters and posting privileges say that they should not.

    :return: What was put on rosters and taken off them; the caller commits.
    """
    lock()
    return _record(project())


def _record(corrections: list[Correction]) -> list[Correction]:
    for each in corrections:
        what = 'put on' if each.added else 'taken off'
        log.warning('%s of %s: %s %s', each.role, each.list_id, each.email, what)
        audit.record(
            audit.Action.roster_corrected,
            each.list_id,
            each.email,
            role=each.role.value,
            change=what,
        )
    return corrections
