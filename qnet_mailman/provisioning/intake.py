# SPDX-License-Identifier: GPL-3.0-or-later
"""The ticket of a form that has none (R30, R38).

The same requester and content again is the request that it was: the audit log knows
every form that was applied, on lists that are deleted, too.  A form of the same person
about what they asked for before changes that.  Anything else is new, and gets the
intake number that it came in with, or one of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TypeVar

from mailman.utilities.datetime import now
from sqlalchemy import func, select, update

from qnet_mailman.forms.kinds import AnyForm
from qnet_mailman.forms.list_closure import ListClosure
from qnet_mailman.forms.schema import Form, ListRequest
from qnet_mailman.model.audit import Action, QNetAudit, current_actor, record
from qnet_mailman.model.base import store
from qnet_mailman.model.closures import closure_of
from qnet_mailman.model.forms import QNetForm
from qnet_mailman.model.requests import (
    QNetRequest,
    QNetSubmission,
    Status,
    is_label,
    label,
    number_of,
)
from qnet_mailman.model.statements import touched
from qnet_mailman.provisioning.kinds import KINDS
from qnet_mailman.provisioning.plan import PlanRefused
from qnet_mailman.settings import Settings
from qnet_mailman.values import list_id_of

ROUTE = 'provision'
"""Of what was applied without having waited for anybody."""

F = TypeVar('F', bound=Form)


def with_ticket(form: F, ticket: str) -> F:
    """The form with a ticket, as if its writer had written it."""
    return form.model_copy(update={'ticket': ticket})


def known_ticket(form: AnyForm) -> str:
    """Under which ticket a form without one is known, or changes what is there.

    :return: The first one; empty if it is new.
    """
    return _applied_ticket(form) or next(_changed_tickets(form), '')


def in_force(form: AnyForm, settings: Settings) -> str:
    """The ticket under which this very form was applied, if all is still as it asks.

    :param form: A form without a ticket.
    :return: Empty where it was not applied, or something has changed since.
    """
    ticket = _applied_ticket(form)
    if not ticket:
        return ''
    try:
        plan = KINDS[form.form].plan(with_ticket(form, ticket), settings, True)
    except PlanRefused:
        return ''
    return ticket if plan.recorded and not plan.notes else ''


def _applied_ticket(form: AnyForm) -> str:
    """The ticket with which this very form was applied."""
    query = (
        select(QNetAudit.subject, QNetAudit.detail)
        .where(
            QNetAudit.list_id == list_id_of(form.list_addresses[0]),
            QNetAudit.action == Action.form_applied.value,
        )
        .order_by(QNetAudit.id)
    )
    for ticket, detail in store().execute(query):
        about = json.loads(detail)
        asked = (about.get('kind'), about.get('requester'))
        # Digests hold the ticket, and cost time where there are many people.
        if asked != (form.form, form.requester.email):
            continue
        if with_ticket(form, ticket).digest() == about['digest']:
            return str(ticket)
    return ''


def _changed_tickets(form: AnyForm) -> Iterator[str]:
    """The tickets of what the requester asked for before, and may mean to change."""
    if not isinstance(form, ListRequest | ListClosure):
        return
    list_id = list_id_of(form.list_address)
    query = (
        select(QNetForm.ticket, QNetForm.content)
        .where(QNetForm.list_id == list_id, QNetForm.kind == form.form)
        .order_by(QNetForm.id.desc())
    )
    closure = closure_of(list_id)
    for ticket, content in store().execute(query):
        if isinstance(form, ListClosure) and (
            closure is None or closure.ticket != ticket
        ):
            continue
        requester = json.loads(content)['requester']['email']
        if requester.lower() == form.requester.email.lower():
            yield ticket


def numbered(form: AnyForm, number: str, *, make: bool) -> AnyForm:
    """A form with a ticket: its own, the one that it is known under, or a number.

    :param number: The intake number that it came in with, or the service desk's; may
        be empty.
    :param make: Whether it is given one where it has none, and the service desk's is
        linked to what it has; part of the caller's transaction.
    """
    if form.ticket:
        return form
    known = known_ticket(form)
    if make and not (known or number):
        known = _new_number(form)
    elif make and is_label(known) and not is_label(number):
        link_first(number_of(known), number)
    return with_ticket(form, known or number)


def link_first(number: int | None, ticket: str) -> None:
    """Link the service desk's number to a request that has none linked.

    :param ticket: May be empty.
    """
    linked = update(QNetRequest).where(
        QNetRequest.id == number, QNetRequest.desk_ticket == ''
    )
    if ticket and number and touched(linked.values(desk_ticket=ticket)):
        record(Action.request_linked, subject=label(number), ticket=ticket)


def _new_number(form: AnyForm) -> str:
    moment = now()
    digest = form.digest()
    before = select(func.count(QNetSubmission.id))
    submission = QNetSubmission(
        received_at=moment,
        route=ROUTE,
        sender='',
        message_id='',
        digest=digest,
        turn=store().scalar(before.where(QNetSubmission.digest == digest)),
        name='',
        beside='{}',
        acknowledged_at=moment,
    )
    store().add(submission)
    store().flush()
    request = QNetRequest(
        submission_id=submission.id,
        position=0,
        place='',
        kind=form.form,
        list_address=form.list_address[:320],
        ticket='',
        requester=form.requester.email,
        mistakes=0,
        tell='',
        status=Status.approved.value,
        decided_at=moment,
        decided_by=current_actor.get()[:320],
        notified_at=moment,
    )
    store().add(request)
    store().flush()
    request.ticket = label(request.id)
    return request.ticket
