# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms that come in, to wait for an operator: one request for each (R29, R33).

What came in is kept whole, and is the same however often it comes: a unique
constraint says so, and so nothing is there twice when a runner is killed, or a mail
server tries again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailman.utilities.datetime import now
from sqlalchemy import select

from qnet_mailman import site
from qnet_mailman.forms import kept
from qnet_mailman.forms.kept import Found, Loaded
from qnet_mailman.forms.mistakes import FormError, FormInvalid
from qnet_mailman.model import audit
from qnet_mailman.model.base import store
from qnet_mailman.model.desk import Step
from qnet_mailman.model.finding import list_at
from qnet_mailman.model.requests import (
    OPEN,
    QNetRequest,
    QNetSubmission,
    Status,
    is_label,
)
from qnet_mailman.model.statements import insert_once, touched
from qnet_mailman.provisioning import intake
from qnet_mailman.review import arrival, desk, notices, reading, requests
from qnet_mailman.review.doubts import BY_MAIL, ON_THE_WEB
from qnet_mailman.review.heading import Heading, is_note
from qnet_mailman.review.reading import Sent
from qnet_mailman.roles import overview

OVER_REST = 'REST'
BY_HAND = 'command line'

log = logging.getLogger('mailman.vette')


class TooMany(Exception):
    """So many requests wait that no more are taken."""


@dataclass(frozen=True)
class Origin:
    """Where a submission comes from.

    :ivar sender: Of a mail, who is told what becomes of it; empty if nobody can be.
        Of anything else, that is the requester whom each form names: on the web, the
        same.
    :ivar shown_by: What shows that it is from them; likewise.
    :ivar digest: See `QNetSubmission`.
    :ivar may_answer: Whether the numbers are told.
    """

    route: str
    digest: str
    sender: str = ''
    shown_by: str = ''
    message_id: str = ''
    may_answer: bool = True


def take_mail(mail: bytes, envelope_sender: str, received_at: datetime) -> list[int]:
    """Take a mail to the address for forms, as the LMTP server kept it.

    :param received_at: In UTC.
    :return: The numbers of its requests; none where it has no form, was written by a
        program (R5), or came before.
    """
    settings = site.settings()
    read = reading.read_mail(mail, envelope_sender, settings)
    heading = read.heading or Heading()
    message_id = heading.message_id
    if heading.mark is not None:
        log.info('Not a request form, but automatic (%s): %s', heading.mark, message_id)
        return []
    author = heading.sender
    if author and (author == settings.forms_address or list_at(author) is not None):
        log.info('Not a request form: it comes from an address of ours: %s', message_id)
        return []
    if not read.has_form:
        log.info('A mail without a request form: %s', message_id)
        if heading.may_answer and not is_note(mail):
            notices.no_form(author, read.tried, proven=bool(heading.shown_by))
        return []
    origin = Origin(
        BY_MAIL,
        read.digest,
        author,
        heading.shown_by,
        message_id,
        heading.may_answer,
    )
    found = _fitting(read.found, heading)
    numbers = _keep(Sent(reading.MAIL, mail), origin, found, received_at)
    if not numbers:
        log.info('Request forms that came before: %s', message_id)
    return numbers


def _fitting(found: Sequence[Found], heading: Heading) -> Sequence[Found]:
    """The forms of a mail, or one mistake for all of them where they are too many.

    The mail has had a place since it came, and so there is one for that.
    """
    is_known = arrival.is_known(heading)
    # The mail at hand is still in the queue.
    places = arrival.room(is_known=is_known) + 1
    if not is_known:
        places = min(places, arrival.share_of(heading.sender))
    places = max(places, 1)
    if len(found) <= places:
        return found
    message = (
        f'has {len(found)} forms, and {places} more may wait (forms_max_waiting and '
        'forms_waiting_per_sender in qnet.cfg); send fewer at once, or later'
    )
    return [Found.of('', FormInvalid([FormError('', None, message)]))]


def take(sent: Sent, route: str) -> list[int]:
    """Take a file that somebody we know hands in.

    The same file while it waits gives the same requests.

    :return: The numbers of its requests.
    :raises TooMany: if so many wait.
    """
    settings = site.settings()
    digest = reading.digest_of(sent)
    waiting = _waiting_of(digest)
    if waiting:
        return waiting
    found = reading.read(sent, settings, operators=route == BY_HAND)
    if requests.how_many() + len(found) > settings.forms_max_waiting:
        raise TooMany
    return _keep(sent, Origin(route, digest), found, now()) or _waiting_of(digest)


