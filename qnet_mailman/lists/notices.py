# SPDX-License-Identifier: GPL-3.0-or-later
"""What administrators and operators are told of a list that is opened again, or goes.

The mails are put into a queue with the caller's transaction: see `queues/handover.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from qnet_mailman import clock
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.closures import QNetClosure
from qnet_mailman.model.requests import ticket_in_words
from qnet_mailman.roles.people import Role, assignments_of
from qnet_mailman.templates.sending import one_line, operators, send

CLOSED = 'qnet:admin:notice:closed-list'
REOPENED = 'qnet:admin:notice:reopened-list'
DELETED = 'qnet:admin:notice:deleted-list'


def _administrators(mlist: Mlist) -> dict[str, str]:
    """The names of a list's administrators, by address."""
    names = {row.email: row.name for row in assignments_of(mlist, Role.administrator)}
    return {
        address.email: names.get(address.email)
        or address.display_name
        or 'administrator'
        for address in mlist.owners.addresses
    }


def send_reopening(mlist: Mlist) -> None:
    """Tell the administrators of a list that it is open again."""
    for email, name in _administrators(mlist).items():
        send(
            mlist,
            email,
            REOPENED,
            f'The mailing list {mlist.display_name} is open again',
            {'name': one_line(name)},
        )


@dataclass(frozen=True)
class Gone:
    """A closed list that is deleted, and whom to tell.

    :ivar closed_at: In UTC.
    :ivar administrators: Their names, by address.
    """

    name: str
    address: str
    ticket: str
    closed_at: datetime
    administrators: dict[str, str]

    @classmethod
    def of(cls, mlist: Mlist, closure: QNetClosure) -> Gone:
        """What there is to say of a list that is still there."""
        return cls(
            mlist.display_name,
            mlist.fqdn_listname,
            closure.ticket,
            closure.closed_at,
            _administrators(mlist),
        )


def send_deletion(gone: Gone) -> None:
    """Tell the administrators of a list, and the operators, that it is not there."""
    people = dict.fromkeys(operators(), 'operator') | gone.administrators
    for email, name in people.items():
        send(
            None,
            email,
            DELETED,
            f'The mailing list {gone.name} has been deleted',
            {
                'name': one_line(name),
                'list': f'"{one_line(gone.name)}"\n<{gone.address}>',
                'closed': clock.in_words(gone.closed_at),
                'ticket': ticket_in_words(gone.ticket),
            },
        )
