# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding lists, members, bans and addresses in Mailman's tables.

In one statement for any number, where Mailman's own objects would cost several each.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from mailman.config import config
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.member import MemberRole
from mailman.model.address import Address
from mailman.model.bans import Ban
from mailman.model.mailinglist import MailingList
from mailman.model.member import Member
from mailman.model.user import User
from mailman.runners.lmtp import SUBADDRESS_NAMES, split_recipient
from sqlalchemy import func, or_, select
from zope.component import getUtility

from qnet_mailman import values
from qnet_mailman.model import return_addresses
from qnet_mailman.model.base import store
from qnet_mailman.model.statements import chunks


def list_at(address: str) -> Any:
    """The list of which something is an address: posting, ``-owner`` or another.

    :return: The list; None where it is the address of none.
    """
    lists = getUtility(IListManager)
    address = address.lower()
    name, _subaddress, domain = split_recipient(address)
    found = lists.get(address) or lists.get(f'{name}@{domain}')
    if found is None and (ours := return_addresses.returned(address)) is not None:
        mlist = ours.mlist
        return mlist if mlist is not None and mlist.mail_host == domain else None
    return found


def lists_at(emails: Iterable[str], also: str = '') -> dict[str, str]:
    """Of which list each of many addresses is one; `list_at` for any number.

    :param emails: In lower case.
    :param also: The posting address of a list that is about to be made.
    :return: By address, the List-ID; without those that are the address of none.
    """
    emails = list(emails)
    if not emails:
        return {}
    rows: Any = (
        store()
        .execute(
            select(
                MailingList.list_name,
                MailingList.mail_host,
                MailingList._list_id,
                MailingList.id,
            )
        )
        .all()
    )
    lists = {f'{name}@{host}': list_id for name, host, list_id, _row in rows}
    by_row = {(row, host): list_id for _name, host, list_id, row in rows}
    if also:
        lists.setdefault(also, values.list_id_of(also))
    hosts = {
        domain.alias_domain: domain.mail_host
        for domain in getUtility(IDomainManager)
        if domain.alias_domain is not None
    }
    found = {}
    delimiter = config.mta.verp_delimiter
    for email in emails:
        local, _, host = email.partition('@')
        local = local.partition(delimiter)[0]
        name, _, subaddress = local.rpartition('-')
        if not name or subaddress not in SUBADDRESS_NAMES:
            name = local
        list_id = lists.get(email) or lists.get(f'{name}@{hosts.get(host, host)}')
        if list_id is None and (ours := return_addresses.returned(email)) is not None:
            list_id = by_row.get((ours.list_row, hosts.get(host, host)))
        if list_id is not None:
            found[email] = list_id
    return found


def find_list(address: str) -> Any:
    """The list of an address or List-ID; None if there is none."""
    return getUtility(IListManager).get(address.strip().lower())


def members_among(
    list_id: str, emails: AbstractSet[str] | Mapping[str, object]
) -> frozenset[str]:
    """Which addresses are members of a list already.

    :param emails: In lower case; not copied, as there may be many.
    """
    if not emails:
        return frozenset()
    on_list = (Member.list_id == list_id, Member.role == MemberRole.member)
    by_address = (
        select(Address.email)
        .join(Member, Member.address_id == Address.id)
        .where(*on_list)
    )
    # Few join as users, and SQLite would walk the whole list for each portion.
    by_user = (
        select(Address.email)
        .join(User, User._preferred_address_id == Address.id)
        .join(Member, Member.user_id == User.id)
        .where(*on_list)
    )
    found = {each for each in store().scalars(by_user) if each in emails}
    for portion in chunks(emails):
        found.update(store().scalars(by_address.where(Address.email.in_(portion))))
    return frozenset(found)


def memberships_of(emails: Iterable[str]) -> set[tuple[str, str]]:
    """Which addresses are members of which lists: address and List-ID.

    :param emails: In lower case.
    """
    rows = select(Address.email, Member.list_id)
    by_address = rows.join(Member, Member.address_id == Address.id)
    by_user = rows.join(User, User._preferred_address_id == Address.id).join(
        Member, Member.user_id == User.id
    )
    found: set[tuple[str, str]] = set()
    for some in chunks(emails):
        which = (Member.role == MemberRole.member, Address.email.in_(some))
        query = by_address.where(*which).union_all(by_user.where(*which))
        found.update(row._tuple() for row in store().execute(query))
    return found


def with_address(query: Any) -> Any:
    """A query of memberships, with their addresses: their own, or one a user prefers.

    Without those of users who prefer none.
    """
    address = func.coalesce(Member.address_id, User._preferred_address_id)
    return query.outerjoin(User, Member.user_id == User.id).join(
        Address, Address.id == address
    )


def banned_among(list_id: str, emails: Iterable[str]) -> frozenset[str]:
    """Which addresses are banned from a list or the site.

    :param emails: In lower case.
    """
    bans = list(
        store().scalars(
            select(Ban.email).where(or_(Ban.list_id == list_id, Ban.list_id.is_(None)))
        )
    )
    exact = {ban.lower() for ban in bans}
    patterns = [ban for ban in bans if ban.startswith('^')]
    return frozenset(
        email
        for email in emails
        if email in exact
        or any(re.match(pattern, email, re.IGNORECASE) for pattern in patterns)
    )


def _close_to(address: str) -> str:
    names = sorted(getUtility(IListManager).names)
    (close,) = difflib.get_close_matches(address, names, n=1) or ('',)
    return close


def address_of(text: str) -> str | None:
    """The address that somebody typed, or None where Mailman would not take it.

    Spaces around it do not count; the domain may be in Unicode and is turned into the
    form that mail servers know (RFC 5890 section 2.3.2.1); case is kept.
    """
    text = text.strip()
    if len(text) > values.MAX_ADDRESS:
        return None
    local, at, domain = text.rpartition('@')
    if not domain.isascii():
        try:
            domain = domain.encode('idna').decode('ascii')
        except UnicodeError:
            return None
    try:
        return values.email(f'{local}{at}{domain}')
    except ValueError:
        return None
