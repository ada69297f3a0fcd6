# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing about requests: to who sent them, and to operators (R28, R34).

Whatever a mail says about its sender may be forged.  So what answers it by itself has
nothing of what was sent in it, and one address gets only so many such answers a day.
What an operator has decided is told in full.
"""

from __future__ import annotations

import logging
import textwrap
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from mailman.config import config
from mailman.utilities.datetime import now
from sqlalchemy import select, update

from qnet_mailman import site
from qnet_mailman.clock import in_zone
from qnet_mailman.forms import kept, plain, questions
from qnet_mailman.forms.kept import Loaded
from qnet_mailman.model import limits
from qnet_mailman.model.base import by_itself, store
from qnet_mailman.model.desk import Step
from qnet_mailman.model.jobs import claim_job
from qnet_mailman.model.requests import OPEN, QNetRequest, QNetSubmission, Status
from qnet_mailman.model.statements import touched
from qnet_mailman.posting import backscatter
from qnet_mailman.review import desk, requests
from qnet_mailman.review.doubts import BY_MAIL, ON_THE_WEB
from qnet_mailman.templates.sending import AUTO_REPLIED, WIDTH, operators, send

REMIND_EVERY = timedelta(days=1)
"""Between two messages to operators about requests that wait."""
MAX_NO_FORM = 200
"""Mails without a form that are answered in a day: senders can be forged."""
MAX_NAMED = 50
"""Requests that one message names."""

RECEIVED = 'qnet:requester:notice:forms-received'
COPY = 'qnet:requester:notice:request-received'
"""The same with what was asked for, to who is shown to have asked."""
APPROVED = 'qnet:requester:notice:forms-approved'
RETURNED = 'qnet:requester:notice:forms-returned'
NO_FORM = 'qnet:requester:notice:no-form'
WAITING = 'qnet:operator:notice:forms-waiting'

log = logging.getLogger('mailman.plugins')


def no_form(address: str, tried: str, *, proven: bool) -> None:
    """Tell who sent a mail without a form what to attach.

    Once a day; each time where they tried to send one.

    :param tried: What to do instead; empty where nothing shows that they did.
    :param proven: Whether the mail is shown to come from there (R6).
    """
    if not address:
        return
    settings = site.settings()
    if (
        limits.allowed(
            'attempt at a form' if tried else 'mail without form',
            address,
            settings.forms_mails_per_day if tried else 1,
            limits.DAY,
        )
        and limits.allowed('mails without form', '', MAX_NO_FORM, limits.DAY)
        and backscatter.mail_allowed(address, proven=proven)
    ):
        _answer(
            address,
            NO_FORM,
            'Your message has no request form',
            {
                'size': str(settings.form_max_size // 1024),
                'tried': f'{textwrap.fill(tried, WIDTH)}\n\n' if tried else '',
            },
        )


def acknowledge(submission_id: int) -> None:
    """Tell the numbers of a submission, once; part of the caller's transaction."""
    # Whoever changes the row is the one who tells.
    claimed = touched(
        update(QNetSubmission)
        .where(
            QNetSubmission.id == submission_id,
            QNetSubmission.acknowledged_at.is_(None),
        )
        .values(acknowledged_at=now())
        .execution_options(synchronize_session=False)
    )
    if not claimed:
        return
    submission = store().get_one(QNetSubmission, submission_id)
    query = (
        select(QNetRequest.tell, QNetRequest.id)
        .where(QNetRequest.submission_id == submission_id, QNetRequest.tell != '')
        .order_by(QNetRequest.tell, QNetRequest.id)
    )
    for address, rows in groupby(store().execute(query).all(), lambda row: row[0]):
        if not _may_answer(address, submission):
            continue
        ids = [row[1] for row in rows]
        numbers = [requests.label(number) for number in ids]
        is_copy = submission.route == ON_THE_WEB
        words = {'numbers': _lines(numbers, len(numbers))}
        if is_copy:
            words['answers'] = '\n'.join(_answers(number) for number in ids)
        subject = f'Your request has arrived: {_named(numbers)}'
        _answer(address, COPY if is_copy else RECEIVED, subject, words)


def _answers(number: int) -> str:
    text = store().get_one(QNetRequest, number).text
    loaded = kept.from_text(text or '{"errors": []}')
    said = questions.answers(loaded.form) if isinstance(loaded, Loaded) else []
    return '\n'.join(_filled(plain.beside(*line), '  ') for line in said)


def repeated(submission_id: int, found: Sequence[QNetRequest]) -> None:
    """Tell the first numbers of forms that came again; part of the transaction."""
    submission = store().get_one(QNetSubmission, submission_id)
    told: dict[tuple[str, bool], list[QNetRequest]] = {}
    for row in found:
        told.setdefault((row.requester, row.status in OPEN), []).append(row)
    for (address, is_open), rows in told.items():
        if not _may_answer(address, submission):
            continue
        numbers = list(dict.fromkeys(requests.label(row.id) for row in rows))
        named = _named(numbers)
        if is_open:
            words = {'numbers': _lines(numbers, len(numbers))}
            _answer(
                address, RECEIVED, f'Your request has arrived before: {named}', words
            )
        else:
            words = {'requests': _lines(numbers, len(numbers))}
            _answer(address, APPROVED, f'Your request was carried out: {named}', words)


