# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks against taking a request for that of the person whom it names (R6, R25).

A form says who asks for it, and anybody can write that.  By mail it came from somebody,
and a trusted mail server may have shown that it did.  Pure functions.
"""

from __future__ import annotations

from collections.abc import Iterator

BY_MAIL = 'mail'
ON_THE_WEB = 'web'
"""Where its requester is shown to be who asks: signed in, or by a link in a mail."""


def about_sender(route: str, sender: str, shown_by: str, requester: str) -> list[str]:
    """What an operator should know of who sent a request, in sentences.

    :param route: The way by which it came.
    :param sender: Of a mail, whom it claims to be from; may be empty.
    :param shown_by: What shows that; may be empty.
    :param requester: Whom the form names; empty where it cannot be read.
    """
    return list(_about_sender(route, sender, shown_by, requester))


def _about_sender(
    route: str, sender: str, shown_by: str, requester: str
) -> Iterator[str]:
    if route != BY_MAIL:
        return
    if not sender:
        yield 'it is not known who sent it: its From: names nobody, or several'
    elif not shown_by:
        yield (
            f'nothing shows that it comes from {sender}: no trusted mail server says '
            'that SPF, DKIM or DMARC passed (trusted_authserv_ids in qnet.cfg)'
        )
    if sender and requester and sender.lower() != requester.lower():
        yield f'{sender} sent it, but {requester} is said to ask'


def about_change(
    changes: bool, is_authorized: bool, requester: str, sender_doubts: list[str]
) -> list[str]:
    """Why a change must not be approved without a word that the operator saw this.

    :param changes: Whether it changes a list that is there; a new list harms nobody
        who is not asked.
    :param is_authorized: Whether its requester administers that list now.
    """
    if not changes:
        return []
    found = list(sender_doubts)
    if not is_authorized:
        found.insert(0, f'{requester} does not administer the list now')
    return found
