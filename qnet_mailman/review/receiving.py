# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms that come in, to wait for an operator: one request for each (R29, R33).

What came in is kept whole, and is the same however often it comes: a unique
constraint says so, and so nothing is there twice when a runner is killed, or a mail
server tries again.
"""

from __future__ import annotations

import email
import email.policy
import logging
from dataclasses import dataclass
from datetime import datetime
from email.message import Message

from mailman.app.replybot import can_acknowledge
from mailman.utilities.datetime import now
from sqlalchemy import select

from qnet_mailman import startup
from qnet_mailman.bounces.ledger import insert_once, touched
from qnet_mailman.model import audit
from qnet_mailman.model.base import store
from qnet_mailman.model.requests import OPEN, QNetRequest, QNetSubmission, Status
from qnet_mailman.posting.author import author_of
from qnet_mailman.posting.automatic import automatic_answer
from qnet_mailman.provisioning.forms import Loaded
from qnet_mailman.review import reading, requests, telling
from qnet_mailman.review.reading import Found, Sent
from qnet_mailman.runners.legible import make_legible
from qnet_mailman.subscriptions.joining import list_at
from qnet_mailman.subscriptions.sign_up import address_of
from qnet_mailman.templates.notices import one_line

BY_MAIL = telling.BY_MAIL
OVER_REST = 'REST'
BY_HAND = 'command line'

log = logging.getLogger('mailman.vette')


class TooMany(Exception):
    """So many requests wait that no more are taken."""


@dataclass(frozen=True)
class Origin:
    """Where a submission comes from.

    :ivar sender: Of a mail, who is told what becomes of it; empty if nobody can be.
        Of anything else, that is the requester whom each form names.
    :ivar digest: See `QNetSubmission`.
    :ivar may_answer: Whether the numbers are told.
    """

    route: str
    digest: str
    sender: str = ''
    message_id: str = ''
    may_answer: bool = True


def take_mail(mail: bytes, envelope_sender: str, received_at: datetime) -> list[int]:
    """Take a mail to the address for forms, as the LMTP server kept it.

    :param received_at: In UTC.
    :return: The numbers of its requests; none where it has no form, was written by a
        program (R5), or came before.
    """
    settings = startup.settings()
    msg = _parsed(mail)
    msg.set_unixfrom(envelope_sender)
    message_id = one_line(str(msg.get('message-id', '')))
    mark = automatic_answer(msg, has_content=True)
    if mark is not None:
        log.info('Not a request form, but automatic (%s): %s', mark, message_id)
        return []
    author = address_of(author_of(msg).address or '') or ''
    if author and (author == settings.forms_address or list_at(author) is not None):
        log.info('Not a request form: it comes from an address of ours: %s', message_id)
        return []
    make_legible(msg)
    may_answer = can_acknowledge(msg)
    if not reading.has_form(mail, settings):
        log.info('A mail without a request form: %s', message_id)
        if may_answer and automatic_answer(msg) is None:
            telling.no_form(author, msg)
        return []
    sent = Sent(reading.MAIL, mail)
    digest = reading.digest_of_mail(mail, message_id, author, settings)
    origin = Origin(BY_MAIL, digest, author, message_id, may_answer)
    numbers = _keep(sent, origin, reading.read(sent, settings), received_at, msg)
    if not numbers:
        log.info('Request forms that came before: %s', message_id)
    return numbers


def _parsed(mail: bytes) -> Message:
    try:
        return email.message_from_bytes(mail, policy=email.policy.compat32)
    except Exception:
        # Python's parser has raised many things.  The readers say what is wrong.
        return Message()


def take(sent: Sent, route: str) -> list[int]:
    """Take a file that somebody we know hands in.

    The same file while it waits gives the same requests.

    :return: The numbers of its requests.
    :raises TooMany: if so many wait.
    """
    settings = startup.settings()
    digest = reading.digest_of(sent)
    waiting = _waiting_of(digest)
    if waiting:
        return waiting
    found = reading.read(sent, settings)
    if requests.how_many() + len(found) > settings.forms_max_waiting:
        raise TooMany
    return _keep(sent, Origin(route, digest), found, now()) or _waiting_of(digest)


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
    sent: Sent,
    origin: Origin,
    found: list[Found],
    received_at: datetime,
    msg: Message | None = None,
) -> list[int]:
    """Keep what came and a request for each form in it; nothing if it is there.

    :param msg: The mail that it came in.
    """
    of_digest = select(QNetSubmission.id).where(QNetSubmission.digest == origin.digest)
    turn = 0
    if origin.route != BY_MAIL:
        turn = len(store().scalars(of_digest).all())
    row = {
        'received_at': received_at,
        'route': origin.route,
        'sender': origin.sender,
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
    rows = [
        _request(submission_id, position, one, origin)
        for position, one in enumerate(found)
    ]
    store().add_all(rows)
    store().flush()
    for request in rows:
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
    telling.acknowledge(submission_id, msg)
    return [request.id for request in rows]


def _request(
    submission_id: int, position: int, found: Found, origin: Origin
) -> QNetRequest:
    form = found.form.form if isinstance(found.form, Loaded) else None
    mistakes = [] if isinstance(found.form, Loaded) else found.form.errors
    requester = '' if form is None else form.requester.email
    return QNetRequest(
        submission_id=submission_id,
        position=position,
        place=found.place,
        kind='' if form is None else form.form,
        list_address='' if form is None else form.list_address[:320],
        ticket='' if form is None else form.ticket[:100],
        requester=requester[:320],
        mistakes=len(mistakes),
        tell=origin.sender if origin.route == BY_MAIL else requester[:320],
        status=Status.waiting.value,
    )