def _may_answer(address: str, submission: QNetSubmission) -> bool:
    most = site.settings().forms_mails_per_day
    if limits.allowed(
        'answer about forms', address, most, limits.DAY
    ) and backscatter.mail_allowed(address, proven=_is_proven(submission)):
        return True
    log.info('No further answer about request forms to %s today', address)
    return False


def _is_proven(submission: QNetSubmission) -> bool:
    # Who hands a form in over REST or at the command line is no stranger; of a mail,
    # its sender is the one who is told.
    return submission.route != BY_MAIL or bool(submission.shown_by)


def _named(numbers: list[str]) -> str:
    more = len(numbers) - 1
    return numbers[0] + (f' and {more} more' if more else '')


def _lines(lines: list[str], number: int) -> str:
    shown = [f'  {line}' for line in lines[:MAX_NAMED]]
    if number > MAX_NAMED:
        shown.append(f'  and {number - MAX_NAMED} more')
    return '\n'.join(shown)


def _answer(address: str, template: str, subject: str, words: dict[str, str]) -> None:
    send(None, address, template, subject, words, automatic=AUTO_REPLIED)


# ------------------------------------------------------------ what is due


def tell(moment: datetime | None = None) -> None:
    """Write all messages that are due; a transaction for each, commits.

    What cannot be written is logged, and tried again by the next call.
    """
    moment = moment or now()
    config.db.commit()
    for submission_id in list(store().scalars(_unacknowledged())):
        _each(acknowledge, submission_id)
    for submission_id, status in store().execute(_untold()).all():
        _each(_tell_decision, submission_id, Status(status), moment)
    _each(_tell_operators, moment)


def _each(work: Any, *arguments: Any) -> None:
    with by_itself(log, 'A message about a request could not be written'):
        work(*arguments)


def _unacknowledged() -> Any:
    return (
        select(QNetSubmission.id)
        .where(QNetSubmission.acknowledged_at.is_(None))
        .order_by(QNetSubmission.id)
    )


def _untold() -> Any:
    return (
        select(QNetRequest.submission_id, QNetRequest.status)
        .where(QNetRequest.status.not_in(OPEN), QNetRequest.notified_at.is_(None))
        .distinct()
        .order_by(QNetRequest.submission_id, QNetRequest.status)
    )


def _tell_decision(submission_id: int, status: Status, moment: datetime) -> None:
    """One message for all that was decided alike of one submission."""
    # Whoever changes the rows is the one who tells.
    due = (
        update(QNetRequest)
        .where(
            QNetRequest.submission_id == submission_id,
            QNetRequest.status == status.value,
            QNetRequest.notified_at.is_(None),
        )
        .values(notified_at=moment)
        .returning(QNetRequest.id)
        .execution_options(synchronize_session=False)
    )
    ids = list(store().scalars(due))
    if status is Status.approved:
        for number in ids:
            desk.note(number, Step.done)
    query = (
        select(QNetRequest)
        .where(QNetRequest.id.in_(ids), QNetRequest.tell != '')
        .order_by(QNetRequest.tell, QNetRequest.id)
        .execution_options(populate_existing=True)
    )
    for address, found in groupby(store().scalars(query).all(), lambda row: row.tell):
        rows = list(found)
        numbers = [requests.label(row.id) for row in rows]
        if status is Status.approved:
            template, done = APPROVED, 'has been carried out'
            words = {'requests': '\n'.join(_item(row) for row in rows)}
        else:
            template, done = RETURNED, 'needs a correction'
            words = {'requests': '\n\n'.join(_returned(row) for row in rows)}
        send(None, address, template, f'Your request {_named(numbers)} {done}', words)


def _item(row: QNetRequest) -> str:
    label = requests.label(row.id)
    tickets = [each for each in (row.ticket, row.desk_ticket) if each != label]
    about = ', '.join(
        dict.fromkeys(filter(None, (row.kind, row.list_address, *tickets)))
    )
    return f'  {label}' + (f'  {about}' if about else '')


def _returned(row: QNetRequest) -> str:
    lines = [f'{_item(row)}' + (f' ({row.place})' if row.place else '')]
    if row.reason:
        lines += ['', _filled(row.reason, '    ')]
    if row.findings:
        lines += ['', *(_filled(line, '    * ') for line in row.findings.split('\n'))]
    return '\n'.join(lines)


def _filled(text: str, indent: str) -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=' ' * len(indent),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _tell_operators(moment: datetime) -> None:
    """One message about all requests that wait: when the first comes, and every day."""
    waiting = requests.of([Status.waiting.value], most=MAX_NAMED)
    if not waiting:
        return
    if not claim_job('tell operators about requests', REMIND_EVERY, moment):
        return
    number = requests.how_many([Status.waiting.value])
    lines = [
        f'{_item(request).strip()} ({_day(submission.received_at)})'
        for request, submission in waiting
    ]
    how_many = '1 request form waits' if number == 1 else f'{number} request forms wait'
    send(
        None,
        operators(),
        WAITING,
        f'{how_many} for you',
        {'requests': _lines(lines, number)},
    )


def _day(moment: datetime) -> str:
    return f'{in_zone(moment, site.settings().time_zone):%Y-%m-%d}'
