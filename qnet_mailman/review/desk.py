# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling the ticket system of a site what happens to requests.

Steps wait in the database, so that neither a killed process nor a ticket system that is
away loses one.  Each is told until it was heard (at least once, always with the same
id), those of a request in their order; each failure doubles the wait.  Of several hosts
one tells: whoever moves the time of the next attempt.
"""

from __future__ import annotations

import logging
import time
import uuid
from datetime import datetime, timedelta
from typing import Any

from mailman.config import config
from mailman.utilities.datetime import now
from sqlalchemy import delete, func, select, update

from qnet_mailman import site
from qnet_mailman.clock import moment_as_text
from qnet_mailman.model import audit
from qnet_mailman.model.base import store
from qnet_mailman.model.desk import QNetDeskEvent, Step
from qnet_mailman.model.requests import QNetRequest, label
from qnet_mailman.model.statements import touched
from qnet_mailman.provisioning.intake import link_first
from qnet_mailman.review import desk_wire

FIRST_WAIT = timedelta(minutes=1)
"""After the first failure; longer than an attempt takes (`ticket_system_timeout`)."""
LONGEST_WAIT = timedelta(hours=1)
ROUND = 20
"""Seconds after which a round begins no further attempt: other work waits for it."""
ACTOR = 'ticket system'

log = logging.getLogger('mailman.plugins')


def note(request_id: int, step: Step) -> None:
    """Note a step in the transaction of what it tells, where a site wants to hear."""
    if site.settings().has_ticket_system:
        moment = now()
        store().add(
            QNetDeskEvent(
                event_id=uuid.uuid4().hex,
                request_id=request_id,
                step=step.value,
                at=moment,
                due_at=moment,
            )
        )


def wait_after(attempts: int) -> timedelta:
    """How long until a step is told again.

    :param attempts: How often that was tried; at least 1.
    """
    return min(FIRST_WAIT * 2 ** min(attempts - 1, 10), LONGEST_WAIT)


def waiting() -> tuple[int, datetime | None]:
    """How many steps are still to be told, and when the oldest happened, in UTC."""
    row = store().execute(
        select(func.count(QNetDeskEvent.id), func.min(QNetDeskEvent.at))
    )
    number, oldest = row.one()
    return number, oldest


def deliver(moment: datetime | None = None) -> None:
    """Tell what is due, until something fails or it takes too long; commits.

    :param moment: In UTC.
    """
    settings = site.settings()
    if not settings.has_ticket_system:
        return
    moment = moment or now()
    end = time.monotonic() + ROUND
    while time.monotonic() < end:
        event = _claimed(moment)
        # Nobody waits for our transaction while the other side thinks.
        config.db.commit()
        if event is None or not _tell(event):
            return


def _claimed(moment: datetime) -> QNetDeskEvent | None:
    """The next step to tell, put off as if that had failed already."""
    firsts = select(func.min(QNetDeskEvent.id)).group_by(QNetDeskEvent.request_id)
    query = (
        select(QNetDeskEvent)
        .where(QNetDeskEvent.id.in_(firsts), QNetDeskEvent.due_at <= moment)
        .order_by(QNetDeskEvent.due_at, QNetDeskEvent.id)
        .limit(1)
        .execution_options(populate_existing=True)
    )
    event = store().scalar(query)
    if event is None:
        return None
    attempts = event.attempts + 1
    claimed = touched(
        update(QNetDeskEvent)
        .where(QNetDeskEvent.id == event.id, QNetDeskEvent.attempts == event.attempts)
        .values(attempts=attempts, due_at=moment + wait_after(attempts))
    )
    return event if claimed else None


def _tell(event: QNetDeskEvent) -> bool:
    """Tell of a step; whether it was heard."""
    # Another host may have told it, and the row be gone, before we are done.
    row_id, number, attempts = event.id, event.request_id, event.attempts
    step = as_dict(event)
    config.db.commit()
    try:
        ticket = desk_wire.tell(step, site.settings(), int(time.time()))
    except desk_wire.NotHeard as error:
        log.warning(
            'The ticket system has not heard that %s %s (attempt %s): %s',
            label(number),
            step['step'],
            attempts,
            error,
        )
        return False
    with audit.recorded_as(ACTOR):
        store().execute(delete(QNetDeskEvent).where(QNetDeskEvent.id == row_id))
        link_first(number, ticket)
        config.db.commit()
    return True


def as_dict(event: QNetDeskEvent) -> dict[str, Any]:
    """A step as plain data; what the guide for operators documents."""
    request = store().get_one(QNetRequest, event.request_id, populate_existing=True)
    url = site.settings().web_url
    returned = event.step == Step.needs_correction
    return {
        'version': 1,
        'id': event.event_id,
        'step': event.step,
        'at': moment_as_text(event.at),
        'number': label(request.id),
        'ticket': request.ticket,
        'desk_ticket': request.desk_ticket,
        'kind': request.kind,
        'list': request.list_address,
        'requester': request.requester,
        'mistakes': request.mistakes,
        'reason': request.reason if returned else '',
        'page': f'{url}/requests/{label(request.id)}/' if url else '',
    }
