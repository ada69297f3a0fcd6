# SPDX-License-Identifier: GPL-3.0-or-later
"""Reminding people of what waits for their answer (R11, R12).

Whoever has not confirmed is reminded once, and not of lists that they have joined or
asked for again meanwhile.  Strangers can make us write such mail as well, so that it
counts as theirs (:mod:`qnet_mailman.posting.backscatter`).

Administrators are reminded of all requests that wait at their list together, at most
once a day.

What is due is a value of the pending (:mod:`.reminder_times`), and changed before
anything is sent: a process that is killed loses some reminders and repeats none.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.subscriptions import TokenOwner
from mailman.model.pending import Pended, PendedKeyValue
from sqlalchemy import delete, select, union
from sqlalchemy.orm import aliased
from zope.component import getUtility

from qnet_mailman import clock, site
from qnet_mailman.mail.answers import Question, how_to_answer
from qnet_mailman.model import finding, listing, return_addresses
from qnet_mailman.model.base import by_itself, store
from qnet_mailman.model.closures import closed_among, closure_of
from qnet_mailman.model.listing import Listed
from qnet_mailman.model.pendings import Waiting, having, on_our_lists, read
from qnet_mailman.model.statements import BATCH, chunks, update_rows
from qnet_mailman.posting import backscatter
from qnet_mailman.subscriptions import joining, moderator_notices, sign_up
from qnet_mailman.subscriptions.reminder_times import (
    ADMINISTRATORS,
    SUBSCRIBER,
    next_reminder,
    stored,
)
from qnet_mailman.templates.sending import Prepared, send

TOGETHER = timedelta(days=1)
"""What is due within this time is in one reminder to administrators."""

_NAMES = (
    'user_email',
    'when',
    'lists',
    'approved',
    'by_web',
    'how_to_answer',
    'expires',
)
"""What is another in each reminder to a subscriber."""

log = logging.getLogger('mailman.subscribe')


def _due(key: str, moment: datetime, list_id: str | None = None) -> Any:
    """A query of the pendings with a reminder that is due, on lists of ours.

    :param list_id: Of this list alone.
    """
    mark, of = aliased(PendedKeyValue), aliased(PendedKeyValue)
    return (
        select(mark.pended_id)
        .join(Pended, Pended.id == mark.pended_id)
        .join(of, of.pended_id == mark.pended_id)
        .where(
            mark.key == key,
            mark.value <= stored(moment),
            Pended.expiration_date > moment,
            of.key == 'list_id',
            of.value.in_(on_our_lists()),
            *([] if list_id is None else [of.value == json.dumps(list_id)]),
        )
    )


# -------------------------------------------------------------- subscribers


def remind_subscribers(moment: datetime) -> None:
    """Remind whoever has not confirmed, where that is due.  Commits.

    :param moment: In UTC, without a time zone.
    """
    while due := read(_due(SUBSCRIBER, moment).limit(BATCH)):
        reminders = _still_wanted(due, moment)
        _mark({one.row: None for one in due}, SUBSCRIBER)
        config.db.commit()
        for list_id, of_list in reminders.items():
            with by_itself(log, '%s: nobody could be reminded', list_id):
                _remind(list_id, of_list)


def _still_wanted(
    due: list[Waiting], moment: datetime
) -> dict[str, list[tuple[Waiting, list[Listed]]]]:
    """Of what is due, that which is to be mentioned, by the list that it answers to.

    With the lists that it would still join.
    """
    list_ids = {list_id for waiting in due for list_id in lists_of(waiting)}
    listed = {one.list_id: one for one in listing.by_ids(list_ids)}
    closed = closed_among(list_ids)
    members = finding.memberships_of({address_of(one).lower() for one in due})
    newest = _newest({address_of(one) for one in due}, moment)
    found: defaultdict[str, list[tuple[Waiting, list[Listed]]]] = defaultdict(list)
    seen: set[str] = set()
    # Of several, the last is the one to be answered.
    for waiting in reversed(due):
        address = address_of(waiting).lower()
        lists = [
            listed[list_id]
            for list_id in lists_of(waiting)
            if list_id in listed
            and list_id not in closed
            and (address, list_id) not in members
            and newest.get((address, list_id)) == waiting.row
        ]
        mailbox = backscatter.mailbox_of(address)
        if lists and mailbox not in seen:
            seen.add(mailbox)
            found[waiting.values['list_id']].append((waiting, lists))
    return found


def _newest(addresses: Iterable[str], moment: datetime) -> dict[tuple[str, str], int]:
    """By address and list, the last of what waits for a subscriber's confirmation."""
    found: dict[tuple[str, str], int] = {}
    both = {one for each in addresses for one in (each, each.lower())}
    for some in chunks(both):
        rows = union(having('address', some), having('email', some))
        for waiting in read(rows):
            if asks_subscriber(waiting.values) and waiting.expires_at > moment:
                for list_id in lists_of(waiting):
                    found[address_of(waiting).lower(), list_id] = waiting.row
    return found


