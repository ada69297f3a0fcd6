# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is now: the list that a form names, as plain values."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from mailman.interfaces.domain import IDomainManager
from mailman.utilities.datetime import now
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman.bounces import relief
from qnet_mailman.bounces.scoring import window_days
from qnet_mailman.forms.administrator_request import AdministratorRequest
from qnet_mailman.forms.list_closure import ListClosure
from qnet_mailman.forms.schema import (
    ADMINISTRATOR_REQUEST,
    KIND,
    LIST_CLOSURE,
    THRESHOLD_CHANGE,
    ListRequest,
)
from qnet_mailman.forms.threshold_change import ThresholdChange
from qnet_mailman.lists.closing import Closure, look_at_closure
from qnet_mailman.lists.settings import Value, current
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.audit import Action, QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.closures import closure_of
from qnet_mailman.model.finding import (
    _close_to,
    banned_among,
    find_list,
    lists_at,
    members_among,
)
from qnet_mailman.model.forms import QNetForm
from qnet_mailman.model.lists import row_of
from qnet_mailman.roles import overview
from qnet_mailman.roles.people import Assignee, Role, assignments_of
from qnet_mailman.roles.rights import Assignment, holder_of
from qnet_mailman.styles import reserved
from qnet_mailman.values import list_id_of

SHOWN = 3
"""Names in a line about many."""


@dataclass(frozen=True)
class Running:
    """A list as it is, for the plan of a list request.

    :ivar list_type: The type; None for a list without a style of ours.
    :ivar forms: The forms that were applied to it, by ticket.
    :ivar is_authorized: Whether the requester administers it now (R25).
    :ivar members: Of the addresses that were asked for, those that are members.
    """

    list_type: str | None
    visibility: str | None
    settings: dict[str, Value] = field(default_factory=dict)
    assignments: dict[tuple[Role, str], Assignee] = field(default_factory=dict)
    members: frozenset[str] = frozenset()
    forms: dict[str, ListRequest] = field(default_factory=dict)
    is_closed: bool = False
    is_authorized: bool = False


@dataclass(frozen=True)
class Site:
    """What there is beside the list.

    :ivar domains: The mail domains that Mailman has.
    :ivar banned: Of the addresses that were asked for, those that are banned.
    :ivar list_addresses: Of the subscribers that were asked for, the addresses of lists
        of this site.
    :ivar clash: Why no list can have the address; empty if it can.
    :ivar is_deleted: Whether the list was closed and deleted after this very form.
    :ivar other_lists: Lists that the same ticket made, one more than are shown.
    :ivar waiting: Of the people that the form assigns, by role and address, those who
        do not have the role that they need (R25).
    """

    domains: frozenset[str] = frozenset()
    banned: frozenset[str] = frozenset()
    list_addresses: frozenset[str] = frozenset()
    clash: str = ''
    is_deleted: bool = False
    other_lists: tuple[str, ...] = ()
    waiting: frozenset[tuple[Role, str]] = frozenset()


def applied(list_id: str, kind: str, ticket: str) -> QNetForm | None:
    """The row of a ticket's form of some kind on a list."""
    return store().scalar(
        select(QNetForm).where(
            QNetForm.list_id == list_id,
            QNetForm.kind == kind,
            QNetForm.ticket == ticket,
        )
    )


def deleted_since(form: ListRequest) -> bool:
    """Whether a form closed a list, and time deleted it, after this form was applied.

    What was known of the forms of a list is deleted with it; the audit log stays.
    """
    query = (
        select(QNetAudit.action, QNetAudit.subject, QNetAudit.detail)
        .where(
            QNetAudit.list_id == list_id_of(form.list_address),
            QNetAudit.action.in_(
                [Action.form_applied, Action.list_reopened, Action.list_deleted]
            ),
        )
        .order_by(QNetAudit.id)
    )
    is_applied = is_closed = is_deleted = False
    for action, ticket, detail in store().execute(query):
        if action == Action.list_deleted:
            is_deleted = is_applied and is_closed
            is_applied = is_closed = False
        elif action == Action.list_reopened:
            is_closed = False
        else:
            about = json.loads(detail)
            is_closed = is_closed or about['kind'] == LIST_CLOSURE
            if (ticket, about['digest']) == (form.ticket, form.digest()):
                is_applied = True
    return is_deleted


