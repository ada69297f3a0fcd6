# SPDX-License-Identifier: GPL-3.0-or-later
"""What members are told about their bounces (R19, R34).

Warnings and, when they are removed, a last message; and what to do, where an
administrator wants that said.  All are sent although delivery is disabled.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from qnet_mailman import site
from qnet_mailman.bounces import advice
from qnet_mailman.bounces.reading.verdict import Reason
from qnet_mailman.clock import day_in_words
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.bounces import QNetBounce
from qnet_mailman.subscriptions import how_to_join, one_click
from qnet_mailman.subscriptions.one_click import Kind
from qnet_mailman.templates.sending import one_line, send


def send_warning(
    mlist: Mlist,
    email: str,
    *,
    last: QNetBounce | None,
    number: int,
    of: int,
    removal: datetime,
) -> None:
    """Warn a member whose delivery is disabled (R19).

    :param last: The member's last bounce; None where it is not known.
    :param number: Which warning this is, from 1.
    :param of: How many there are.
    :param removal: When the member will be removed, in UTC.
    """
    zone = site.settings().time_zone
    send(
        mlist,
        email,
        'list:user:notice:warning',
        f'Messages of {mlist.display_name} do not reach you',
        {
            'user_email': email,
            # For a text that replaces the stock one.
            'sender_email': email,
            'what_happened': _what_happened(last, zone),
            'advice': numbered_advice(mlist, _reason(last)),
            'number': str(number),
            'warnings': str(of),
            'removal_date': day_in_words(removal, zone),
            'by_web': _by_web(mlist, email),
        },
    )


def send_goodbye(mlist: Mlist, email: str, *, last: QNetBounce | None) -> None:
    """Tell somebody that they were removed, and how to come back (R19)."""
    send(
        mlist,
        email,
        'qnet:user:notice:removed',
        f'Your subscription to {mlist.display_name} has ended',
        {
            'user_email': email,
            'what_happened': _what_happened(last, site.settings().time_zone),
            'advice': numbered_advice(mlist, _reason(last)),
            'how_to_join': how_to_join.how_to_join(
                mlist, 'To get the messages of the list again'
            ),
        },
    )


def send_help(
    mlist: Mlist, email: str, *, last: QNetBounce | None, stopped: bool
) -> None:
    """Tell a member what to do, as an administrator wants it (seed).

    :param last: The member's last bounce; None where it is not known.
    :param stopped: Whether bounces have stopped delivery.
    """
    state = (
        'The list has stopped sending messages to this address. You are still '
        'subscribed.'
        if stopped
        else 'If this goes on, the list stops sending messages to this address.'
    )
    then = (
        f'To get the messages of the list again, {_by_web(mlist, email)}answer this '
        'message.'
        if stopped
        else 'If you have a question, answer this message.'
    )
    send(
        mlist,
        email,
        'qnet:user:notice:bounces',
        f'Messages of {mlist.display_name} come back from your address',
        {
            'user_email': email,
            'what_happened': _what_happened(last, site.settings().time_zone),
            'state': state,
            'advice': numbered_advice(mlist, _reason(last)),
            'then': then,
        },
    )


def _by_web(mlist: Mlist, email: str) -> str:
    """The way to turn delivery on in a browser, before "answer this message"."""
    page = one_click.link_of(mlist, email, Kind.again)
    return '' if page is None else f'open\n\n  Send to me again:\n  {page}\n\nor '


def numbered_advice(mlist: Mlist, reason: Reason | None) -> str:
    """The same as an indented list of a text."""
    return advice.numbered(advice_for(mlist, reason))


def advice_for(mlist: Mlist, reason: Reason | None) -> list[str]:
    """What helps a member of a list, by the reason of the latest bounce."""
    page = how_to_join.link(mlist)
    return advice.advice(
        reason,
        domain=mlist.mail_host,
        posting_address=mlist.posting_address,
        sign_up=f'by a message to {mlist.join_address}'
        if page is None
        else f'at {page}',
    )


def _reason(last: QNetBounce | None) -> Reason | None:
    return None if last is None else advice.reason_of(last.reason)


def _what_happened(last: QNetBounce | None, zone: ZoneInfo) -> str:
    if last is None:
        return 'Mail to this address came back to us.'
    reason = _reason(last)
    because = None if reason is None else advice.BECAUSE.get(reason)
    said = f', because {because}' if because else ', and the report does not say why'
    day = day_in_words(last.received_at, zone)
    text = f'The last message came back on {day}{said}.'
    evidence = one_line(last.evidence)
    return f'{text} The report says:\n\n  {evidence}' if evidence else text
