# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists that are members of other lists of this site: made and undone on purpose (R31).

No ordinary way makes a list's address a member (`subscriptions/joining.py`,
`provisioning/plan.py`, `provisioning/importing.py`): each post would go to people who
never asked for it, and a ring of lists would send it round.  What an operator does here
is in the audit log of the list that has the other as its member.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.member import MemberRole
from mailman.model.address import Address
from mailman.model.mailinglist import MailingList
from mailman.model.member import Member
from mailman.model.user import User
from sqlalchemy import or_, select
from zope.component import getUtility

from qnet_mailman.forms.schema import Subscriber
from qnet_mailman.model import audit
from qnet_mailman.model.base import store
from qnet_mailman.model.closures import closure_of
from qnet_mailman.model.finding import banned_among, lists_at
from qnet_mailman.model.lists import row_of
from qnet_mailman.provisioning.subscribing import subscribe_all
from qnet_mailman.roles import projection


class CannotAdd(Exception):
    """A list that does not become a member of another; the text says why."""


@dataclass(frozen=True, order=True)
class Sublist:
    """A membership of a list in a list.

    :ivar parent: The List-ID of the list that has the member.
    :ivar child: The List-ID of the list whose address the member is.
    :ivar email: That address, in lower case: as a rule the posting address.
    """

    parent: str
    child: str
    email: str


def way(edges: Iterable[tuple[str, str]], start: str, goal: str) -> list[str]:
    """The shortest way of a post from a list to another, both included.

    :param edges: Who passes its posts on to whom.
    :return: Empty where there is none.
    """
    children: dict[str, list[str]] = {}
    for parent, child in edges:
        children.setdefault(parent, []).append(child)
    ways = [[start]]
    seen = {start}
    for each in ways:
        if each[-1] == goal:
            return each
        for child in children.get(each[-1], ()):
            if child not in seen:
                seen.add(child)
                ways.append([*each, child])
    return []


def all_sublists() -> list[Sublist]:
    """All lists that are members of lists, however they became it, sorted."""
    hosts = set(store().scalars(select(MailingList.mail_host)))
    for domain in getUtility(IDomainManager):
        hosts |= {domain.alias_domain} - {None}
    if not hosts:
        return []
    at_hosts = or_(
        *(Address.email.endswith(f'@{host}', autoescape=True) for host in sorted(hosts))
    )
    a_member = Member.role == MemberRole.member
    found: set[tuple[str, str]] = set()
    for query in (
        select(Member.list_id, Address.email).join(
            Address, Member.address_id == Address.id
        ),
        select(Member.list_id, Address.email)
        .join(User, Member.user_id == User.id)
        .join(Address, User._preferred_address_id == Address.id),
    ):
        found.update(
            row._tuple() for row in store().execute(query.where(a_member, at_hosts))
        )
    children = lists_at({email for _list_id, email in found})
    return sorted(
        Sublist(list_id, children[email], email)
        for list_id, email in found
        if email in children
    )


def add(parent: Any, child: Any) -> bool:
    """Make a list a member of another, by its posting address; does not commit.

    :return: Whether anything changed.
    :raises CannotAdd: if the list that gets a member is not ours (R40) or is closed, if
        the other is banned from it, or if posts would come back to where they were.
    """
    # Two at once could close a ring that neither sees.
    projection.lock()
    if parent.list_id == child.list_id:
        raise CannotAdd(f'{parent.fqdn_listname} cannot be a member of itself')
    if row_of(parent) is None:
        raise CannotAdd(f'{parent.fqdn_listname} was made without a QualityNet style')
    there = all_sublists()
    email = child.posting_address
    if Sublist(parent.list_id, child.list_id, email) in there:
        return False
    back = way(
        [(each.parent, each.child) for each in there], child.list_id, parent.list_id
    )
    if back:
        raise CannotAdd(
            'posts would go round: '
            + ', '.join(f'{of} is a member of {to}' for to, of in pairwise(back))
        )
    if closure_of(parent.list_id) is not None:
        raise CannotAdd(f'{parent.fqdn_listname} is closed: nobody can join it')
    if banned_among(parent.list_id, [email]):
        raise CannotAdd(f'{email} is banned from {parent.fqdn_listname} or the site')
    subscribe_all(
        parent, [Subscriber.model_construct(email=email, name=child.display_name)]
    )
    audit.record(audit.Action.sublist_added, parent.list_id, email)
    return True


def remove(parent: Any, child: Any) -> bool:
    """Undo `add`, whatever address of the list is the member; does not commit.

    Memberships from before the other list was made end as well.

    :return: Whether anything changed.
    """
    projection.lock()
    emails = [
        each.email
        for each in all_sublists()
        if (each.parent, each.child) == (parent.list_id, child.list_id)
    ]
    for email in emails:
        for member in list(parent.members.get_memberships(email)):
            member.unsubscribe()
        audit.record(audit.Action.sublist_removed, parent.list_id, email)
    return bool(emails)
