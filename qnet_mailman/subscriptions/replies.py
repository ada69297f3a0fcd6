# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers to the messages that ask for a confirmation (R6, R11-R14).

Such a message comes from an address with a token in it (:mod:`.return_addresses`; on
other lists, and before there was that, the list's ``-confirm``), so that an answer
brings the token back.  It acts only where it is plainly meant (R39): what
programs answer confirms nothing, whatever the token is for.  An answer about leaving
must still have the subject `Unsubscribe`, as R14 promises; one about joining, or about
a post, the word that was asked for in its first line.  Whatever else is answered about
a post keeps it held, and the operators hear of it.  What moderators answer is theirs to
show (:mod:`.decision_answers`).
"""

from __future__ import annotations

import logging
import re
from typing import Any

from mailman.app import subscriptions as stock
from mailman.chains.hold import HeldMessagePendable
from mailman.config import config
from mailman.interfaces.address import IEmailValidator
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.member import MembershipError
from zope.component import getUtility

from qnet_mailman.mail.answers import Question, how_to_answer, opening, says
from qnet_mailman.mail.author import author_of
from qnet_mailman.mail.automatic import automatic, automatic_answer
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import audit, finding, limits, return_addresses, tokens
from qnet_mailman.model.lists import row_of
from qnet_mailman.posting import confirmation, notices
from qnet_mailman.subscriptions import (
    confirming,
    deciding,
    decision_answers,
    joining,
    leaving,
)
from qnet_mailman.subscriptions.confirming import Kind, Outcome
from qnet_mailman.subscriptions.how_to_join import how_to_join
from qnet_mailman.subscriptions.subject import is_unsubscribe

PENDING = 'qnet_pending'
"""Of a queue entry: the token in the address that LMTP was given."""
ANSWERS = 'qnet_answers'
"""Of a post: whether it also went where a question of ours is answered."""

log = logging.getLogger('mailman.vette')


def handle(mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool:
    """Look whether a message is an answer to one of our questions, and obey it.

    :return: Whether it was; if not, it is for Mailman's own commands.
    """
    if msgdata.get('subaddress') != 'confirm':
        return False
    token = msgdata.get(PENDING) or token_in(mlist, msg)
    pended = None if token is None else tokens.look_up(token)
    pend_type = None if pended is None else pended.get('type')
    # What we asked before the list was handed back is answered as it said, too.
    asked_here = PENDING in msgdata or pend_type in (
        confirmation.PEND_TYPE,
        deciding.PEND_TYPE,
    )
    is_ours = asked_here or row_of(mlist) is not None
    # On other lists, no more is taken from Mailman than what says itself (R40).
    mark = automatic_answer(msg) if is_ours else automatic(msg)
    if mark is not None:
        name = token[:8] if token else None
        log.info('Not a confirmation, as it is automatic (%s): %s', mark, name)
        return True
    if pend_type == confirmation.PEND_TYPE:
        _release(mlist, msg, str(token))
        return True
    if not is_ours or pend_type == HeldMessagePendable.PEND_TYPE:
        return False
    if token is None or pended is None or pended.get('list_id') != mlist.list_id:
        _too_late(mlist, msg)
    elif deciding.is_for_moderators(pended):
        author = answerable_author(msg)
        if author is not None:
            decision_answers.decide(mlist, msg, token, author)
    elif pend_type == leaving.PEND_TYPE and not is_unsubscribe(
        msg['subject'], mlist.subject_prefix
    ):
        _ask_for_the_subject(mlist, msg, token)
    elif pend_type != leaving.PEND_TYPE and not says(msg, mlist, Question.join):
        _ask_for_the_word(mlist, msg, token)
    elif row_of(mlist) is None and pend_type in (joining.PEND_TYPE, leaving.PEND_TYPE):
        _go_on_with_mailman(mlist, msg, token)
    else:
        _confirm(mlist, msg, token)
    return True


def token_in(mlist: Mlist, msg: Any) -> str | None:
    """The token of an answer, by the fields that say where it went."""
    local_part = f'{mlist.list_name}-confirm'
    for field in ('to', 'cc', 'delivered-to', 'x-original-to', 'envelope-to'):
        for value in msg.get_all(field, []):
            for word in re.split(r'[\s,;:<>"\']+', str(value)):
                ours = return_addresses.returned(word)
                if ours is not None and ours.pending:
                    return ours.pending
                match = re.match(config.mta.verp_confirm_regexp, word)
                if match is not None and match['addr'].lower() == local_part:
                    return match['cookie'].lower()
    return None


def _release(mlist: Mlist, msg: Any, token: str) -> None:
    """Let the held post go, or doubt it the more."""
    if says(msg, mlist, Question.post):
        outcome = confirmation.confirm(token, route='e-mail', mlist=mlist)
        log.info('Post confirmation by e-mail: %s', outcome)
        return
    waiting = confirmation.waiting(token, mlist)
    if waiting is None:
        return
    log.warning(
        '%s: %s may not have written %s: the answer does not say so',
        mlist.fqdn_listname,
        waiting.author,
        waiting.message_id,
    )
    author = answerable_author(msg)
    # Once for a post and a day, however often it is answered.
    if limits.allowed('disputed post', token, 1, limits.DAY):
        audit.record(
            audit.Action.post_disputed,
            mlist.list_id,
            waiting.message_id,
            actor=author or 'nobody',
            author=waiting.author,
        )
        answer = ' '.join(opening(msg))
        notices.disputed(mlist, waiting.author, waiting.message_id, answer)
    if author is not None:
        notices.kept(mlist, msg, author, token)


def _confirm(mlist: Mlist, msg: Any, token: str) -> None:
    confirmed = confirming.confirm(token, route='e-mail', mlist=mlist)
    if confirmed is None:
        _too_late(mlist, msg)
    elif confirmed.kind is Kind.unsubscription and all(
        outcome is Outcome.not_subscribed for _listed, outcome in confirmed.lists
    ):
        author = answerable_author(msg)
        if author is not None:
            leaving.tell_not_subscribed(mlist, author, msg)
    else:
        for listed, outcome in confirmed.lists:
            if outcome is Outcome.closed:
                closed = getUtility(IListManager).get_by_list_id(listed.list_id)
                subject = f'{closed.display_name} is closed'
                _answer(closed, msg, 'list-closed', subject)


def _go_on_with_mailman(mlist: Mlist, msg: Any, token: str) -> None:
    """Confirm what we asked before the list was handed back (R40)."""
    try:
        stock.SubscriptionManager(mlist).confirm(token)
    except (LookupError, MembershipError):
        _too_late(mlist, msg)


def _too_late(mlist: Mlist, msg: Any) -> None:
    author = answerable_author(msg)
    if author is not None and deciding.may_decide(mlist, author):
        decision_answers.tell_late(mlist, msg, author)
        return
    subject = f'Your answer about {mlist.display_name}'
    to_join = how_to_join(mlist, 'If YOU WANT TO JOIN the list')
    _answer(mlist, msg, 'late-answer', subject, how_to_join=to_join)


def _ask_for_the_subject(mlist: Mlist, msg: Any, token: str) -> None:
    subject = f'You are still subscribed to {mlist.display_name}'
    _answer(mlist, msg, 'changed-subject', subject, by_web=joining.by_web(token))


def _ask_for_the_word(mlist: Mlist, msg: Any, token: str) -> None:
    _answer(
        mlist,
        msg,
        'missing-word',
        f'Nothing has changed at {mlist.display_name}',
        by_web=joining.by_web(token),
        how_to_answer=how_to_answer(mlist, Question.join),
    )


def _answer(mlist: Mlist, msg: Any, notice: str, subject: str, **more: str) -> None:
    """Say that an answer changed nothing, and why; to its author, where one is."""
    author = answerable_author(msg)
    log.info('%s: %s: nothing changes (%s)', mlist.fqdn_listname, author, notice)
    if author is not None:
        template = f'qnet:user:notice:{notice}'
        leaving.answer(mlist, author, template, subject, msg, **more)


def answerable_author(msg: Any) -> str | None:
    """Whom to write to; None where that cannot be told, or is a list."""
    author = author_of(msg).address
    if author is None or not getUtility(IEmailValidator).is_valid(author):
        return None
    return None if finding.list_at(author) is not None else author
