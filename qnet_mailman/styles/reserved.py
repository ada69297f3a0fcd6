# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that a list of ours cannot have: others are known by them already.

A list has not one address but nine (`talk`, `talk-owner`, `talk-request` ...).  None of
them may be an address at which something else is reached: the service itself, the mail
host (RFC 2142), another list.  Mail for the one would go to the other: a list
`talk-owner` gets what people write to the administrators of `talk`.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from mailman.config import config
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.listmanager import IListManager
from mailman.runners.lmtp import SUBADDRESS_NAMES
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.model import listnames
from qnet_mailman.values import BOUNCES, CONFIRM

SUBADDRESSES = tuple(SUBADDRESS_NAMES)
"""What Mailman puts behind a list's name, and a dash, for its other addresses."""
RFC_2142 = frozenset(
    [
        'info',
        'marketing',
        'sales',
        'support',
        'abuse',
        'noc',
        'security',
        'postmaster',
        'hostmaster',
        'usenet',
        'news',
        'webmaster',
        'www',
        'uucp',
        'ftp',
    ]
)
"""Mailbox names for common services, roles and functions (sections 3 to 5)."""
OF_HOSTS = frozenset({'mailer-daemon', 'mailman', 'noreply', 'root'})
"""Others by which mail hosts, and Mailman, are known or sign."""


HANDED_OUT = frozenset({BOUNCES, CONFIRM})
"""At which, with a token behind them, bounces and answers come back (R35)."""


def clash_with(
    address: str,
    service: Mapping[str, str],
    lists: Collection[str],
    *,
    delimiter: str = '+',
) -> str:
    """Why no list can have an address.

    :param address: In lower case.
    :param service: What each address of the service is for, by address in lower case.
    :param lists: The posting addresses of the other lists, or of those of them that
        `neighbours()` names.
    :param delimiter: What follows a local part that a mail server may extend.
    :return: What follows "found ...", without that; empty if a list can have it.
    """
    local, _at, domain = address.partition('@')
    if local in RFC_2142 or local in OF_HOSTS:
        return 'which mail hosts need for themselves (RFC 2142); expected another name'
    if local in HANDED_OUT:
        return 'where bounces and answers of all lists come back; expected another name'
    if delimiter and delimiter in local:
        return f'which no mail would reach, for its "{delimiter}"; expected none in it'
    for each in (address, *_other_addresses(local, domain)):
        if each in service:
            return (
                f'which would have the address {each}, {service[each]}; expected '
                'another name'
            )
    for base in _bases(local):
        if f'{base}@{domain}' in lists:
            return (
                f'which is an address of the list {base}@{domain}; expected another '
                'name'
            )
    for each in _other_addresses(local, domain):
        if each in lists:
            return (
                f'which would have the address of the list {each}; expected another '
                'name'
            )
    return ''


def neighbours(address: str) -> Iterator[str]:
    """The lists that could be in the way of another, as `clash_with()` sees it."""
    local, _at, domain = address.partition('@')
    yield from (f'{base}@{domain}' for base in _bases(local))
    yield from _other_addresses(local, domain)


def _bases(local: str) -> Iterator[str]:
    base, dash, ending = local.rpartition('-')
    if base and dash and ending in SUBADDRESSES:
        yield base


def _other_addresses(local: str, domain: str) -> Iterator[str]:
    yield from (f'{local}-{ending}@{domain}' for ending in SUBADDRESSES)


def clash(address: str) -> str:
    """Why no list of this site can have an address; see `clash_with()`.

    :param address: In any case.
    :raises qnet_mailman.site.NotReady: if the settings cannot be read.
    """
    address = address.lower()
    with listnames.only(neighbours(address)):
        lists = set(getUtility(IListManager).names)
    return clash_with(
        address, _service_addresses(), lists, delimiter=config.mta.verp_delimiter
    )


def clashes() -> dict[str, str]:
    """The lists whose addresses clash, however they were made, and why.

    :raises qnet_mailman.site.NotReady: if the settings cannot be read.
    """
    lists = set(getUtility(IListManager).names)
    service = _service_addresses()
    delimiter = config.mta.verp_delimiter
    found = {
        each: clash_with(each, service, lists, delimiter=delimiter)
        for each in sorted(_suspects(lists, service, delimiter))
    }
    return {each: why for each, why in found.items() if why}


def _suspects(
    lists: AbstractSet[str], service: Iterable[str], delimiter: str
) -> set[str]:
    """The lists that `clash_with()` may have something to say of: of many few."""
    found: set[str] = set()
    for address in itertools.chain(lists, service):
        local, _at, domain = address.partition('@')
        if (
            address in service
            or local in RFC_2142
            or local in OF_HOSTS
            or local in HANDED_OUT
            or (delimiter and delimiter in local)
        ):
            found.add(address)
        for base in _bases(local):
            found |= {address, f'{base}@{domain}'}
    return found & lists


def _service_addresses() -> dict[str, str]:
    settings: Any = site.settings()
    known = {
        config.mailman.site_owner: "the operators' (site_owner in mailman.cfg)",
        settings.support_address: 'where people get help (support_address in qnet.cfg)',
        settings.forms_address: 'where request forms come in (forms_address in '
        'qnet.cfg)',
    }
    own = {each.lower(): what for each, what in known.items() if each}
    noreply = config.mailman.noreply_address
    for domain in getUtility(IDomainManager):
        own[f'{noreply}@{domain.mail_host}'.lower()] = 'from which Mailman writes'
        # What is sent to the other name of a domain reaches the lists of the one.
        for each, what in list(own.items()):
            local, _at, host = each.partition('@')
            if domain.alias_domain and host == domain.alias_domain:
                own[f'{local}@{domain.mail_host}'] = what
    return own
