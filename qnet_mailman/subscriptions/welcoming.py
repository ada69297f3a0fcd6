# SPDX-License-Identifier: GPL-3.0-or-later
"""What Mailman writes to who joins a list, and to who has left it by its own commands.

Mailman's texts could not have a link of the member's own.  On lists of other styles
Mailman does as it does (R40).
"""

from __future__ import annotations

from typing import Any

from mailman.app import membership, notifications

from qnet_mailman.mlist import Mlist
from qnet_mailman.model.lists import row_of, type_of
from qnet_mailman.subscriptions import leaving, one_click
from qnet_mailman.subscriptions.one_click import Kind
from qnet_mailman.templates.sending import one_line, send
from qnet_mailman.values import ListType

_WHO_WRITES = {
    ListType.notification: (
        'Only people with posting privileges write to the list. If you have a '
        'question about a message, write to the people who look after the list:\n\n'
        '  {owner}'
    ),
    ListType.discussion: (
        'To write to all its members, send a message to\n\n  {list}\n\n'
        'You reach the people who look after the list at\n\n  {owner}'
    ),
}


def welcome(mlist: Mlist, member: Any, language: Any, text: str = '') -> None:
    """Welcome a member, with their own link to leave.

    :param language: Of the member.
    :param text: As Mailman's function has it, which does not use it either.
    """
    if row_of(mlist) is None:
        notifications.send_welcome_message(mlist, member, language, text)
        return
    email = member.address.email
    link = one_click.link_of(mlist, email, Kind.footer)
    by_web = '' if link is None else f'open\n\n  Leave the list:\n  {link}\n\nor '
    send(
        mlist,
        email,
        'list:user:notice:welcome',
        f'Welcome to {mlist.display_name}',
        {
            'user_name': one_line(member.display_name or ''),
            'user_email': email,
            'who_writes': _WHO_WRITES[type_of(mlist)].format(
                list=mlist.posting_address, owner=mlist.owner_address
            ),
            'by_web': by_web,
            # Mailman's names, for a text that an operator wrote for it.
            'user_address': email,
            'fqdn_listname': mlist.fqdn_listname,
            'list_name': mlist.display_name,
            'list_requests': mlist.request_address,
        },
        language=language.code,
    )


def goodbye(mlist: Mlist, address: str, language: Any) -> None:
    """Tell somebody that a command of Mailman's has ended their subscription."""
    if row_of(mlist) is None:
        notifications.send_goodbye_message(mlist, address, language)
    else:
        leaving.say_goodbye(mlist, address, (address,))


def install() -> None:
    """Put ours in the place of Mailman's, where it calls them; again is harmless."""
    membership.send_welcome_message = welcome
    membership.send_goodbye_message = goodbye