def take_asked(sent: Sent, requester: str, shown_by: str) -> list[int]:
    """Take a form of the web, whose requester is shown to have sent it.

    They have the places of a sender of mails.  The same form while it waits gives the
    same request.

    :param shown_by: What shows it.
    :return: The numbers of its requests.
    :raises TooMany: if so many wait.
    """
    digest = reading.digest_of(sent)
    waiting = _waiting_of(digest)
    if waiting:
        return waiting
    sender = requester.lower()
    is_known = overview.administers_any(sender)
    if arrival.room(is_known=is_known) <= 0:
        raise TooMany
    if not is_known and arrival.share_of(sender) <= 0:
        raise TooMany
    found = reading.read(sent, site.settings())
    origin = Origin(ON_THE_WEB, digest, sender, shown_by)
    return _keep(sent, origin, found, now()) or _waiting_of(digest)


def _waiting_of(digest: str) -> list[int]:
    """The requests of a submission of which at least one waits."""
    waiting = (
        select(QNetRequest.submission_id)
        .join(QNetSubmission, QNetSubmission.id == QNetRequest.submission_id)
        .where(QNetSubmission.digest == digest, QNetRequest.status.in_(OPEN))
    )
    query = select(QNetRequest.id).where(QNetRequest.submission_id.in_(waiting))
    return list(store().scalars(query.order_by(QNetRequest.id)))


def _keep(
    sent: Sent, origin: Origin, found: Sequence[Found], received_at: datetime
) -> list[int]:
    """Keep what came and a request for each form in it; nothing if it is there."""
    of_digest = select(QNetSubmission.id).where(QNetSubmission.digest == origin.digest)
    turn = 0
    if origin.route != BY_MAIL:
        turn = len(store().scalars(of_digest).all())
    row = {
        'received_at': received_at,
        'route': origin.route,
        'sender': origin.sender,
        'shown_by': origin.shown_by[:255],
        'message_id': origin.message_id,
        'digest': origin.digest,
        'turn': turn,
        'name': sent.name,
        'content': sent.content,
        'beside': sent.beside_as_text(),
        'acknowledged_at': None if origin.may_answer else received_at,
    }
    if not touched(insert_once(QNetSubmission.__table__), row):
        return []
    submission_id = store().scalar(of_digest.where(QNetSubmission.turn == turn))
    assert submission_id is not None
    numbers: list[int] = []
    new: list[QNetRequest] = []
    again: list[QNetRequest] = []
    for position, one in enumerate(found):
        first = _first_of(one, origin)
        if first is not None:
            again.append(first)
        else:
            first = _request(submission_id, position, one, origin)
            new.append(first)
        numbers.append(first.id)
    for request in new:
        desk.note(request.id, Step.arrived)
        audit.record(
            audit.Action.request_received,
            subject=requests.label(request.id),
            route=origin.route,
            sender=origin.sender,
            message_id=origin.message_id,
            kind=request.kind,
            list=request.list_address,
            ticket=request.ticket,
        )
    if origin.may_answer:
        notices.repeated(submission_id, again)
    notices.acknowledge(submission_id)
    return list(dict.fromkeys(numbers))


def _request(
    submission_id: int, position: int, found: Found, origin: Origin
) -> QNetRequest:
    request = QNetRequest(
        submission_id=submission_id,
        position=position,
        place=found.where,
        kind=found.kind,
        list_address=found.list_address[:320],
        ticket=found.ticket[:100],
        requester=found.requester[:320],
        mistakes=found.mistakes,
        text=found.text,
        tell=_tell(found, origin),
        status=Status.waiting.value,
    )
    store().add(request)
    store().flush()
    if found.kind and not found.ticket:
        request.ticket = requests.label(request.id)
    return request


def _first_of(found: Found, origin: Origin) -> QNetRequest | None:
    """The request that a form without a ticket repeats (R30, R38).

    It waits, or what it asked for was done and is so still.  Only what its requester
    sends is a repetition: nobody else is told of it.
    """
    tell = _tell(found, origin)
    if not found.kind or found.ticket or tell.lower() != found.requester.lower():
        return None
    loaded = found.form
    assert isinstance(loaded, Loaded)
    digest = loaded.form.digest()
    alike = select(QNetRequest).where(
        QNetRequest.kind == found.kind,
        QNetRequest.list_address == found.list_address,
        QNetRequest.tell == tell,
        QNetRequest.status.in_(OPEN),
    )
    for request in store().scalars(alike.order_by(QNetRequest.id)):
        there = kept.from_text(request.text or '{"errors": []}')
        if isinstance(there, Loaded) and there.form.digest() == digest:
            return request
    ticket = intake.in_force(loaded.form, site.settings())
    number = requests.number_of(ticket) if is_label(ticket) else None
    return None if number is None else store().get(QNetRequest, number)


def _tell(found: Found, origin: Origin) -> str:
    return origin.sender if origin.route == BY_MAIL else found.requester[:320]
