# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests that there are: their numbers, and what is told of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, update

from qnet_mailman import site
from qnet_mailman.clock import moment_as_text
from qnet_mailman.model.base import store
from qnet_mailman.model.requests import (
    OPEN,
    QNetRequest,
    QNetSubmission,
    Status,
)
from qnet_mailman.model.requests import label as label
from qnet_mailman.model.requests import number_of as number_of
from qnet_mailman.model.statements import touched
from qnet_mailman.review.doubts import BY_MAIL, ON_THE_WEB, about_sender

Row = tuple[QNetRequest, QNetSubmission]


def find(number: int) -> Row | None:
    """A request, with what it came in."""
    found = store().execute(_rows().where(QNetRequest.id == number)).first()
    return None if found is None else (found[0], found[1])


def of(
    statuses: Iterable[str], *, start: int = 0, most: int | None = None
) -> list[Row]:
    """Requests in some states, the oldest first."""
    query = (
        _rows()
        .where(QNetRequest.status.in_(list(statuses)))
        .order_by(QNetRequest.id)
        .offset(start)
        .limit(most)
    )
    return [(request, submission) for request, submission in store().execute(query)]


def with_ticket(ticket: str) -> list[Row]:
    """The requests that have a ticket, of their form's own or linked; oldest first."""
    query = _rows().where(
        or_(QNetRequest.ticket == ticket, QNetRequest.desk_ticket == ticket)
    )
    found = store().execute(query.order_by(QNetRequest.id))
    return [(request, submission) for request, submission in found]


def names_of(text: str) -> set[str]:
    """The numbers that a request has, or the requests: its own, and its tickets'.

    :param text: Any of them.
    """
    number = number_of(text)
    row = None if number is None else find(number)
    # A service desk's number may consist of digits, too.
    names = {text} | ({label(number)} if number is not None else set())
    for found, _submission in [row] if row else with_ticket(text):
        names |= {label(found.id), found.ticket, found.desk_ticket}
    return names - {''}


def how_many(statuses: Iterable[str] = OPEN, *, before: datetime | None = None) -> int:
    """How many requests are in some states; without any, those to be decided.

    :param before: Only those that came before this, in UTC.
    """
    query = select(func.count(QNetRequest.id)).where(
        QNetRequest.status.in_(list(statuses))
    )
    if before is not None:
        query = query.join(
            QNetSubmission, QNetSubmission.id == QNetRequest.submission_id
        ).where(QNetSubmission.received_at < before)
    return store().scalar(query) or 0


def how_many_of(sender: str) -> tuple[int, int]:
    """How many requests of a sender and of their domain are to be decided.

    Those by mail and on the web; whoever hands in others is trusted.

    :param sender: An address in lower case; may be empty.
    """
    domain = sender.rpartition('@')[2]

    def count(*where: Any) -> int:
        query = (
            select(func.count(QNetRequest.id))
            .join(QNetSubmission, QNetSubmission.id == QNetRequest.submission_id)
            .where(
                QNetRequest.status.in_(OPEN),
                QNetSubmission.route.in_((BY_MAIL, ON_THE_WEB)),
            )
            .where(*where)
        )
        return store().scalar(query) or 0

    ends = QNetSubmission.sender.endswith(f'@{domain}', autoescape=True)
    return count(QNetSubmission.sender == sender), count(ends) if domain else 0


def doubts_of(request: QNetRequest, submission: QNetSubmission) -> list[str]:
    """What speaks against its sender; see `doubts.about_sender()`."""
    return about_sender(
        submission.route, submission.sender, submission.shown_by, request.requester
    )


def _rows() -> Any:
    return (
        select(QNetRequest, QNetSubmission)
        .join(QNetSubmission, QNetSubmission.id == QNetRequest.submission_id)
        # Another process may have decided since this one looked last.
        .execution_options(populate_existing=True)
    )


def as_dict(request: QNetRequest, submission: QNetSubmission) -> dict[str, Any]:
    """What is told of a request, as plain data."""
    return {
        'number': label(request.id),
        'status': Status(request.status).value,
        'received_at': moment_as_text(submission.received_at),
        'route': submission.route,
        'sender': submission.sender,
        'shown_by': submission.shown_by,
        'file': ': '.join(filter(None, (submission.name, request.place))),
        'kind': request.kind,
        'list': request.list_address,
        'ticket': request.ticket,
        'desk_ticket': request.desk_ticket,
        'requester': request.requester,
        'mistakes': request.mistakes,
        'doubts': doubts_of(request, submission),
        'decided_at': moment_as_text(request.decided_at),
        'decided_by': request.decided_by,
        'reason': request.reason,
    }


def prune(moment: datetime) -> int:
    """Throw away the files of what was decided long ago; its row stays.

    :return: Of how many submissions.
    """
    before = moment - timedelta(days=site.settings().forms_keep_days)
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
