# SPDX-License-Identifier: GPL-3.0-or-later
"""What moderators decide without signing in: requests to join (R12), and held posts.

By answering the notice about it, or by the button of the page to which their link in
that notice leads (:mod:`.decision_links`).  Either says who they are, and whether they
may moderate the list is looked up when they decide (R25): who has lost the role since
decides nothing.  What was decided is spent, here and in Postorius alike, and the audit
log has who did it (R31).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lazr.config import as_timedelta
from mailman.app.moderator import handle_message, send_rejection
from mailman.config import config
from mailman.interfaces.action import Action
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.member import MembershipError
from mailman.interfaces.messages import IMessageStore
from mailman.interfaces.pending import IPendable
from mailman.interfaces.requests import IListRequests
from mailman.interfaces.subscriptions import ISubscriptionManager, TokenOwner
from zope.component import getUtility
from zope.interface import implementer

from qnet_mailman import site
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import audit, tokens
from qnet_mailman.model.lists import row_of
from qnet_mailman.posting.confirmation import digest
from qnet_mailman.posting.lost import GONE, MessageLost
from qnet_mailman.roles import overview
from qnet_mailman.subscriptions import joining
from qnet_mailman.subscriptions.manager import claim
from qnet_mailman.subscriptions.verdicts import CHOICES, Kind, Verdict
from qnet_mailman.templates.sending import one_line

PEND_TYPE = 'qnet held post'
MAX_REASON = 1_000
"""Characters of a reason."""
NO_REASON = 'No reason was given.'

log = logging.getLogger('mailman.vette')


@implementer(IPendable)
class _HeldPost(dict[str, Any]):
    PEND_TYPE = PEND_TYPE


_ACTIONS = {
    (Kind.join, Verdict.accept): audit.Action.joining_approved,
    (Kind.join, Verdict.reject): audit.Action.joining_refused,
    (Kind.post, Verdict.accept): audit.Action.post_accepted,
    (Kind.post, Verdict.reject): audit.Action.post_rejected,
    (Kind.post, Verdict.discard): audit.Action.post_discarded,
}


class Outcome(StrEnum):
    """What became of a decision, or would."""

    waits = 'waits'
    """It can be decided."""
    done = 'done'
    late = 'late'
    """Somebody has decided before, or the time is over."""
    not_allowed = 'not allowed'
    """Whoever decides does not moderate the list, or not any more."""
    failed = 'failed'
    """It cannot be done; the text says why."""


@dataclass(frozen=True)
class Matter:
    """What waits for a decision.

    :ivar who: Who asks to join, or wrote.
    :ivar about: The subject of a post; empty for a request.
    :ivar reason: Why a post is held; empty for a request.
    :ivar request: The number of a held post.
    :ivar name: In the audit log: an address, or a Message-ID.
    """

    kind: Kind
    token: str
    mlist: Any
    who: str
    name: str
    about: str = ''
    reason: str = ''
    request: int = 0


def offer(mlist: Mlist, request: int, msg: Any) -> str:
    """Make the token with which a message that was just held is decided about."""
    return tokens.pend(
        _HeldPost(
            list_id=mlist.list_id,
            request_id=request,
            message_id=str(msg['message-id']),
            digest=digest(msg),
        ),
        as_timedelta(config.mailman.moderator_request_life),
    )


def look_up(token: str) -> Matter | None:
    """What a pending's token lets moderators decide; None where nothing waits."""
    pended = tokens.look_up(token)
    if pended is None or not is_for_moderators(pended):
        return None
    mlist = getUtility(IListManager).get_by_list_id(pended['list_id'])
    if mlist is None:
        return None
    if pended['type'] == joining.PEND_TYPE:
        name = one_line(pended.get('display_name') or '')
        email = one_line(pended['email'])
        who = f'{name} <{email}>' if name else email
        return Matter(Kind.join, token, mlist, who, pended['email'])
    held = IListRequests(mlist).get_request(pended['request_id'])
    if held is None or not _is_that_post(held[1], pended):
        return None
    data = held[1]
    return Matter(
        Kind.post,
        token,
        mlist,
        one_line(str(data.get('qnet_author') or data['_mod_sender'] or '')),
        pended['message_id'],
        one_line(str(data['_mod_subject'])),
        one_line(str(data['_mod_reason'])),
        pended['request_id'],
    )


