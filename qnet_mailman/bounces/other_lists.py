# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounces on lists of other styles: Mailman's own scores, warnings, removals (R40).

Mailman asks for all members who are due, of whatever list.  Ours have another calendar
(:mod:`.discipline`), so that it is told of the others alone; of none, where the site
wants our scores on these too.

Either side goes on where the other stops when that setting is changed.  How often and
when a member was warned is in Mailman's columns, whoever did it.  The scores are not
mixed: Mailman's column stays as it was while ours count, and our ledger is kept.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from mailman.config import config
from mailman.interfaces.bounce import IBounceProcessor, InvalidBounceEvent
from mailman.interfaces.member import (
    DeliveryStatus,
    IMembershipManager,
    MemberRole,
)
from mailman.model.mailinglist import MailingList
from mailman.model.member import Member
from mailman.model.preferences import Preferences
from mailman.utilities.datetime import now
from sqlalchemy import ColumnElement, delete, select, true
from zope.component import getUtility
from zope.interface import implementer

from qnet_mailman.features import scores_bounces
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetSuspension

log = logging.getLogger('mailman.bounce')

_most = MailingList.bounce_you_are_disabled_warnings


@implementer(IMembershipManager)
class MembershipManager:
    """See `IMembershipManager`; knows no members of lists of ours."""

    def memberships_pending_warning(self) -> Iterator[Any]:
        """See `IMembershipManager`."""
        for member, interval, _ in _disabled(Member.total_warnings_sent < _most):
            if member.last_warning_sent + interval <= now():
                yield member

    def memberships_pending_removal(self) -> Iterator[Any]:
        """See `IMembershipManager`."""
        for member, interval, most in _disabled(Member.total_warnings_sent >= _most):
            if most == 0 or member.last_warning_sent + interval <= now():
                yield member


def _disabled(which: ColumnElement[bool]) -> list[Any]:
    query = (
        select(Member, MailingList.bounce_you_are_disabled_warnings_interval, _most)
        .join(MailingList, MailingList._list_id == Member.list_id)
        .join(Preferences, Preferences.id == Member.preferences_id)
        .where(
            Preferences.delivery_status == DeliveryStatus.by_bounces,
            Member.role == MemberRole.member,
            ~scores_bounces(Member.list_id),
            MailingList.process_bounces == true(),
            which,
        )
    )
    return list(store().execute(query).all())


def do_due(_now: datetime) -> None:
    """What Mailman's bounce runner does from time to time.  Commits."""
    # Suspensions of ours, from before the setting was changed.
    store().execute(
        delete(QNetSuspension).where(~scores_bounces(QNetSuspension.list_id))
    )
    config.db.commit()
    processor = getUtility(IBounceProcessor)
    for event in list(processor.unprocessed):
        try:
            processor.process_event(event)
        except InvalidBounceEvent as error:
            log.info('Bounce message for a non subscriber: %s', error)
    processor.send_warnings_and_remove()