def look(form: ListRequest) -> tuple[Running | None, Site]:
    """Everything about the list of a form that its plan depends on."""
    mlist = find_list(form.list.name)
    list_id = list_id_of(form.list.name)
    emails = [person.email.lower() for person in form.subscribers]
    people = [
        person.email.lower() for person in (*form.administrators, *form.moderators)
    ]
    site = Site(
        domains=frozenset(domain.mail_host for domain in getUtility(IDomainManager)),
        banned=banned_among(list_id, [*emails, *people]),
        list_addresses=frozenset(lists_at(emails, form.list.name.lower())),
        other_lists=tuple(
            store().scalars(
                select(QNetForm.list_id)
                .where(
                    QNetForm.kind == KIND,
                    QNetForm.ticket == form.ticket,
                    QNetForm.list_id != list_id,
                )
                .order_by(QNetForm.list_id)
                .limit(SHOWN + 1)
            )
        ),
        waiting=_waiting(form),
        clash=reserved.clash(form.list.name) if mlist is None else '',
        is_deleted=mlist is None and deleted_since(form),
    )
    if mlist is None:
        return None, site
    row = row_of(mlist)
    forms = store().scalars(
        select(QNetForm).where(QNetForm.list_id == list_id, QNetForm.kind == KIND)
    )
    running = Running(
        list_type=None if row is None else row.list_type,
        visibility=None if row is None else row.visibility,
        settings=current(mlist),
        assignments=assignments_by_role(mlist),
        members=members_among(list_id, set(emails)),
        forms={
            each.ticket: ListRequest.model_validate_json(each.content) for each in forms
        },
        is_closed=closure_of(list_id) is not None,
        is_authorized=overview.administers(list_id, form.requester.email),
    )
    return running, site


def assignments_by_role(mlist: Mlist) -> dict[tuple[Role, str], Assignee]:
    """Who is assigned to a list, by role and address."""
    return {
        (Role(each.role), each.email): Assignee(
            each.email, each.name, each.harp_id, each.may_post
        )
        for each in assignments_of(mlist)
    }


def _waiting(form: ListRequest) -> frozenset[tuple[Role, str]]:
    people = [
        Assignment(
            list_id_of(form.list.name),
            person.email.lower(),
            role,
            holder_of(person.harp_id),
        )
        for role, persons in (
            (Role.administrator, form.administrators),
            (Role.moderator, form.moderators),
        )
        for person in persons
    ]
    rights = overview.rights_by(people)
    return frozenset(
        (each.role, each.email)
        for each, right in zip(people, rights, strict=True)
        if right is not each.role
    )


@dataclass(frozen=True)
class Thresholds:
    """A list as the plan of a threshold change sees it.

    :ivar exists: Whether it is there.
    :ivar is_ours: Whether it was made with a style of ours.
    :ivar close: The address of a list that could be meant instead; may be empty.
    :ivar previous: The form of the same ticket that was applied to it.
    :ivar is_authorized: Whether the requester administers it now (R25).
    :ivar spared: The suspended members whom what the form wants would not suspend.
    """

    exists: bool = True
    is_ours: bool = True
    close: str = ''
    settings: dict[str, Value] = field(default_factory=dict)
    previous: ThresholdChange | None = None
    is_closed: bool = False
    is_authorized: bool = False
    spared: tuple[str, ...] = ()


def look_at_thresholds(form: ThresholdChange) -> Thresholds:
    """Everything that the plan of a threshold change depends on."""
    mlist = find_list(form.list)
    if mlist is None:
        return Thresholds(exists=False, close=_close_to(form.list))
    if row_of(mlist) is None:
        return Thresholds(is_ours=False)
    row = applied(mlist.list_id, THRESHOLD_CHANGE, form.ticket)
    threshold = form.bounces.threshold or mlist.bounce_score_threshold
    window = form.bounces.window_days or window_days(mlist.bounce_info_stale_after)
    spared = relief.spared(mlist.list_id, threshold, window, now())
    return Thresholds(
        spared=tuple(one.email for one in spared),
        settings=current(mlist),
        previous=None
        if row is None
        else ThresholdChange.model_validate_json(row.content),
        is_closed=closure_of(mlist.list_id) is not None,
        is_authorized=overview.administers(mlist.list_id, form.requester.email),
    )