def is_for_moderators(pended: Mapping[str, Any]) -> bool:
    """Whether what a token stands for is decided by moderators."""
    return pended.get('type') == PEND_TYPE or (
        pended.get('type') == joining.PEND_TYPE
        and pended.get('token_owner') == TokenOwner.moderator.name
    )


def _is_that_post(data: Mapping[str, Any], pended: Mapping[str, Any]) -> bool:
    """Whether a held message is the one that was asked about.

    Its number may have been another's before, and its Message-ID, too.
    """
    message_id = data['_mod_message_id']
    if message_id != pended['message_id']:
        return False
    msg = getUtility(IMessageStore).get_message_by_id(message_id)
    return msg is None or digest(msg) == pended['digest']


def may_decide(mlist: Mlist, email: str) -> bool:
    """Whether somebody moderates a list now; on other lists, as its rosters say.

    :param email: Their address, in lower case.
    """
    if row_of(mlist) is not None:
        return overview.moderates(mlist.list_id, email)
    return mlist.administrators.get_member(email) is not None


def look(token: str, by: str) -> tuple[Outcome, Matter | None]:
    """What somebody would decide; only who may decide learns what it is.

    :param token: The pending's.
    :param by: Their address, in lower case.
    """
    matter = look_up(token)
    if matter is None:
        return Outcome.late, None
    if not site.settings().decide_by_mail or not may_decide(matter.mlist, by):
        log.warning('%s: %s may not decide', matter.mlist.list_id, by)
        return Outcome.not_allowed, None
    return Outcome.waits, matter


def decide(
    token: str, verdict: Verdict, *, by: str, route: str, reason: str = ''
) -> tuple[Outcome, str]:
    """Decide what a token lets moderators decide, once.

    :param token: The pending's.
    :param by: Who decides: the address that is shown to be theirs, in lower case.
    :param route: How, for the audit log.
    :param reason: What whoever asked is told, if it is refused.
    :return: What became of it, and where it failed, why.
    :raises ValueError: for a verdict that there is not about this.
    """
    claim(token)
    found, matter = look(token, by)
    if matter is None:
        return found, ''
    if verdict not in CHOICES[matter.kind]:
        raise ValueError(f'{verdict} is nothing to decide about a {matter.kind.value}')
    try:
        _act(matter, verdict, reason.strip())
    except MessageLost:
        return Outcome.failed, GONE
    except (MembershipError, joining.AddressOfList) as error:
        return Outcome.failed, str(error)
    except LookupError:
        tokens.spend(token)
        return Outcome.late, ''
    audit.record(
        _ACTIONS[matter.kind, verdict],
        matter.mlist.list_id,
        matter.name,
        actor=by,
        route=route,
        **({'reason': reason.strip()} if reason.strip() else {}),
    )
    log.info('%s: %s by %s (%s)', matter.name, verdict, by, route)
    return Outcome.done, ''


def _act(matter: Matter, verdict: Verdict, reason: str) -> None:
    if matter.kind is Kind.post:
        action = {
            Verdict.accept: Action.accept,
            Verdict.reject: Action.reject,
            Verdict.discard: Action.discard,
        }[verdict]
        handle_message(matter.mlist, matter.request, action, reason or NO_REASON)
        tokens.spend(matter.token)
    elif verdict is Verdict.accept:
        ISubscriptionManager(matter.mlist).confirm(matter.token)
    else:
        tokens.spend(matter.token)
        send_rejection(
            matter.mlist, 'Subscription request', matter.name, reason or NO_REASON
        )
