# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done about requests from time to time: messages, and throwing files away."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_, select, update

from qnet_mailman import startup
from qnet_mailman.bounces.ledger import touched
from qnet_mailman.model.base import store
from qnet_mailman.model.requests import OPEN, QNetRequest, QNetSubmission
from qnet_mailman.review import telling
from qnet_mailman.roles.keeping import do_due

TELL_EVERY = timedelta(seconds=30)
PRUNE_EVERY = timedelta(days=1)


def periodic(moment: datetime) -> None:
    """Write to people, throw files away; see `do_due`."""
    do_due(
        (
            ('tell about requests', TELL_EVERY, telling.tell),
            ('prune requests', PRUNE_EVERY, prune),
        ),
        moment,
    )


def prune(moment: datetime) -> int:
    """Throw away the files of what was decided long ago; its row stays.

    :return: Of how many submissions.
    """
    before = moment - timedelta(days=startup.settings().forms_keep_days)
    wanted = select(QNetRequest.submission_id).where(
        or_(QNetRequest.status.in_(OPEN), QNetRequest.decided_at >= before)
    )
    store().execute(
        update(QNetRequest)
        .where(QNetRequest.text.is_not(None), QNetRequest.submission_id.not_in(wanted))
        .values(text=None)
        .execution_options(synchronize_session=False)
    )
    return touched(
        update(QNetSubmission)
        .where(QNetSubmission.content.is_not(None), QNetSubmission.id.not_in(wanted))
        .values(content=None, beside='{}')
        .execution_options(synchronize_session=False)
    )