@dataclass(frozen=True)
class Target:
    """A list as the plans see it that need its administrator to ask for them.

    :ivar address: As the form names it.
    :ivar exists: Whether it is there.
    :ivar is_ours: Whether it was made with a style of ours.
    :ivar close: The address of a list that could be meant instead; may be empty.
    :ivar is_authorized: Whether the requester administers it now (R25).
    :ivar assignments: By role and address.
    :ivar closure: How it is closed; None while it is open.
    :ivar banned: Of the addresses that were asked for, those that are banned.
    """

    address: str
    exists: bool = True
    is_ours: bool = True
    close: str = ''
    is_authorized: bool = False
    assignments: dict[tuple[Role, str], Assignee] = field(default_factory=dict)
    closure: Closure | None = None
    banned: frozenset[str] = frozenset()


def look_at_target(address: str, requester: str, *emails: str) -> Target:
    """What a list is to somebody who asks for something that its administrators may.

    :param requester: The requester's address.
    :param emails: Addresses that the request is about, in lower case.
    """
    mlist = find_list(address)
    if mlist is None:
        return Target(address, exists=False, close=_close_to(address))
    if row_of(mlist) is None:
        return Target(address, is_ours=False)
    return Target(
        address,
        is_authorized=overview.administers(mlist.list_id, requester),
        assignments=assignments_by_role(mlist),
        closure=look_at_closure(mlist),
        banned=banned_among(mlist.list_id, emails),
    )


@dataclass(frozen=True)
class Desk:
    """What there is for an administrator request.

    :ivar targets: The form's lists.
    :ivar left: The lists of the same ticket's form as it was applied last that are not
        in it any more.
    :ivar previous: That form.
    :ivar is_waiting: Whether the person does not have the role that they need (R25).
    """

    targets: tuple[Target, ...]
    left: tuple[Target, ...] = ()
    previous: AdministratorRequest | None = None
    is_waiting: bool = False


def look_at_assignments(form: AdministratorRequest) -> Desk:
    """Everything that the plan of an administrator request depends on."""
    content = store().scalar(
        select(QNetForm.content)
        .where(QNetForm.kind == ADMINISTRATOR_REQUEST, QNetForm.ticket == form.ticket)
        # All of them have the same, as they are written together.
        .limit(1)
    )
    previous = (
        None if content is None else AdministratorRequest.model_validate_json(content)
    )
    person = form.person.email.lower()

    def targets(addresses: Iterable[str]) -> tuple[Target, ...]:
        return tuple(
            look_at_target(address, form.requester.email, person)
            for address in addresses
        )

    wanted = Assignment('', person, form.role, holder_of(form.person.harp_id))
    return Desk(
        targets(form.lists),
        targets(
            address
            for address in (() if previous is None else previous.lists)
            if address not in form.lists and find_list(address) is not None
        ),
        previous,
        overview.rights_by([wanted]) != [form.role],
    )


@dataclass(frozen=True)
class Closeable:
    """A list as the plan of closing it sees it.

    :ivar previous: The same ticket's form as it was applied last.
    :ivar deleted_at: When the list was deleted to which this very form had been
        applied, in UTC; None where that is not so.  One that is there has been made
        since.
    """

    target: Target
    previous: ListClosure | None = None
    deleted_at: datetime | None = None


def look_at_closing(form: ListClosure) -> Closeable:
    """Everything that the plan of closing a list depends on."""
    target = look_at_target(form.list, form.requester.email)
    row = applied(list_id_of(form.list), LIST_CLOSURE, form.ticket)
    if row is None:
        return Closeable(target, deleted_at=_deleted_at(form))
    return Closeable(target, ListClosure.model_validate_json(row.content))


def _deleted_at(form: ListClosure) -> datetime | None:
    # All else that is known of a form goes with its list.
    of_list = (
        select(QNetAudit)
        .where(QNetAudit.list_id == list_id_of(form.list))
        .order_by(QNetAudit.id.desc())
        .limit(1)
    )
    deleted = store().scalar(
        of_list.where(QNetAudit.action == Action.list_deleted.value)
    )
    if deleted is None:
        return None
    last = store().scalar(
        of_list.where(
            QNetAudit.action == Action.form_applied.value,
            QNetAudit.subject == form.ticket,
            QNetAudit.id < deleted.id,
        )
    )
    if last is None or json.loads(last.detail)['digest'] != form.digest():
        return None
    return deleted.at
