# SPDX-License-Identifier: GPL-3.0-or-later
"""What administrators and moderators are asked to decide (R4, R12).

Each gets a message of their own, as the link in it is theirs and says who decided.
Where that is switched off, or a list has lost its administrators, one goes to its
``-owner`` address, which leads to the moderators and to support, and names the page for
which one signs in.
"""

from __future__ import annotations

from datetime import datetime
from email.mime.message import MIMEMessage
from typing import Any

from mailman.interfaces.member import DeliveryStatus

from qnet_mailman import site
from qnet_mailman.clock import in_words
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import return_addresses
from qnet_mailman.model.pendings import Waiting
from qnet_mailman.posting import notices
from qnet_mailman.subscriptions import decision_links, verdicts
from qnet_mailman.subscriptions.verdicts import Kind
from qnet_mailman.templates.sending import one_line, send

MAX_SHOWN = 20
"""Requests that one reminder names."""
THEIRS = (
    'Link and answer are yours alone: whoever gets this message from you could decide '
    'in your name.'
)


def join_request(
    mlist: Mlist, token: str, email: str, name: str, when: datetime, expires: datetime
) -> None:
    """Tell who decides that somebody asks to join.

    :param token: Of the pending that waits for them.
    :param when: In UTC, as `expires`.
    """
    values = {
        'member': _who(email, name),
        'user_email': email,
        'when': in_words(when),
        'expires': in_words(expires),
    }
    subject = f'{mlist.display_name}: {email} asks to join'
    _ask(mlist, Kind.join, token, 'list:admin:action:subscribe', subject, values)


def held_post(
    mlist: Mlist, msg: Any, author: str | None, reason: str, token: str
) -> None:
    """Tell the moderators that a post waits for them; it is attached.

    :param token: With which they decide.
    """
    values = {
        'reason': reason,
        'subject': notices.subject_of(msg),
        'author': author or 'nobody that could be identified',
    }
    subject = f'{mlist.display_name}: a message waits for your decision'
    _ask(mlist, Kind.post, token, 'qnet:admin:action:held', subject, values, msg)


def requests_wait(mlist: Mlist, waiting: list[Waiting]) -> None:
    """Remind who decides of requests to join."""
    shown = waiting[:MAX_SHOWN]
    more = len(waiting) - len(shown)
    number = 'a request waits' if len(waiting) == 1 else f'{len(waiting)} requests wait'

    people = people_of(mlist)
    links = decision_links.links([one.token for one in shown], people)
    for email in people or [mlist.owner_address]:
        rows = [_row(one, links.get((email, one.token))) for one in shown]
        if more:
            rows.append(f'  and {more} more')
        send(
            mlist,
            email,
            'qnet:admin:action:reminder',
            f'{mlist.display_name}: {number} for your decision',
            {
                'requests': '\n\n'.join(rows),
                'where': _page(mlist, Kind.join),
                'yours': f'{THEIRS}\n\n' if links else '',
            },
        )


def _row(waiting: Waiting, link: str | None) -> str:
    """A request in a reminder."""
    values = waiting.values
    lines = [
        _who(values['email'], values.get('display_name') or ''),
        f'asked on {in_words(datetime.fromisoformat(values["when"]))}',
        f'expires on {in_words(waiting.expires_at)}',
        *([] if link is None else ['Decide about it:', link]),
    ]
    return '\n'.join(f'  {line}' for line in lines)


def _ask(
    mlist: Mlist,
    kind: Kind,
    token: str,
    template: str,
    subject: str,
    values: dict[str, str],
    post: Any = None,
) -> None:
    """Ask everybody who decides.

    :param post: A message that goes along.
    """
    people = people_of(mlist)
    links = decision_links.links([token], people)
    for email in people or [mlist.owner_address]:
        how = f'To decide, open\n\n{_page(mlist, kind)}'
        if people:
            how = _how_to_decide(mlist, kind, links.get((email, token)))
        send(
            mlist,
            email,
            template,
            subject,
            {**values, 'how_to_decide': how},
            sender=return_addresses.confirm_address(mlist, token) if people else None,
            attachments=[] if post is None else [MIMEMessage(post)],
        )


def _how_to_decide(mlist: Mlist, kind: Kind, link: str | None) -> str:
    by_web = '' if link is None else f'open\n\n  Decide about it:\n  {link}\n\nor '
    return (
        f'To decide, {by_web}answer this message.\n'
        f'{verdicts.how_to_answer(mlist, kind)}\n\n{THEIRS}\n\n'
        f'All that waits at the list is here:\n\n{_page(mlist, kind)}'
    )


def _page(mlist: Mlist, kind: Kind) -> str:
    """Where one decides who has signed in."""
    if kind is Kind.post:
        return f'  {notices.where_held(mlist)}'
    web_url = site.settings().web_url
    if web_url is None:
        return '  Postorius, under "Subscription requests"'
    lists = f'{web_url}/mailman3/lists/{mlist.list_id}'
    return f'  Requests to join:\n  {lists}/subscription_requests'


def _who(email: str, name: str) -> str:
    name = one_line(name)
    return f'{name} <{email}>' if name else email


def people_of(mlist: Mlist) -> list[str]:
    """Who gets a message of their own: administrators and moderators with delivery.

    Nobody where links and answers decide nothing, or no administrator is there.
    """
    if not site.settings().decide_by_mail or not mlist.owners.member_count:
        return []
    return sorted(
        {
            member.address.email
            for member in mlist.administrators.members
            if member.delivery_status is DeliveryStatus.enabled
        }
    )