def asks_subscriber(values: dict[str, Any]) -> bool:
    """Whether a pending is a request to join that its subscriber has to confirm."""
    if values.get('type') == joining.PEND_TYPE:
        return bool(values.get('token_owner') == TokenOwner.subscriber.name)
    return values.get('type') == sign_up.PEND_TYPE


def address_of(waiting: Waiting) -> str:
    """Who asks to join."""
    return str(waiting.values.get('address') or waiting.values['email'])


def lists_of(waiting: Waiting) -> list[str]:
    """The List-IDs of what somebody asks to join."""
    if waiting.values['type'] == sign_up.PEND_TYPE:
        return sign_up.list_ids_in(waiting.values)
    return [waiting.values['list_id']]


def _remind(list_id: str, reminders: list[tuple[Waiting, list[Listed]]]) -> None:
    """Write to those whose answer goes to a list."""
    mlist = getUtility(IListManager).get_by_list_id(list_id)
    if mlist is None:
        return
    allowed = backscatter.mails_allowed(address_of(one) for one, _ in reminders)
    text = Prepared.of(mlist, 'qnet:user:action:reminder', _NAMES)
    answer = how_to_answer(mlist, Question.join)
    for waiting, lists in reminders:
        email = address_of(waiting)
        if email not in allowed:
            continue
        approved = waiting.values.get('why') == joining.Why.approved
        what = lists[0].display_name if len(lists) == 1 else 'e-mail updates'
        asked_at = datetime.fromisoformat(waiting.values['when'])
        values = (
            email,
            clock.in_words(asked_at),
            sign_up.rows_of(lists),
            joining.APPROVED if approved else '',
            joining.by_web(waiting.token),
            answer,
            clock.in_words(waiting.expires_at),
        )
        send(
            mlist,
            email,
            text,
            f'Reminder: please confirm your request for {what}',
            dict(zip(_NAMES, values, strict=True)),
            sender=return_addresses.confirm_address_of_ours(mlist, waiting.token),
        )


# ----------------------------------------------------------- administrators


def remind_administrators(moment: datetime) -> None:
    """Remind administrators of requests to join, where that is due.  Commits.

    :param moment: In UTC, without a time zone.
    """
    of = aliased(PendedKeyValue)
    list_ids = store().scalars(
        select(of.value)
        .where(of.key == 'list_id', of.pended_id.in_(_due(ADMINISTRATORS, moment)))
        .distinct()
    )
    for list_id in sorted(map(json.loads, list_ids)):
        with by_itself(log, '%s: administrators could not be reminded', list_id):
            _remind_administrators(list_id, moment)


def _remind_administrators(list_id: str, moment: datetime) -> None:
    mlist = getUtility(IListManager).get_by_list_id(list_id)
    until = moment + TOGETHER
    due = read(_due(ADMINISTRATORS, until, list_id))
    settings = site.settings()
    following = {
        one.row: next_reminder(
            settings.join_request_reminders,
            datetime.fromisoformat(one.values['when']),
            one.expires_at,
            settings.time_zone,
            done=until,
        )
        for one in due
    }
    _mark(following, ADMINISTRATORS)
    config.db.commit()
    wanted = mlist.admin_immed_notify and settings.join_request_reminders
    if wanted and closure_of(list_id) is None:
        moderator_notices.requests_wait(mlist, due)


def _mark(following: Mapping[int, datetime | None], key: str) -> None:
    """Write down when the next reminder of each pending is due, if there is one.

    :param following: By the row of the pending.
    """
    for rows in chunks(following):
        of_these = (PendedKeyValue.key == key, PendedKeyValue.pended_id.in_(rows))
        marks = store().execute(
            select(PendedKeyValue.id, PendedKeyValue.pended_id).where(*of_these)
        )
        changes = [
            {'id': mark, 'value': stored(moment)}
            for mark, row in marks
            if (moment := following[row]) is not None
        ]
        update_rows(PendedKeyValue.__table__, 'id', changes)
        over = [row for row in rows if following[row] is None]
        store().execute(
            delete(PendedKeyValue)
            .where(PendedKeyValue.key == key, PendedKeyValue.pended_id.in_(over))
            .execution_options(synchronize_session=False)
        )
