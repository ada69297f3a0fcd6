# SPDX-License-Identifier: GPL-3.0-or-later
"""What an administrator can tell a member whom the list's mail does not reach (R19)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.utils.formats import date_format

from qnet_mailman.web.lists.words import REASONS


@dataclass(frozen=True)
class HelpText:
    """A message to send by other means.

    :ivar link: A ``mailto:`` link with all of it.
    """

    subject: str
    body: str
    link: str


def help_text(mlist: Mapping[str, Any], member: Mapping[str, Any]) -> HelpText:
    """The steps that get mail to a member again.

    :param mlist: The list, as core tells.
    :param member: The member, with their bounces.
    """
    subject = f'Messages of {mlist["display_name"]} do not reach you'
    body = '\n\n'.join(_paragraphs(mlist, member))
    # RFC 6068, section 5: lines end with both characters.
    link = (
        f'mailto:{quote(member["address"], safe="@")}?subject={quote(subject)}'
        f'&body={quote(body.replace(chr(10), chr(13) + chr(10)))}'
    )
    return HelpText(subject, body, link)


def _paragraphs(mlist: Mapping[str, Any], member: Mapping[str, Any]) -> Iterator[str]:
    address = mlist['list']
    yield 'Hello,'
    what = (
        f'messages of the mailing list "{mlist["display_name"]}" <{address}> do not '
        f'reach you at {member["address"]}'
    )
    last = member['bounces'][0] if member['bounces'] else None
    because = REASONS.get(last['reason']) if last else None
    yield f'{what}: {because}.' if because else f'{what}.'
    if last and last['evidence']:
        yield f'The report says:\n\n  {" ".join(last["evidence"].split())}'
    if member['suspended']:
        stopped = 'The list has stopped sending messages to this address.'
        if member['removal']:
            day = date_format(date.fromisoformat(member['removal']))
            yield (
                f'{stopped} You are still subscribed, but if nothing changes your '
                f'subscription ends on {day}.'
            )
        else:
            yield f'{stopped} You are still subscribed.'
    yield 'What to do:'
    for number, step in enumerate(member['advice'], 1):
        yield f'{number}. {step}'
    if member['suspended']:
        yield 'Then tell me, and delivery can be turned on again.'
    else:
        yield 'Then tell me, please.'
    if settings.SUPPORT_ADDRESS:
        yield f'If you need help, contact {settings.SUPPORT_ADDRESS}.'
