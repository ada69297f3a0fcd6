# SPDX-License-Identifier: GPL-3.0-or-later
"""Release of a held post by the person in whose name it came (R6).

The person gets a token by e-mail; whoever returns it has read that mailbox.  A
token stands for one of Mailman's pendings: 160 random bits, an expiry, bound
to one held message by its request and by a hash of its bytes.  It is spent by
its use, and it is worth nothing once a moderator has decided.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mailman.app.moderator import handle_message
from mailman.interfaces.action import Action
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.messages import IMessageStore
from mailman.interfaces.pending import IPendable
from mailman.interfaces.requests import IListRequests
from zope.component import getUtility
from zope.interface import implementer

from qnet_mailman import site
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import audit, return_addresses, tokens

PEND_TYPE = 'qnet post confirmation'

log = logging.getLogger('mailman.vette')


class Outcome(StrEnum):
    """What a token did."""

    released = 'released'
    """The post is on its way."""
    unknown = 'unknown'
    """No such token, or it expired, or it was for something else."""
    decided = 'decided'
    """A moderator was first, or the token was used before."""


@implementer(IPendable)
class _PostConfirmation(dict[str, Any]):
    PEND_TYPE = PEND_TYPE


def digest(msg: Any) -> str:
    """By what a held message is known again, whatever ids it shares with others."""
    return hashlib.sha256(msg.as_bytes()).hexdigest()


def offer(mlist: Mlist, request_id: int, msg: Any, author: str) -> str:
    """Make a token for a message that was just held.

    :param request_id: The held message's request.
    :param msg: The message, as it was held.
    :param author: The address of the person whom the message names.
    :return: The token.
    """
    return tokens.pend(
        _PostConfirmation(
            list_id=mlist.list_id,
            request_id=request_id,
            digest=digest(msg),
            author=author,
        ),
        site.settings().post_confirmation_lifetime,
    )


@dataclass(frozen=True)
class Waiting:
    """A post that waits for the person in whose name it came."""

    author: str
    message_id: str
    """Under which it is held."""


def waiting(token: str, mlist: Mlist) -> Waiting | None:
    """The post that a token would release; None where there is none on this list."""
    pended = tokens.look_up(token)
    if (
        pended is None
        or pended.get('type') != PEND_TYPE
        or pended['list_id'] != mlist.list_id
    ):
        return None
    held = IListRequests(mlist).get_request(pended['request_id'])
    if held is None:
        return None
    return Waiting(pended['author'], held[1]['_mod_message_id'])


def confirm(token: str, *, route: str, mlist: Mlist | None = None) -> Outcome:
    """Use a token: release the one post it was made for.

    :param route: How the token came back, for the audit log.
    :param mlist: The list at whose address it came back; a token of another
        list is then unknown.
    """
    pended = tokens.look_up(token)
    if pended is None or pended.get('type') != PEND_TYPE:
        return Outcome.decided if tokens.was_used(token) else Outcome.unknown
    found = getUtility(IListManager).get_by_list_id(pended['list_id'])
    if found is None or (mlist is not None and mlist.list_id != found.list_id):
        return Outcome.unknown
    held = IListRequests(found).get_request(pended['request_id'])
    tokens.use(token, site.settings().post_confirmation_lifetime)
    if held is None:
        return Outcome.decided
    _, data = held
    message_id = data['_mod_message_id']
    msg = getUtility(IMessageStore).get_message_by_id(message_id)
    if msg is None or digest(msg) != pended['digest']:
        # Another message with the same Message-ID took its place.
        log.warning('Post confirmation for a message that is no more: %s', message_id)
        return Outcome.unknown
    audit.record(
        audit.Action.post_confirmed,
        found.list_id,
        message_id,
        actor=pended['author'],
        route=route,
    )
    handle_message(found, pended['request_id'], Action.accept)
    return Outcome.released


def reply_address(mlist: Mlist, token: str) -> str:
    """Where an answer releases the post."""
    return return_addresses.confirm_address(mlist, token)


def link(token: str) -> str | None:
    """The page with the button that releases the post; None without a web side."""
    web_url = site.settings().web_url
    return None if web_url is None else f'{web_url}/posts/confirm/{token}/'
